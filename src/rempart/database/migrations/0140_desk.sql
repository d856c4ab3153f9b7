-- The operator's people (docs/desk.md): accounts like any other, of one seat that has neither FINESS nor n° AMC, and checks no right.

ALTER TABLE vault.establishment DROP CONSTRAINT establishment_check;
ALTER TABLE vault.establishment ADD CONSTRAINT establishment_check
  CHECK (num_nonnulls(finess, amc) = (profession <> 'operator')::integer);
CREATE UNIQUE INDEX establishment_of_operators ON vault.establishment (profession) WHERE profession = 'operator';

ALTER TABLE vault.membership DROP CONSTRAINT membership_role_check;
ALTER TABLE vault.membership ADD CONSTRAINT membership_role_check CHECK (role IN (
  'titulaire', 'employee', 'administrator', 'duty-officer', 'security-lead', 'dpo', 'onboarding-clerk', 'auditor'));

-- What one person asked and another has to approve. `call`: the operator's call as JSON, done as it stands here or not at all; `effect`: whom
-- it touched when it was proposed; `account` is null where a command asked, until somebody makes it their own. `state`: open until it is done, withdrawn, or its time is over.
CREATE TABLE vault.proposal (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  call text NOT NULL,
  effect text NOT NULL,
  account uuid REFERENCES vault.account (id),
  login text NOT NULL,
  device uuid REFERENCES vault.device (id),
  at bigint NOT NULL,
  expires bigint NOT NULL,
  state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'done', 'withdrawn')),
  decided bigint,
  decided_by text,
  CHECK (num_nonnulls(account, device) IN (0, 2)),
  CHECK (num_nonnulls(decided, decided_by) = CASE WHEN state = 'open' THEN 0 ELSE 2 END)
);
CREATE INDEX proposal_open ON vault.proposal (expires) WHERE state = 'open';

GRANT SELECT, INSERT, UPDATE (account, device, login, state, decided, decided_by) ON vault.proposal TO rempart_vault;

-- The desk's own process: it reads alerts, and says that somebody has seen one, once the vault has said who asks.
GRANT USAGE ON SCHEMA incident TO rempart_desk;
GRANT SELECT, UPDATE (acknowledged, contained) ON incident.alert TO rempart_desk;
