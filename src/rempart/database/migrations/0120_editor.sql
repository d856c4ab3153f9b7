-- Practice software (docs/accounts.md). The editor's key is one of two that sign; the software's own device key is bound in one establishment,
-- and works for twelve hours at a time, for the person who confirmed it with a passkey. SQL never asks for the time.

-- A key that was replaced by its own editor counts for a few days more, so that a fleet is moved without an outage.
ALTER TABLE vault.editor
  ADD COLUMN former_thumbprint bytea UNIQUE CHECK (length(former_thumbprint) = 32),
  ADD COLUMN former_key bytea CHECK (length(former_key) = 65),
  ADD COLUMN former_until bigint,
  ADD CHECK (num_nonnulls(former_thumbprint, former_key, former_until) IN (0, 3));

-- Handed over by the titulaire or the operator: installs one software of one editor in one establishment. A new one voids the former.
CREATE TABLE vault.software_code (
  code_hash bytea PRIMARY KEY CHECK (length(code_hash) = 32),
  establishment uuid NOT NULL REFERENCES vault.establishment (id),
  editor uuid NOT NULL REFERENCES vault.editor (id),
  issued bigint NOT NULL,
  expires bigint NOT NULL,
  UNIQUE (establishment, editor)
);

-- A device that is a software: whoever works on it, each request needs its editor's signature too, and is of this establishment.
-- `asked` .. `confirmed_by`: the confirmation it waits for, of one purpose; whoever confirms with a passkey is who works on it then.
CREATE TABLE vault.software (
  device uuid PRIMARY KEY REFERENCES vault.device (id),
  editor uuid NOT NULL REFERENCES vault.editor (id),
  establishment uuid NOT NULL REFERENCES vault.establishment (id),
  label text NOT NULL,
  installed bigint NOT NULL,
  asked uuid UNIQUE,
  purpose text CHECK (purpose IN ('work', 'step-up')),
  ask_expires bigint,
  confirmed_by uuid REFERENCES vault.account (id),
  confirmed bigint,
  CHECK (num_nonnulls(asked, purpose, ask_expires) IN (0, 3)),
  CHECK (num_nonnulls(confirmed_by, confirmed) IN (0, 2)),
  CHECK (asked IS NOT NULL OR confirmed IS NULL)
);
CREATE INDEX software_by_establishment ON vault.software (establishment);
CREATE INDEX software_by_editor ON vault.software (editor);

ALTER TABLE vault.binding DROP CONSTRAINT binding_how_check;
ALTER TABLE vault.binding ADD CONSTRAINT binding_how_check
  CHECK (how IN ('activation', 'passkey', 'approval', 'posted-code', 'software'));

GRANT SELECT, INSERT, UPDATE, DELETE ON vault.software, vault.software_code TO rempart_vault;
