-- Of two dossiers that wish for one login, the second is enrolled under an account that is the first one's: whether it is somebody's is asked
-- again when it is enrolled, and not of a dossier that the vault has enrolled itself (a desk that died meanwhile), whose login is known by that.

DROP FUNCTION identity.dossier_elsewhere(uuid);
-- Is its account another establishment's, or in another dossier of another FINESS? Is its SIRET? Is there another dossier of its FINESS that waits,
-- or was refused? Has the vault enrolled it? A yes or no: no mark is told.
CREATE FUNCTION identity.dossier_elsewhere(p_dossier uuid) RETURNS TABLE (rib boolean, siret boolean, finess boolean, enrolled boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT EXISTS (SELECT FROM claims.rib r WHERE r.mark = d.rib_mark AND r.establishment <> d.id AND r.state <> 'cancelled')
      OR EXISTS (SELECT FROM identity.dossier o WHERE o.rib_mark = d.rib_mark AND o.finess <> d.finess AND o.state <> 'unfinished'),
    EXISTS (SELECT FROM identity.dossier o WHERE o.siret = d.siret AND o.finess <> d.finess AND o.state <> 'unfinished'),
    EXISTS (SELECT FROM identity.dossier o WHERE o.finess = d.finess AND o.id <> d.id AND o.state IN ('received', 'proposed', 'refused')),
    EXISTS (SELECT FROM vault.establishment e WHERE e.id = d.id)
  FROM identity.dossier d WHERE d.id = p_dossier
$$;
REVOKE ALL ON FUNCTION identity.dossier_elsewhere FROM PUBLIC;
GRANT EXECUTE ON FUNCTION identity.dossier_elsewhere TO rempart_desk, rempart_operator;
