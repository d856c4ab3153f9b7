-- The credit line (docs/meters.md): distinct persons looked up and not yet followed by a claim; what a device earned by its claims; editors
-- as parties; breakers leased in blocks; two coarse features a look-up and the events that detection reads. SQL never asks for the time.

CREATE TABLE vault.editor (
  id uuid PRIMARY KEY,
  name text NOT NULL UNIQUE CHECK (length(name) BETWEEN 2 AND 80),
  thumbprint bytea NOT NULL UNIQUE CHECK (length(thumbprint) = 32),
  public_key bytea NOT NULL CHECK (length(public_key) = 65),
  status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'suspended')),
  added bigint NOT NULL
);

-- `month`: what was asked of the line, in eight slots of 4 days, newest first. A confirmation by passkey on an exhausted line takes units
-- off the newest slot (vault.widen), so a slot may be negative. `earned`: what the claims that followed allow beyond the base, in the same
-- slots, by the day of the look-up; `flight`: for look-ups whose claim cannot count yet. Both are written by vault.earn alone, always late,
-- never in advance, and fade as their slots do. kind 4: an editor.
ALTER TABLE vault.meter
  ADD COLUMN month_slot bigint NOT NULL DEFAULT 0,
  ADD COLUMN month integer[] NOT NULL DEFAULT '{0,0,0,0,0,0,0,0}',
  ADD COLUMN earned_slot bigint NOT NULL DEFAULT 0,
  ADD COLUMN earned integer[] NOT NULL DEFAULT '{0,0,0,0,0,0,0,0}',
  ADD COLUMN flight integer NOT NULL DEFAULT 0 CHECK (flight >= 0);

-- Who was charged for a person, so that the claim that follows is credited to them, once.
ALTER TABLE vault.told
  ADD COLUMN cost integer NOT NULL DEFAULT 0,
  ADD COLUMN account uuid,
  ADD COLUMN device uuid,
  ADD COLUMN editor uuid,
  ADD COLUMN claimed boolean NOT NULL DEFAULT false;

-- When a passkey last confirmed, with user verification, that a person is at this session's device. Not the sign-in: a fresh sign-in widens nothing.
-- `stepped_upto`: up to how many units of this device's hour that lifts the pace.
ALTER TABLE vault.session ADD COLUMN stepped bigint NOT NULL DEFAULT 0, ADD COLUMN stepped_upto integer NOT NULL DEFAULT 0;

-- `hold`: closed, nothing is told; step-up, only to a session confirmed since the switch was thrown.
ALTER TABLE vault.switch ADD COLUMN hold text NOT NULL DEFAULT 'closed' CHECK (hold IN ('closed', 'step-up'));
ALTER TABLE vault.switch DROP CONSTRAINT switch_scope_check;
ALTER TABLE vault.switch ADD CONSTRAINT switch_scope_check
  CHECK (scope IN ('platform', 'insurer', 'lane', 'profession', 'editor', 'establishment', 'account', 'device'));

-- Accepted claims, by the ledger index of their engagement: the cashier writes one in the transaction that accepts an invoice, and marks it
-- when the invoice is cancelled. `noted`: the vault has seen this state of it.
CREATE TABLE vault.claim (
  index bigint PRIMARY KEY,
  at bigint NOT NULL,
  cancelled bigint,
  noted boolean NOT NULL DEFAULT false
);
CREATE INDEX claim_unseen ON vault.claim (index) WHERE NOT noted;
CREATE INDEX claim_by_time ON vault.claim (at);

-- The look-up that a claim followed, resolved when it came; it counts from `effective` on, a day later. Whose look-up it was, not whom it was
-- about. `day`: of the look-up (UTC days since 1970); `units`: what it earns; `counted`: it is in vault.earned_day.
CREATE TABLE vault.credit (
  index bigint PRIMARY KEY,
  effective bigint NOT NULL,
  keys uuid[] NOT NULL,
  day integer NOT NULL,
  units integer NOT NULL,
  counted boolean NOT NULL DEFAULT false
);
CREATE INDEX credit_waiting ON vault.credit (effective) WHERE NOT counted;
CREATE INDEX credit_old ON vault.credit (effective) WHERE counted;

-- What each key earned by claims, by the day of the look-up; kept 60 days.
CREATE TABLE vault.earned_day (
  key uuid NOT NULL,
  day integer NOT NULL,
  units integer NOT NULL,
  PRIMARY KEY (key, day)
) WITH (fillfactor = 50);
CREATE INDEX earned_day_old ON vault.earned_day (day);

-- For detection, 28 days: no identifier, two coarse features (docs/detection.md). `bucket`: keyed, of the département or the member number's
-- prefix, 0 to 255. `step`: class of the distance to the device's previous identifier.
CREATE TABLE vault.feature (
  index bigint PRIMARY KEY,
  at bigint NOT NULL,
  bucket smallint NOT NULL,
  step smallint NOT NULL
);

-- For detection, 28 days: what was refused, a canary told of. `detail` is a keyed hash or a code, never what was typed.
CREATE TABLE vault.event (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at bigint NOT NULL,
  kind text NOT NULL,
  account uuid,
  device uuid,
  establishment uuid,
  editor uuid,
  insurer smallint,
  index bigint,
  detail text NOT NULL DEFAULT ''
);
CREATE INDEX event_by_time ON vault.event (at);

-- Insurer-wide ('insurer', number) and platform-wide ('platform', '') limits of units an hour. A vault leases blocks and spends them in its
-- memory, so that no row is hot. A lease counts as spent when it is taken: a crash wastes it, never gives it twice.
CREATE TABLE vault.breaker (
  scope text NOT NULL CHECK (scope IN ('platform', 'insurer')),
  key text NOT NULL,
  hour_limit integer CHECK (hour_limit >= 0),  -- NULL: the share of rempart.vault.policy
  hour_slot bigint NOT NULL DEFAULT 0,
  hour integer[] NOT NULL DEFAULT '{0,0,0,0,0}',
  PRIMARY KEY (scope, key)
);

-- The opening's version 2 (docs/ledger.md) ends with the editor whose software asked; nil for a browser.
ALTER TABLE evidence.entry ADD COLUMN editor uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000';
-- "Who consulted me?" and "who is exposed?".
CREATE INDEX entry_by_subject ON evidence.entry (subject, index) WHERE outcome = 1;

GRANT SELECT, INSERT, UPDATE ON vault.editor TO rempart_vault;
GRANT SELECT, INSERT, UPDATE, DELETE ON vault.breaker TO rempart_vault;
GRANT SELECT, UPDATE (noted), DELETE ON vault.claim TO rempart_vault;
GRANT SELECT, INSERT, UPDATE, DELETE ON vault.credit, vault.earned_day TO rempart_vault;
GRANT SELECT, INSERT, DELETE ON vault.feature TO rempart_vault;
GRANT SELECT, INSERT, DELETE ON vault.event TO rempart_vault;
GRANT USAGE ON SCHEMA vault TO rempart_cashier;
GRANT INSERT ON vault.claim TO rempart_cashier;
-- A cancelled one may be billed again: ON CONFLICT reads the key.
GRANT SELECT (index, at), UPDATE (at, cancelled, noted) ON vault.claim TO rempart_cashier;
