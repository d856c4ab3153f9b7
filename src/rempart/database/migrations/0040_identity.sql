-- Who the professionals are. No insured person is ever here. Establishment and account ids are the vault's.
-- rempart_door sees the rows of the establishments in the transaction's setting `rempart.establishment`: one id or several, between commas,
-- always from a reply of the vault. Without the setting it sees nothing.

-- An establishment that gives care has a FINESS, an insurer's seat a n° AMC.
CREATE TABLE identity.establishment (
  id uuid PRIMARY KEY,
  finess text UNIQUE,
  name text NOT NULL CHECK (length(name) BETWEEN 2 AND 80),
  town text NOT NULL CHECK (length(town) BETWEEN 2 AND 80),
  profession text NOT NULL,
  amc text UNIQUE,
  CHECK ((finess IS NULL) <> (amc IS NULL))
);

-- One row a person and establishment: a person who works in two has two.
CREATE TABLE identity.professional (
  establishment uuid NOT NULL,
  account uuid NOT NULL,
  name text NOT NULL CHECK (length(name) BETWEEN 2 AND 80),
  rpps text NOT NULL DEFAULT '',
  adeli text NOT NULL DEFAULT '',
  PRIMARY KEY (establishment, account)
);

CREATE FUNCTION identity.seen() RETURNS uuid[] LANGUAGE sql STABLE
  RETURN pg_catalog.string_to_array(nullif(pg_catalog.current_setting('rempart.establishment', true), ''), ',')::uuid[];

ALTER TABLE identity.establishment ENABLE ROW LEVEL SECURITY;
ALTER TABLE identity.professional ENABLE ROW LEVEL SECURITY;
CREATE POLICY door ON identity.establishment FOR SELECT TO rempart_door USING (id = ANY (identity.seen()));
CREATE POLICY door ON identity.professional TO rempart_door
  USING (establishment = ANY (identity.seen())) WITH CHECK (establishment = ANY (identity.seen()));
CREATE POLICY operator ON identity.establishment TO rempart_operator USING (true) WITH CHECK (true);
CREATE POLICY operator ON identity.professional TO rempart_operator USING (true) WITH CHECK (true);

GRANT EXECUTE ON FUNCTION identity.seen() TO rempart_door;
GRANT SELECT ON identity.establishment TO rempart_door;
GRANT SELECT, INSERT, UPDATE, DELETE ON identity.professional TO rempart_door;
GRANT SELECT, INSERT, UPDATE ON identity.establishment TO rempart_operator;
GRANT SELECT, INSERT, UPDATE, DELETE ON identity.professional TO rempart_operator;
