-- What became of every file an insurer sent, and the keys of each load. No row here says anything of a person: rejects hold a line's
-- number, a field's name and a code.

CREATE TABLE intake.delivery (
  id uuid PRIMARY KEY,
  -- Also the number of the load and of the generation it makes.
  number integer GENERATED ALWAYS AS IDENTITY UNIQUE,
  amc text NOT NULL DEFAULT '',
  sender text NOT NULL,
  filename text NOT NULL DEFAULT '',
  digest bytea NOT NULL CHECK (length(digest) = 32),
  kind text CHECK (kind IN ('full', 'delta', 'products')),
  sequence bigint,
  created bigint,
  state text NOT NULL DEFAULT 'received' CHECK (state IN ('received', 'checking', 'waiting', 'loaded', 'refused')),
  code text NOT NULL DEFAULT '',
  detail text NOT NULL DEFAULT '',
  attempts smallint NOT NULL DEFAULT 0,
  received bigint NOT NULL,
  finished bigint,
  lines bigint NOT NULL DEFAULT 0,
  lines_done bigint NOT NULL DEFAULT 0,
  persons bigint NOT NULL DEFAULT 0,
  capsules bigint NOT NULL DEFAULT 0,
  rejected bigint NOT NULL DEFAULT 0,
  leaving bigint NOT NULL DEFAULT 0,
  epoch integer NOT NULL DEFAULT 0,
  seconds jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX delivery_open ON intake.delivery (received) WHERE state IN ('received', 'checking', 'waiting');
CREATE INDEX delivery_by_insurer ON intake.delivery (amc, received);

CREATE TABLE intake.reject (
  delivery uuid NOT NULL REFERENCES intake.delivery (id) ON DELETE CASCADE,
  line integer NOT NULL,
  field text NOT NULL,
  code text NOT NULL
);
CREATE INDEX reject_by_delivery ON intake.reject (delivery, line);

-- A full file that removes many people waits for somebody who did not send it.
CREATE TABLE intake.approval (
  delivery uuid PRIMARY KEY REFERENCES intake.delivery (id),
  approver text NOT NULL,
  at bigint NOT NULL
);

-- The data key of a load's notice_ref, sealed to the insurer (HPKE). Kept as long as an entry of the ledger may hold such a reference.
CREATE TABLE intake.load (
  number integer PRIMARY KEY,
  insurer smallint NOT NULL REFERENCES vault.insurer (number),
  wrapped bytea NOT NULL
);

GRANT SELECT, INSERT, UPDATE ON intake.delivery TO rempart_sealer;
GRANT SELECT, INSERT, DELETE ON intake.reject TO rempart_sealer;
GRANT SELECT ON intake.approval TO rempart_sealer;
GRANT SELECT, INSERT, DELETE ON intake.load TO rempart_sealer;
GRANT SELECT ON intake.delivery, intake.reject, intake.load TO rempart_operator;
GRANT SELECT, INSERT ON intake.approval TO rempart_operator;
