-- The ledger told to whom it concerns (docs/ledger.md): daily openings to insurers, who asked who consulted, the key store's own count of its
-- operations, and what was pruned once its retention was over. SQL never asks for the time.

-- What an insurer is handed of one day's ledger: the openings of its own leaves, sealed to its notice key. `first` and `until` are indexes:
-- whatever lies between them is in this file, whatever lies before in an earlier one. One transaction makes a day's files, all or none.
CREATE TABLE evidence.opening_file (
  id uuid PRIMARY KEY,
  insurer smallint NOT NULL,
  day date NOT NULL,
  first bigint NOT NULL,
  until bigint NOT NULL CHECK (until >= first),
  rows bigint NOT NULL,
  parts integer NOT NULL,
  bytes bigint NOT NULL,
  digest bytea NOT NULL CHECK (length(digest) = 32),
  made bigint NOT NULL,
  acknowledged bigint,
  UNIQUE (insurer, day)
);

-- The bytes of a file, in order; the worker deletes them a week after its insurer has acknowledged it.
CREATE TABLE evidence.opening_part (
  -- Checked at the commit: the row of the file is written last, when its digest is known.
  file uuid NOT NULL REFERENCES evidence.opening_file (id) DEFERRABLE INITIALLY DEFERRED,
  number integer NOT NULL,
  insurer smallint NOT NULL,
  content bytea NOT NULL,
  PRIMARY KEY (file, number)
);

ALTER TABLE evidence.opening_file ENABLE ROW LEVEL SECURITY;
ALTER TABLE evidence.opening_part ENABLE ROW LEVEL SECURITY;
CREATE POLICY worker ON evidence.opening_file TO rempart_worker USING (true) WITH CHECK (true);
CREATE POLICY worker ON evidence.opening_part TO rempart_worker USING (true) WITH CHECK (true);
CREATE POLICY insurer ON evidence.opening_file TO rempart_cashier USING (insurer = claims.insurer()) WITH CHECK (insurer = claims.insurer());
CREATE POLICY insurer ON evidence.opening_part TO rempart_cashier USING (insurer = claims.insurer()) WITH CHECK (insurer = claims.insurer());

GRANT SELECT, INSERT ON evidence.opening_file, evidence.opening_part TO rempart_worker;
GRANT DELETE ON evidence.opening_part TO rempart_worker;
GRANT SELECT, UPDATE (acknowledged) ON evidence.opening_file TO rempart_cashier;
GRANT SELECT ON evidence.opening_part TO rempart_cashier;
-- Likewise a flow's: what an insurer acknowledges is not the cashier's to destroy.
REVOKE DELETE ON claims.flow_part FROM rempart_cashier;
GRANT DELETE ON claims.flow_part TO rempart_worker;
-- An opening is handed over whole, so it is read whole; the generation, which no leaf commits to, is not.
GRANT SELECT (at, salt, account, device, establishment, lane, domain, answer_class, outcome, cost, subject, editor)
  ON evidence.entry TO rempart_worker;
GRANT SELECT (notice_key) ON vault.insurer TO rempart_worker;

-- Who asked who consulted somebody, and how many consultations were told. Never about whom: neither reference nor pseudonym.
CREATE TABLE vault.inquiry (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at bigint NOT NULL,
  insurer smallint NOT NULL,
  -- NULL: the insurer's own systems, by its signing key.
  account uuid,
  told integer NOT NULL
);
CREATE INDEX inquiry_by_insurer ON vault.inquiry (insurer, at);
GRANT SELECT, INSERT ON vault.inquiry TO rempart_vault;

-- The key store's count of its operations, beside the file that holds the same lines: signed, each with the hash of the one before.
CREATE TABLE evidence.operations (
  sequence bigint PRIMARY KEY,
  line text NOT NULL
);
GRANT SELECT, INSERT ON evidence.operations TO rempart_vault;
GRANT SELECT ON evidence.operations TO rempart_operator;

-- Below `index` the entries may be gone: all of them were older than `cutoff`, itself three years before `at`. Rows are only ever added.
CREATE TABLE evidence.horizon (
  index bigint PRIMARY KEY CHECK (index > 0),
  cutoff bigint NOT NULL,
  at bigint NOT NULL,
  actor text NOT NULL,
  removed bigint NOT NULL,
  CHECK (cutoff <= at - 94694400000000)
);
GRANT SELECT ON evidence.horizon TO rempart_operator, rempart_vault;

-- The operator's one way to remove an entry: what is older than three years, from the first on, journaled in the same transaction. Leaves,
-- checkpoints and tiles are never touched. `p_at` is the operator's clock: it may not run ahead of the ledger's last signature by more than a
-- day, so that a clock set forward shortens no retention.
CREATE FUNCTION evidence.prune(p_cutoff bigint, p_at bigint, p_actor text) RETURNS TABLE (horizon bigint, removed bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_horizon bigint;
  v_before bigint;
  v_removed bigint;
  v_signed bigint;
BEGIN
  LOCK TABLE evidence.horizon IN EXCLUSIVE MODE;
  SELECT max(c.at) INTO v_signed FROM evidence.checkpoint c;
  IF p_cutoff > p_at - 94694400000000 OR v_signed IS NULL OR p_at > v_signed + 86400000000 THEN
    RAISE EXCEPTION 'retention' USING ERRCODE = 'check_violation';
  END IF;
  SELECT coalesce(max(h.index), 0) INTO v_before FROM evidence.horizon h;
  -- The first entry that must stay: nothing after it goes, however old a clock that was turned back made it.
  SELECT min(e.index) INTO v_horizon FROM evidence.entry e WHERE e.at >= p_cutoff;
  IF v_horizon IS NULL OR v_horizon <= v_before THEN
    RETURN QUERY SELECT v_before, 0::bigint;
    RETURN;
  END IF;
  DELETE FROM evidence.entry e WHERE e.index < v_horizon;
  GET DIAGNOSTICS v_removed = ROW_COUNT;
  INSERT INTO evidence.horizon (index, cutoff, at, actor, removed) VALUES (v_horizon, p_cutoff, p_at, p_actor, v_removed);
  INSERT INTO vault.journal (at, actor, act, object, detail)
    VALUES (p_at, p_actor, 'ledger:prune', v_horizon::text, v_removed::text);
  RETURN QUERY SELECT v_horizon, v_removed;
END $$;
REVOKE ALL ON FUNCTION evidence.prune FROM PUBLIC;
GRANT EXECUTE ON FUNCTION evidence.prune TO rempart_operator;
