-- Campaigns (docs/campaigns.md): what people have to do again after an incident, and who has. SQL never asks for the time.

-- `expires`: the largest bigint where it stands until everybody has done it. `window_start`: for accounts to be paid on, changes since then.
CREATE TABLE vault.campaign (
  number integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('sign-out', 'devices', 'password', 'totp', 'editor-keys', 'rib')),
  scope text NOT NULL CHECK (scope IN ('account', 'device', 'establishment', 'group', 'profession', 'editor', 'platform')),
  key text NOT NULL,
  named text NOT NULL,
  reason_fr text NOT NULL CHECK (length(reason_fr) BETWEEN 1 AND 300),
  reason_en text NOT NULL CHECK (length(reason_en) BETWEEN 1 AND 300),
  started bigint NOT NULL,
  started_by text NOT NULL,
  expires bigint NOT NULL,
  window_start bigint,
  ended bigint,
  CHECK ((window_start IS NOT NULL) = (kind = 'rib'))
);

-- Whom it concerned when it was started, and when each had done it: who comes later brings nothing that was stolen before.
-- One over every professional starts within seconds, and holds accounts for less (docs/performance.md): no role may delete an account or a
-- campaign, so that a check that both are there would find nothing and take most of the time, 200,000 rows one by one.
CREATE TABLE vault.demand (
  campaign integer NOT NULL,
  account uuid NOT NULL,
  done bigint,
  PRIMARY KEY (campaign, account)
);
CREATE INDEX demand_by_account ON vault.demand (account);

CREATE TABLE vault.editor_demand (
  campaign integer NOT NULL REFERENCES vault.campaign (number),
  editor uuid NOT NULL REFERENCES vault.editor (id),
  done bigint,
  PRIMARY KEY (campaign, editor)
);

-- Until when somebody is refused everything but what is demanded: the latest end of their open demands, 0 without any. In the rows that each
-- request reads anyway, so that a campaign costs nothing to whoever is not in it.
ALTER TABLE vault.account ADD COLUMN due_until bigint NOT NULL DEFAULT 0;
ALTER TABLE vault.editor ADD COLUMN due_until bigint NOT NULL DEFAULT 0;
-- It is in no index: where a page has room, its rows change in place.
ALTER TABLE vault.account SET (fillfactor = 50);

-- The last few passwords an account had: one that comes back is refused.
CREATE TABLE vault.former_password (
  account uuid NOT NULL REFERENCES vault.account (id),
  hash text NOT NULL CHECK (hash LIKE '$argon2id$%'),
  replaced bigint NOT NULL,
  PRIMARY KEY (account, replaced)
);

GRANT SELECT, INSERT, UPDATE (ended) ON vault.campaign TO rempart_vault;
GRANT SELECT, INSERT, UPDATE (done) ON vault.demand, vault.editor_demand TO rempart_vault;
GRANT SELECT, INSERT, DELETE ON vault.former_password TO rempart_vault;

-- An establishment whose account has to be confirmed: one that was changed since `window_start` is not paid on before. `sealed`: the IBAN as
-- the titulaire typed it again, closed for the settlement run, which alone can compare; `judged`: what it found, and when.
CREATE TABLE claims.rib_check (
  campaign integer NOT NULL,
  establishment uuid NOT NULL,
  window_start bigint NOT NULL,
  until bigint NOT NULL,
  reason_fr text NOT NULL,
  reason_en text NOT NULL,
  typed uuid,
  sealed bytea,
  typed_at bigint,
  judged bigint,
  confirmed bigint,
  PRIMARY KEY (campaign, establishment),
  CHECK (num_nonnulls(typed, sealed, typed_at) IN (0, 3)),
  CHECK (confirmed IS NULL OR judged IS NOT NULL)
);
CREATE INDEX rib_check_open ON claims.rib_check (establishment) WHERE confirmed IS NULL;
ALTER TABLE claims.rib_check ENABLE ROW LEVEL SECURITY;
CREATE POLICY worker ON claims.rib_check TO rempart_worker USING (true) WITH CHECK (true);
CREATE POLICY establishment ON claims.rib_check TO rempart_cashier USING (establishment = claims.establishment())
  WITH CHECK (establishment = claims.establishment());
CREATE POLICY vault ON claims.rib_check TO rempart_vault USING (true) WITH CHECK (true);
GRANT USAGE ON SCHEMA claims TO rempart_vault;
-- The vault asks for it and counts; it neither reads nor writes what was typed.
GRANT INSERT (campaign, establishment, window_start, until, reason_fr, reason_en) ON claims.rib_check TO rempart_vault;
GRANT SELECT (campaign, establishment, until, confirmed), UPDATE (until) ON claims.rib_check TO rempart_vault;
GRANT SELECT, UPDATE (typed, sealed, typed_at, judged) ON claims.rib_check TO rempart_cashier;
GRANT SELECT, UPDATE (judged, confirmed) ON claims.rib_check TO rempart_worker;
