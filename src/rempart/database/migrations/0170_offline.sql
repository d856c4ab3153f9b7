-- Offline cards (docs/offline-card.md). What is kept of one says nothing of a person: its random number, its insurer, when it ends, whether it
-- is revoked. `place` is its bit in the published lists; a row goes a month after its card has ended, when its uses can be told no more.

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

-- Uses told on reopening: one device, one card, one domain, one instant, once. `day`: in Paris; what a card's uses of a day are worth together is
-- bounded, whoever tells of them. `index`: the ledger's leaf.
CREATE TABLE vault.offline_use (
  card uuid NOT NULL,
  device uuid NOT NULL,
  domain smallint NOT NULL,
  at bigint NOT NULL,
  day date NOT NULL,
  establishment uuid NOT NULL,
  cents integer NOT NULL CHECK (cents > 0),
  index bigint NOT NULL UNIQUE,
  reported bigint NOT NULL,
  PRIMARY KEY (card, device, domain, at)
);
CREATE INDEX offline_use_by_card ON vault.offline_use (card, day);
CREATE INDEX offline_use_by_device ON vault.offline_use (device, day);
CREATE INDEX offline_use_by_time ON vault.offline_use (at);

GRANT SELECT ON vault.offline_card TO rempart_vault;
GRANT SELECT, INSERT, DELETE ON vault.offline_use TO rempart_vault;

-- The leaf of one use: lane 4, told, at no cost, in the bytes of every leaf (docs/ledger.md). The head's lock last.
CREATE FUNCTION vault.log_offline(
  p_at bigint, p_account uuid, p_device uuid, p_establishment uuid, p_insurer smallint, p_domain smallint, p_salt bytea, p_subject uuid,
  p_notice_ref bytea, OUT index bigint, OUT commitment bytea)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  nil CONSTANT uuid := '00000000-0000-0000-0000-000000000000';
  leaf bytea;
  head bigint;
BEGIN
  leaf := sha256('rempart-leaf-v1'::bytea || '\x00'::bytea || p_salt
    || int2send(2::smallint) || int8send(p_at) || uuid_send(p_account) || uuid_send(p_device) || uuid_send(p_establishment)
    || int2send(p_insurer) || int2send(4::smallint) || int2send(p_domain) || int2send(1::smallint) || int2send(1::smallint)
    || int4send(0) || uuid_send(p_subject) || uuid_send(nil));
  UPDATE evidence.log l SET size = l.size + 1 WHERE l.id = 1 RETURNING l.size - 1 INTO head;
  INSERT INTO evidence.leaf (index, commitment) VALUES (head, leaf);
  INSERT INTO evidence.entry (index, at, salt, account, device, establishment, insurer, lane, domain, answer_class, outcome, cost,
                              subject, notice_ref, generation, editor)
    VALUES (head, p_at, p_salt, p_account, p_device, p_establishment, p_insurer, 4, p_domain, 1, 1, 0, p_subject, p_notice_ref, 0, nil);
  index := head;
  commitment := leaf;
END
$$;
REVOKE ALL ON FUNCTION vault.log_offline FROM PUBLIC;
GRANT EXECUTE ON FUNCTION vault.log_offline TO rempart_vault;
