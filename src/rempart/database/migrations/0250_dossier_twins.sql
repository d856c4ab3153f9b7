-- Two dossiers of one FINESS: one of them may be somebody else's, with their account. Nobody can tell from one dossier alone (docs/onboarding.md).

DROP FUNCTION identity.dossier_elsewhere(uuid);
-- Is its account another establishment's, or in another dossier of another FINESS? Is its SIRET? Is there another dossier of its FINESS that waits,
-- or was refused? A yes or no: no mark is told.
CREATE FUNCTION identity.dossier_elsewhere(p_dossier uuid) RETURNS TABLE (rib boolean, siret boolean, finess boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT EXISTS (SELECT FROM claims.rib r WHERE r.mark = d.rib_mark AND r.establishment <> d.id AND r.state <> 'cancelled')
      OR EXISTS (SELECT FROM identity.dossier o WHERE o.rib_mark = d.rib_mark AND o.finess <> d.finess AND o.state <> 'unfinished'),
    EXISTS (SELECT FROM identity.dossier o WHERE o.siret = d.siret AND o.finess <> d.finess AND o.state <> 'unfinished'),
    EXISTS (SELECT FROM identity.dossier o WHERE o.finess = d.finess AND o.id <> d.id AND o.state IN ('received', 'proposed', 'refused'))
  FROM identity.dossier d WHERE d.id = p_dossier
$$;
REVOKE ALL ON FUNCTION identity.dossier_elsewhere FROM PUBLIC;
GRANT EXECUTE ON FUNCTION identity.dossier_elsewhere TO rempart_desk, rempart_operator;

-- A dossier has an hour to be finished, whether or not the worker has erased it since: else those beyond their hour are counted nowhere, and
-- may all be finished at once.
CREATE OR REPLACE FUNCTION identity.finish_dossier(p_code bytea, p_at bigint) RETURNS boolean
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

-- Is this login an account's? A yes or no: whose it is stays in the vault's schema.
CREATE FUNCTION identity.login_known(p_login text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT EXISTS (SELECT FROM vault.account a WHERE a.login = p_login)
$$;
REVOKE ALL ON FUNCTION identity.login_known FROM PUBLIC;
GRANT EXECUTE ON FUNCTION identity.login_known TO rempart_desk, rempart_operator;
