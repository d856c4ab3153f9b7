-- Scope (docs/incident.md): who was told of by whom, and when, answered from the ledger in under a second whatever its size. SQL never asks
-- for the time.

-- Each party's answers in an interval; a question that names no party reads the interval, which is nearly in the table's order.
CREATE INDEX entry_by_device ON evidence.entry (device, at);
CREATE INDEX entry_by_establishment ON evidence.entry (establishment, at);
CREATE INDEX entry_by_editor ON evidence.entry (editor, at) WHERE editor <> '00000000-0000-0000-0000-000000000000';
CREATE INDEX entry_by_time ON evidence.entry USING brin (at) WITH (pages_per_range = 32);

-- Proofs are made from the same inner hashes as the public ones; the load's key goes to its insurer with the references sealed under it.
GRANT SELECT ON evidence.node TO rempart_operator;

-- Which parties there are, and who belongs where: no factor, no key, no session.
GRANT SELECT (id, login, status) ON vault.account TO rempart_operator;
GRANT SELECT (id, name) ON vault.editor TO rempart_operator;
GRANT SELECT (number, amc, name) ON vault.insurer TO rempart_operator;
GRANT SELECT (id, finess, amc, profession, party_group) ON vault.establishment TO rempart_operator;
GRANT SELECT (id, label) ON vault.party_group TO rempart_operator;
GRANT SELECT ON vault.membership TO rempart_operator;
GRANT SELECT (account, device) ON vault.binding TO rempart_operator;
GRANT SELECT (account, establishment) ON vault.departure TO rempart_operator;
GRANT SELECT (device, editor, establishment) ON vault.software TO rempart_operator;
