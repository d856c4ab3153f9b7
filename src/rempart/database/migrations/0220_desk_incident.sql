-- The night of an incident at the desk (docs/desk.md, docs/incident.md). The desk's role reads what the operator's reads to say who is exposed
-- and to make what is told, adds what an operator adds, and changes nothing. It reads no factor, no key, no session, no capsule, no person.

-- What two people released to these insurers of an incident: the vault signs for the desk so many packages, until then, and no more.
CREATE TABLE vault.package_release (
  incident integer PRIMARY KEY CHECK (incident > 0),
  digest bytea NOT NULL CHECK (length(digest) = 32),
  amcs text[] NOT NULL CHECK (cardinality(amcs) > 0),
  everybody boolean NOT NULL,
  proofs boolean NOT NULL,
  stated integer NOT NULL DEFAULT 0,
  told integer NOT NULL DEFAULT 0,
  by text NOT NULL,
  at bigint NOT NULL,
  expires bigint NOT NULL
);
GRANT SELECT, INSERT, UPDATE ON vault.package_release TO rempart_vault;

-- When an insurer took the last part of its package.
ALTER TABLE incident.package ADD COLUMN fetched bigint;
GRANT UPDATE (fetched) ON incident.package TO rempart_cashier;

-- The ledger, for whom and when: as 0150 gives it to the operator.
GRANT USAGE ON SCHEMA evidence, vault, intake, identity TO rempart_desk;
GRANT SELECT ON evidence.log, evidence.leaf, evidence.entry, evidence.node, evidence.operations TO rempart_desk;
GRANT SELECT (size, note) ON evidence.checkpoint TO rempart_desk;
GRANT SELECT (size, witness, line) ON evidence.cosignature TO rempart_desk;
GRANT SELECT ON evidence.horizon TO rempart_desk;

-- Which parties there are, and who belongs where.
GRANT SELECT (id, login) ON vault.account TO rempart_desk;
GRANT SELECT (id, name) ON vault.editor TO rempart_desk;
GRANT SELECT (number, amc, name, notice_key) ON vault.insurer TO rempart_desk;
GRANT SELECT (id, finess, amc, profession, party_group, opens) ON vault.establishment TO rempart_desk;
GRANT SELECT (id, label) ON vault.party_group TO rempart_desk;
GRANT SELECT (account, establishment, party_group, role) ON vault.membership TO rempart_desk;
GRANT SELECT (account, device) ON vault.binding TO rempart_desk;
GRANT SELECT (account, establishment) ON vault.departure TO rempart_desk;
GRANT SELECT (device, editor) ON vault.software TO rempart_desk;

-- What letters and packages are made of: names of establishments, and the loads' keys, wrapped to their insurer.
GRANT SELECT (insurer, number, wrapped) ON intake.load TO rempart_desk;
-- Its rows, by 0201_desk_onboarding.sql's policy.
GRANT SELECT (id, finess, amc, name, town) ON identity.establishment TO rempart_desk;

-- Acts and packages are added. The bytes of a package are sealed before they come here, and not read again.
GRANT INSERT ON incident.incident, incident.act TO rempart_desk;
GRANT SELECT, INSERT ON incident.package TO rempart_desk;
GRANT INSERT ON incident.package_part TO rempart_desk;
CREATE POLICY desk ON incident.package TO rempart_desk USING (true) WITH CHECK (true);
CREATE POLICY desk ON incident.package_part FOR INSERT TO rempart_desk WITH CHECK (true);
