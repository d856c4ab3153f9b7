-- A dossier is decided once: its id is an establishment's from then on, and what may be added of a dossier that waits (0201) would be added of
-- that establishment by whoever opened it again, another address for its letters among it.
CREATE FUNCTION identity.keep_decision() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RAISE EXCEPTION 'decided' USING ERRCODE = 'check_violation';
END $$;
REVOKE ALL ON FUNCTION identity.keep_decision FROM PUBLIC;
CREATE TRIGGER keep_decision BEFORE UPDATE OF state, decided ON identity.dossier
  FOR EACH ROW WHEN (OLD.state IN ('enrolled', 'refused') AND (OLD.state, OLD.decided) IS DISTINCT FROM (NEW.state, NEW.decided))
  EXECUTE FUNCTION identity.keep_decision();
