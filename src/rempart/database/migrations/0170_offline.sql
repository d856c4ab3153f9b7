-- Offline cards (docs/offline-card.md). What is kept of one says nothing of a person: its random number, its insurer, when it ends, whether it
-- is revoked. `place` is its bit in the published lists; a row goes once its card has ended.

ALTER TABLE intake.delivery DROP CONSTRAINT delivery_kind_check;
ALTER TABLE intake.delivery ADD CONSTRAINT delivery_kind_check
  CHECK (kind IN ('full', 'delta', 'products', 'cards', 'offline', 'offline-revoked'));

CREATE TABLE vault.offline_card (
  place bigint GENERATED ALWAYS AS IDENTITY (MINVALUE 0 START 0) PRIMARY KEY,
  card uuid NOT NULL UNIQUE,
  insurer smallint NOT NULL REFERENCES vault.insurer (number),
  not_after bigint NOT NULL,
  revoked bigint
);

GRANT SELECT, INSERT, DELETE, UPDATE (revoked) ON vault.offline_card TO rempart_sealer;
