-- Factors, codes and what surrounds a sign-in. No secret is readable here: passwords are Argon2id hashes, codes keyed hashes (the key is in
-- the key store), TOTP secrets sealed by the key store. Instants are bigint microseconds since 1970 UTC, from the vault's clock.

-- A WebAuthn credential. The user handle that authenticators keep is the account's id.
CREATE TABLE vault.passkey (
  id uuid PRIMARY KEY,
  account uuid NOT NULL REFERENCES vault.account (id),
  credential bytea NOT NULL UNIQUE CHECK (length(credential) BETWEEN 1 AND 1023),
  public_key bytea NOT NULL,
  sign_count bigint NOT NULL,
  label text NOT NULL,
  added bigint NOT NULL,
  last_used bigint NOT NULL DEFAULT 0
);
CREATE INDEX passkey_by_account ON vault.passkey (account);

CREATE TABLE vault.password (
  account uuid PRIMARY KEY REFERENCES vault.account (id),
  id uuid NOT NULL,
  hash text NOT NULL CHECK (hash LIKE '$argon2id$%'),
  added bigint NOT NULL,
  last_used bigint NOT NULL DEFAULT 0
);

-- `last_step`: the newest 30-second step whose code was used; no code of that step or before it is taken again (RFC 6238 §5.2).
CREATE TABLE vault.totp (
  account uuid PRIMARY KEY REFERENCES vault.account (id),
  id uuid NOT NULL,
  secret bytea NOT NULL,
  last_step bigint NOT NULL DEFAULT 0,
  added bigint NOT NULL,
  last_used bigint NOT NULL DEFAULT 0
);

-- A secret that was shown and waits to be confirmed by a first code, where it was shown: at activation or in a session.
CREATE TABLE vault.totp_offer (
  account uuid PRIMARY KEY REFERENCES vault.account (id),
  secret bytea NOT NULL,
  place text NOT NULL CHECK (place IN ('activation', 'session')),
  expires bigint NOT NULL
);

CREATE TABLE vault.recovery_code (
  account uuid NOT NULL REFERENCES vault.account (id),
  code_hash bytea NOT NULL CHECK (length(code_hash) = 32),
  added bigint NOT NULL,
  PRIMARY KEY (account, code_hash)
);

-- Codes handed over by hand or by post: `activation` starts an account afresh, `device` binds one device, `membership` lets an existing
-- account join an establishment, or a group as its administrator. One of a purpose and place at a time; a used code is gone.
CREATE TABLE vault.code (
  code_hash bytea PRIMARY KEY CHECK (length(code_hash) = 32),
  account uuid NOT NULL REFERENCES vault.account (id),
  purpose text NOT NULL CHECK (purpose IN ('activation', 'device', 'membership')),
  establishment uuid REFERENCES vault.establishment (id),
  party_group uuid REFERENCES vault.party_group (id),
  role text CHECK (role IN ('titulaire', 'employee', 'administrator')),
  issued bigint NOT NULL,
  expires bigint NOT NULL,
  CHECK (num_nonnulls(establishment, party_group) = (purpose = 'membership')::integer),
  CHECK ((role IS NOT NULL) = (purpose = 'membership')),
  CHECK (role IS NULL OR (role = 'administrator') = (party_group IS NOT NULL)),
  UNIQUE NULLS NOT DISTINCT (account, purpose, establishment, party_group)
);
CREATE INDEX code_by_establishment ON vault.code (establishment) WHERE establishment IS NOT NULL;

-- Who left an establishment lately: a removal made by mistake is undone without a new code, for a day.
CREATE TABLE vault.departure (
  account uuid NOT NULL REFERENCES vault.account (id),
  establishment uuid NOT NULL REFERENCES vault.establishment (id),
  role text NOT NULL,
  at bigint NOT NULL,
  PRIMARY KEY (account, establishment)
);

-- A device that showed the right password and code, and is bound to nothing yet. `id` is a bearer value only together with that device's key.
CREATE TABLE vault.pending (
  id uuid PRIMARY KEY,
  account uuid NOT NULL REFERENCES vault.account (id),
  thumbprint bytea NOT NULL CHECK (length(thumbprint) = 32),
  label text NOT NULL,
  asked bigint NOT NULL,
  expires bigint NOT NULL,
  approved bigint,
  UNIQUE (account, thumbprint)
);

-- Nonces of ceremonies that took place; kept until they would have expired anyway.
CREATE TABLE vault.ceremony (
  nonce bytea PRIMARY KEY CHECK (length(nonce) = 32),
  expires bigint NOT NULL
);
CREATE INDEX ceremony_by_expiry ON vault.ceremony (expires);

-- Attempts not followed by a success, by keyed hash of what was tried (a login, a device key), known or not.
CREATE TABLE vault.attempt (
  key bytea PRIMARY KEY CHECK (length(key) = 32),
  count integer NOT NULL,
  last bigint NOT NULL,
  locked_until bigint NOT NULL,
  announced integer NOT NULL DEFAULT 0
);
CREATE INDEX attempt_by_age ON vault.attempt (last);

-- What an account's holder should know. `device` is where it happened.
CREATE TABLE vault.notice (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  -- vault.account's, of which no role deletes one: a campaign writes 200,000 at once, and the check would take most of the time.
  account uuid NOT NULL,
  at bigint NOT NULL,
  kind text NOT NULL,
  detail text NOT NULL DEFAULT '',
  device uuid
);
CREATE INDEX notice_by_account ON vault.notice (account, id);

-- Each device marks for itself what it has shown: a thief's device cannot hide a notice from the others.
ALTER TABLE vault.binding ADD COLUMN notices_seen bigint NOT NULL DEFAULT 0;

CREATE INDEX membership_by_establishment ON vault.membership (establishment);
CREATE INDEX membership_by_group ON vault.membership (party_group) WHERE party_group IS NOT NULL;
CREATE INDEX establishment_by_group ON vault.establishment (party_group) WHERE party_group IS NOT NULL;

GRANT SELECT, INSERT, UPDATE, DELETE ON vault.passkey, vault.password, vault.totp, vault.totp_offer TO rempart_vault;
GRANT SELECT, INSERT, DELETE ON vault.recovery_code, vault.ceremony TO rempart_vault;
-- UPDATE only to hold a row: two uses of one code take their turn.
GRANT SELECT, INSERT, UPDATE, DELETE ON vault.code TO rempart_vault;
GRANT SELECT, INSERT, UPDATE, DELETE ON vault.departure, vault.pending, vault.attempt TO rempart_vault;
GRANT SELECT, INSERT ON vault.notice TO rempart_vault;
