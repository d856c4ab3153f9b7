-- The vault's tables. Instants are bigint microseconds since 1970 UTC and always come from the vault's clock: SQL never asks for the time.

-- An insurer, known by contract. `generation` and `epoch` are read by the probe's own statement: a load's swap is one UPDATE of this row.
CREATE TABLE vault.insurer (
  number smallint PRIMARY KEY CHECK (number > 0),
  amc text NOT NULL UNIQUE,
  name text NOT NULL,
  signing_key bytea NOT NULL,
  notice_key bytea NOT NULL,
  generation integer NOT NULL DEFAULT 0,
  epoch integer NOT NULL DEFAULT 0,
  sequence bigint NOT NULL DEFAULT 0,
  persons bigint NOT NULL DEFAULT 0,
  products_version integer NOT NULL DEFAULT 0,
  vitale_open boolean NOT NULL DEFAULT true
);

-- Guarantee grids: nothing personal. `grid` is {"DOMAIN": {"formula", "prise_en_charge", "rate_basis", "percent", "amount_cents", "per"}}.
CREATE TABLE vault.product (
  insurer smallint NOT NULL REFERENCES vault.insurer (number),
  version integer NOT NULL,
  reference text NOT NULL,
  label text NOT NULL,
  grid jsonb NOT NULL,
  PRIMARY KEY (insurer, version, reference)
);

-- A group of establishments, e.g. a laboratory chain.
CREATE TABLE vault.party_group (
  id uuid PRIMARY KEY,
  label text NOT NULL UNIQUE
);

-- Where people work: an establishment that gives care, by its FINESS; or an insurer's seat, by its n° AMC, which checks no right.
CREATE TABLE vault.establishment (
  id uuid PRIMARY KEY,
  finess text UNIQUE,
  profession text NOT NULL,
  party_group uuid REFERENCES vault.party_group (id),
  status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'suspended')),
  amc text UNIQUE REFERENCES vault.insurer (amc),
  CHECK ((finess IS NULL) <> (amc IS NULL)),
  CHECK ((profession = 'insurer') = (amc IS NOT NULL))
);

-- A professional's account. The vault knows a login and nothing else of the person: names live in the identity room.
CREATE TABLE vault.account (
  id uuid PRIMARY KEY,
  login text NOT NULL UNIQUE,
  status text NOT NULL DEFAULT 'invited' CHECK (status IN ('invited', 'active', 'suspended')),
  added bigint NOT NULL
);

-- Who works where. An administrator of a group holds a membership with `party_group` and no establishment.
CREATE TABLE vault.membership (
  account uuid NOT NULL REFERENCES vault.account (id),
  establishment uuid REFERENCES vault.establishment (id),
  party_group uuid REFERENCES vault.party_group (id),
  role text NOT NULL CHECK (role IN ('titulaire', 'employee', 'administrator')),
  added bigint NOT NULL,
  CHECK ((establishment IS NULL) <> (party_group IS NULL)),
  CHECK ((role = 'administrator') = (party_group IS NOT NULL)),
  UNIQUE NULLS NOT DISTINCT (account, establishment, party_group)
);

-- A browser's key. Several accounts may be bound to one device: a counter is shared, accounts are not.
CREATE TABLE vault.device (
  id uuid PRIMARY KEY,
  thumbprint bytea NOT NULL UNIQUE CHECK (length(thumbprint) = 32),
  public_key bytea NOT NULL CHECK (length(public_key) = 65),
  added bigint NOT NULL
);

CREATE TABLE vault.binding (
  account uuid NOT NULL REFERENCES vault.account (id),
  device uuid NOT NULL REFERENCES vault.device (id),
  label text NOT NULL,
  how text NOT NULL CHECK (how IN ('activation', 'passkey', 'approval', 'posted-code')),
  bound bigint NOT NULL,
  fresh_until bigint NOT NULL,
  PRIMARY KEY (account, device)
);

-- An open session. The cookie's value is not here: only its SHA-256.
CREATE TABLE vault.session (
  id uuid PRIMARY KEY,
  token_hash bytea NOT NULL UNIQUE CHECK (length(token_hash) = 32),
  account uuid NOT NULL,
  device uuid NOT NULL,
  establishment uuid,
  role text NOT NULL,
  assurance smallint NOT NULL,
  opened bigint NOT NULL,
  proven bigint NOT NULL,
  expires bigint NOT NULL,
  FOREIGN KEY (account, device) REFERENCES vault.binding (account, device) ON DELETE CASCADE
);
CREATE INDEX session_by_account ON vault.session (account);

-- Containment. Read inside the call that discloses.
CREATE TABLE vault.switch (
  scope text NOT NULL CHECK (scope IN ('platform', 'insurer', 'lane', 'profession', 'establishment', 'account', 'device')),
  key text NOT NULL,
  reason text NOT NULL,
  thrown bigint NOT NULL,
  until bigint,
  PRIMARY KEY (scope, key)
);

-- What a key has spent. `hour` holds five slots of 15 minutes, `day` seven slots of 4 hours, newest first; `*_slot` numbers the newest.
-- Counting the running slot and the whole window before it makes the bound exact for any 60 minutes and any 24 hours.
-- kind: 1 account, 2 device, 3 establishment; their ids never meet.
CREATE TABLE vault.meter (
  key uuid PRIMARY KEY,
  kind smallint NOT NULL,
  hour_slot bigint NOT NULL DEFAULT 0,
  hour integer[] NOT NULL DEFAULT '{0,0,0,0,0}',
  day_slot bigint NOT NULL DEFAULT 0,
  day integer[] NOT NULL DEFAULT '{0,0,0,0,0,0,0}'
) WITH (fillfactor = 50);

-- Whom an establishment was already told of, and when that was last charged.
CREATE TABLE vault.told (
  establishment uuid NOT NULL,
  subject uuid NOT NULL,
  at bigint NOT NULL,
  PRIMARY KEY (establishment, subject)
) WITH (fillfactor = 70);

-- Data keys that seal the claims pseudonym inside engagements, HPKE-wrapped to the claims zone.
CREATE TABLE vault.claims_envelope (
  kid text PRIMARY KEY,
  wrapped bytea NOT NULL,
  created bigint NOT NULL
);

-- The operator's journal: every act on the vault, one line each.
CREATE TABLE vault.journal (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at bigint NOT NULL,
  actor text NOT NULL,
  act text NOT NULL,
  object text NOT NULL,
  detail text NOT NULL DEFAULT ''
);

GRANT SELECT, INSERT, UPDATE ON vault.insurer TO rempart_vault;
-- A load moves these columns; an insurer's keys are the operator's to give.
GRANT SELECT, UPDATE (generation, epoch, sequence, persons, products_version) ON vault.insurer TO rempart_sealer;
GRANT SELECT ON vault.product TO rempart_vault;
GRANT SELECT, INSERT, DELETE ON vault.product TO rempart_sealer;
GRANT SELECT, INSERT ON vault.party_group TO rempart_vault;
GRANT SELECT, INSERT, UPDATE ON vault.establishment TO rempart_vault;
GRANT SELECT, INSERT, UPDATE ON vault.account TO rempart_vault;
GRANT SELECT, INSERT, UPDATE, DELETE ON vault.membership TO rempart_vault;
GRANT SELECT, INSERT ON vault.device TO rempart_vault;
GRANT SELECT, INSERT, UPDATE, DELETE ON vault.binding TO rempart_vault;
GRANT SELECT, INSERT, UPDATE, DELETE ON vault.session TO rempart_vault;
GRANT SELECT, INSERT, UPDATE, DELETE ON vault.switch TO rempart_vault;
GRANT SELECT, INSERT, UPDATE ON vault.meter TO rempart_vault;
GRANT SELECT, INSERT, UPDATE ON vault.told TO rempart_vault;
GRANT SELECT, INSERT ON vault.claims_envelope TO rempart_vault;
GRANT SELECT, INSERT ON vault.journal TO rempart_vault;
