-- Dossiers at the desk (docs/onboarding.md): what two people approve comes from one dossier, and is enrolled from that one alone.
ALTER TABLE vault.application ADD COLUMN dossier uuid;
CREATE INDEX application_by_dossier ON vault.application (dossier) WHERE dossier IS NOT NULL;
GRANT UPDATE (dossier) ON vault.application TO rempart_vault;

-- What a clerk adds to a dossier: where its letter goes (read in the official directory), and what waits for a second person. The vault is the
-- judge of what was approved; this is what the desk shows.
CREATE TABLE identity.review (
  dossier uuid PRIMARY KEY REFERENCES identity.dossier (id) ON DELETE CASCADE,
  address text NOT NULL CHECK (length(address) BETWEEN 3 AND 300),
  digest text NOT NULL CHECK (digest ~ '^[0-9a-f]{64}$'),
  doubts text[] NOT NULL,
  proposal bigint NOT NULL UNIQUE,
  proposed bigint NOT NULL,
  proposed_by text NOT NULL,
  until bigint NOT NULL,
  approved bigint
);
GRANT SELECT, INSERT, UPDATE, DELETE ON identity.review TO rempart_desk;

-- Made-up dossiers, of a flood of them: decided unread, and erased at once but for what the follow-up code asks. None that anybody proposed. How
-- many it was: whoever decided one meanwhile was first.
CREATE FUNCTION identity.clear_dossiers(p_dossiers uuid[], p_at bigint) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_gone uuid[];
BEGIN
  WITH gone AS (
    UPDATE identity.dossier d SET state = 'cleared', decided = p_at, rib_sealed = NULL, rib_mark = NULL
      WHERE d.id = ANY (p_dossiers) AND d.state = 'received' AND NOT EXISTS (SELECT FROM identity.review r WHERE r.dossier = d.id)
      RETURNING d.id
  ) SELECT coalesce(array_agg(id), '{}') INTO v_gone FROM gone;
  DELETE FROM identity.dossier_piece WHERE dossier = ANY (v_gone);
  DELETE FROM identity.dossier_document WHERE dossier = ANY (v_gone);
  RETURN cardinality(v_gone);
END $$;
REVOKE ALL ON FUNCTION identity.clear_dossiers FROM PUBLIC;
GRANT EXECUTE ON FUNCTION identity.clear_dossiers TO rempart_desk, rempart_operator;

-- The desk adds the establishment of a dossier that is being enrolled, its titulaire and where its letters go: of no other, and it alters none.
-- It reads which FINESS and RPPS are here, for what is to be looked at, and no name.
GRANT INSERT, SELECT (id, finess) ON identity.establishment TO rempart_desk;
GRANT INSERT, SELECT (establishment, rpps) ON identity.professional TO rempart_desk;
GRANT INSERT ON identity.contact TO rempart_desk;
CREATE POLICY clerk ON identity.establishment FOR SELECT TO rempart_desk USING (true);
CREATE POLICY clerk ON identity.professional FOR SELECT TO rempart_desk USING (true);
CREATE POLICY clerk_enrols ON identity.establishment FOR INSERT TO rempart_desk
  WITH CHECK (EXISTS (SELECT FROM identity.dossier d WHERE d.id = establishment.id AND d.state IN ('received', 'proposed')));
CREATE POLICY clerk_enrols ON identity.professional FOR INSERT TO rempart_desk
  WITH CHECK (EXISTS (SELECT FROM identity.dossier d WHERE d.id = professional.establishment AND d.state IN ('received', 'proposed')));
CREATE POLICY clerk_enrols ON identity.contact FOR INSERT TO rempart_desk
  WITH CHECK (EXISTS (SELECT FROM identity.dossier d WHERE d.id = contact.establishment AND d.state IN ('received', 'proposed')));
