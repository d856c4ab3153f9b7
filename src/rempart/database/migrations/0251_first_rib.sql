-- The account of a dossier waits until its titulaire can refuse it: the letter that tells it, with the code that opens their account, goes by
-- post. Two days were over before anybody could sign in. Nothing is lost meanwhile: dues are kept until an account is in force.
CREATE OR REPLACE FUNCTION claims.ask_first_rib(p_dossier uuid, p_account uuid, p_at bigint, p_wait bigint) RETURNS boolean
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
