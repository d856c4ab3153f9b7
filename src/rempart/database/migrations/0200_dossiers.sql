-- Dossiers of référencement (docs/onboarding.md): what an applicant declares on the public page, with documents and an account to be paid on.
-- Each piece is closed under a key of its own, which is wrapped to the vault's zone: the desk's role reads what is closed, the vault's role the
-- wrapped keys, and nobody both. The columns here that are clear name no person.

CREATE TABLE identity.dossier (
  -- The establishment's id, once it is enrolled: its RIB is sealed for it.
  id uuid PRIMARY KEY,
  finess text NOT NULL,
  siret text NOT NULL,
  profession text NOT NULL,
  state text NOT NULL DEFAULT 'unfinished' CHECK (state IN ('unfinished', 'received', 'proposed', 'enrolled', 'refused', 'cleared')),
  opened bigint NOT NULL,
  received bigint,
  decided bigint,
  -- SHA-256 of the follow-up code, of which 100 bits are chance.
  code bytea NOT NULL UNIQUE CHECK (length(code) = 32),
  -- claims.rib's id, what is sealed to the settlement run for it, and its keyed mark (rempart.vault.dossiers).
  rib uuid NOT NULL UNIQUE,
  rib_sealed bytea,
  rib_mark bytea CHECK (length(rib_mark) = 16),
  CHECK ((received IS NULL) = (state = 'unfinished')),
  CHECK ((decided IS NOT NULL) = (state IN ('enrolled', 'refused', 'cleared')))
);
CREATE INDEX dossier_by_state ON identity.dossier (state, received);
CREATE INDEX dossier_by_mark ON identity.dossier (rib_mark) WHERE rib_mark IS NOT NULL;

-- The documents, by number: what it is said to be, what its first bytes say it is, its size in bytes.
CREATE TABLE identity.dossier_document (
  dossier uuid NOT NULL REFERENCES identity.dossier ON DELETE CASCADE,
  document smallint NOT NULL CHECK (document BETWEEN 1 AND 5),
  about text NOT NULL CHECK (about IN ('professional-card', 'convention', 'rib', 'other')),
  kind text NOT NULL CHECK (kind IN ('application/pdf', 'image/png', 'image/jpeg')),
  size integer NOT NULL CHECK (size BETWEEN 1 AND 2097152),
  PRIMARY KEY (dossier, document)
);

-- Document 0 is the declaration. `wrapped`: the piece's key, HPKE to the dossier key; `sealed`: the piece, AES-256-GCM.
CREATE TABLE identity.dossier_piece (
  dossier uuid NOT NULL REFERENCES identity.dossier ON DELETE CASCADE,
  document smallint NOT NULL CHECK (document BETWEEN 0 AND 5),
  piece smallint NOT NULL CHECK (piece BETWEEN 0 AND 63),
  size integer NOT NULL CHECK (size BETWEEN 1 AND 131072),
  wrapped bytea NOT NULL CHECK (length(wrapped) BETWEEN 32 AND 200),
  sealed bytea NOT NULL CHECK (length(sealed) <= 131200),
  PRIMARY KEY (dossier, document, piece)
);

-- Nothing more is added to it, and a clerk sees it. False unless it is unfinished and every document is there, whole. It has an hour, whether or not
-- the worker has erased it since: else those beyond their hour are counted nowhere, and may all be finished at once.
CREATE FUNCTION identity.finish_dossier(p_code bytea, p_at bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_id uuid;
BEGIN
  SELECT d.id INTO v_id FROM identity.dossier d
    WHERE d.code = p_code AND d.state = 'unfinished' AND d.opened > p_at - 3600000000 FOR UPDATE;
  IF v_id IS NULL OR NOT EXISTS (SELECT FROM identity.dossier_piece p WHERE p.dossier = v_id AND p.document = 0) THEN
    RETURN false;
  END IF;
  IF EXISTS (
    SELECT FROM identity.dossier_document t
      LEFT JOIN LATERAL (SELECT sum(p.size) AS size, count(*) AS number, max(p.piece) AS last
        FROM identity.dossier_piece p WHERE p.dossier = t.dossier AND p.document = t.document) p ON true
      WHERE t.dossier = v_id AND (p.size IS DISTINCT FROM t.size::bigint OR p.number IS DISTINCT FROM (p.last + 1)::bigint)
  ) THEN
    RETURN false;
  END IF;
  UPDATE identity.dossier SET state = 'received', received = p_at WHERE id = v_id;
  RETURN true;
END $$;
REVOKE ALL ON FUNCTION identity.finish_dossier FROM PUBLIC;

-- A dossier is decided once: its id is an establishment's from then on, and what may be added of a dossier that waits (0201_desk_onboarding.sql)
-- would be added of that establishment by whoever opened it again, another address for its letters among it.
CREATE FUNCTION identity.keep_decision() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RAISE EXCEPTION 'decided' USING ERRCODE = 'check_violation';
END $$;
REVOKE ALL ON FUNCTION identity.keep_decision FROM PUBLIC;
CREATE TRIGGER keep_decision BEFORE UPDATE OF state, decided ON identity.dossier
  FOR EACH ROW WHEN (OLD.state IN ('enrolled', 'refused', 'cleared') AND (OLD.state, OLD.decided) IS DISTINCT FROM (NEW.state, NEW.decided))
  EXECUTE FUNCTION identity.keep_decision();

-- The mark of an account: known again where it comes back, readable nowhere.
ALTER TABLE claims.rib ADD COLUMN mark bytea CHECK (length(mark) = 16);
CREATE INDEX rib_by_mark ON claims.rib (mark) WHERE mark IS NOT NULL;

-- Two dossiers of one FINESS: one of them may be somebody else's, with their account. Nobody can tell from one dossier alone (docs/onboarding.md).
-- Is its account another establishment's, or in another dossier of another FINESS? Is its SIRET? Is there another dossier of its FINESS that waits,
-- or was refused? Has the vault enrolled it? A yes or no: no mark is told.
CREATE FUNCTION identity.dossier_elsewhere(p_dossier uuid) RETURNS TABLE (rib boolean, siret boolean, finess boolean, enrolled boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT EXISTS (SELECT FROM claims.rib r WHERE r.mark = d.rib_mark AND r.establishment <> d.id AND r.state <> 'cancelled')
      OR EXISTS (SELECT FROM identity.dossier o WHERE o.rib_mark = d.rib_mark AND o.finess <> d.finess AND o.state <> 'unfinished'),
    EXISTS (SELECT FROM identity.dossier o WHERE o.siret = d.siret AND o.finess <> d.finess AND o.state NOT IN ('unfinished', 'cleared')),
    EXISTS (SELECT FROM identity.dossier o WHERE o.finess = d.finess AND o.id <> d.id AND o.state IN ('received', 'proposed', 'refused')),
    EXISTS (SELECT FROM vault.establishment e WHERE e.id = d.id)
  FROM identity.dossier d WHERE d.id = p_dossier
$$;
REVOKE ALL ON FUNCTION identity.dossier_elsewhere FROM PUBLIC;

-- Is this login an account's? A yes or no: whose it is stays in the vault's schema. Of two dossiers that wish for one login, the second is enrolled
-- under an account that is the first one's: it is asked again when it is enrolled, and not of a dossier that the vault has enrolled itself (a
-- desk that died meanwhile), whose login is known by that.
CREATE FUNCTION identity.login_known(p_login text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT EXISTS (SELECT FROM vault.account a WHERE a.login = p_login)
$$;
REVOKE ALL ON FUNCTION identity.login_known FROM PUBLIC;

-- Once it is enrolled, its account waits ten days at least, with a letter, until its titulaire can refuse it: the letter that tells it, with the
-- code that opens their account, goes by post. Nothing is lost meanwhile: dues are kept until an account is in force. `p_account`: the
-- titulaire's. False where there is none to take, or the establishment has had one.
CREATE FUNCTION claims.ask_first_rib(p_dossier uuid, p_account uuid, p_at bigint, p_wait bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF p_wait < 864000000000 THEN
    RAISE EXCEPTION 'wait' USING ERRCODE = 'check_violation';
  END IF;
  INSERT INTO claims.rib (id, establishment, sealed, state, asked, asked_by, effective_at, needs_second, mark)
    SELECT d.rib, d.id, d.rib_sealed, 'waiting', p_at, p_account, p_at + p_wait, false, d.rib_mark
    FROM identity.dossier d WHERE d.id = p_dossier AND d.state = 'enrolled' AND d.rib_sealed IS NOT NULL
      AND NOT EXISTS (SELECT FROM claims.rib r WHERE r.establishment = d.id);
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  -- `sent`: when the application was, by which whoever else applied tells theirs from an impostor's.
  INSERT INTO claims.letter (id, establishment, kind, at, facts)
    SELECT gen_random_uuid(), d.id, 'rib-asked', p_at,
      jsonb_build_object('asked', p_at, 'effective', p_at + p_wait, 'needs_second', false, 'sent', d.received)
    FROM identity.dossier d WHERE d.id = p_dossier;
  RETURN true;
END $$;
REVOKE ALL ON FUNCTION claims.ask_first_rib FROM PUBLIC;

-- The cashier takes in and closes: it reads back neither a piece nor a key, nor whose dossier it is.
GRANT INSERT (id, finess, siret, profession, opened, code, rib, rib_sealed, rib_mark), SELECT (id, state, opened, received, code)
  ON identity.dossier TO rempart_cashier;
GRANT SELECT, INSERT ON identity.dossier_document TO rempart_cashier;
GRANT INSERT, SELECT (dossier, document, piece, size) ON identity.dossier_piece TO rempart_cashier;
GRANT EXECUTE ON FUNCTION identity.finish_dossier TO rempart_cashier;
-- The vault opens keys, and sees nothing that they open.
GRANT USAGE ON SCHEMA identity TO rempart_vault;
GRANT SELECT (dossier, document, piece, wrapped) ON identity.dossier_piece TO rempart_vault;
-- The desk shows what the vault has given the keys of, and says what became of it.
GRANT USAGE ON SCHEMA identity, claims TO rempart_desk;
GRANT SELECT (id, finess, siret, profession, state, received, decided), UPDATE (state, decided) ON identity.dossier TO rempart_desk;
GRANT SELECT ON identity.dossier_document TO rempart_desk;
GRANT SELECT (dossier, document, piece, size, sealed) ON identity.dossier_piece TO rempart_desk;
GRANT EXECUTE ON FUNCTION identity.dossier_elsewhere, identity.login_known TO rempart_desk;
GRANT EXECUTE ON FUNCTION claims.ask_first_rib TO rempart_desk;
GRANT SELECT (id, finess, siret, profession, state, received, decided), UPDATE (state, decided) ON identity.dossier TO rempart_operator;
GRANT SELECT ON identity.dossier_document TO rempart_operator;
GRANT EXECUTE ON FUNCTION identity.dossier_elsewhere, identity.login_known TO rempart_operator;
GRANT EXECUTE ON FUNCTION claims.ask_first_rib TO rempart_operator;
-- The worker erases.
GRANT SELECT (id, state, opened, received, decided), UPDATE (rib_sealed, rib_mark), DELETE ON identity.dossier TO rempart_worker;
GRANT SELECT (dossier), DELETE ON identity.dossier_document TO rempart_worker;
GRANT SELECT (dossier), DELETE ON identity.dossier_piece TO rempart_worker;

-- How much an operator opened today.
CREATE INDEX journal_of_openings ON vault.journal (actor, at) WHERE act = 'dossier:open';
