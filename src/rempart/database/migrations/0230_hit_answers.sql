-- Were we hit? (docs/incident.md) Each establishment's and each group's own answer of an incident that the operator published, counted once:
-- nothing on the Internet's side ever asks the ledger. Counts alone, nobody's name. Whoever has no row was not touched: the negative was
-- stated over the whole interval before anything was written. And what the worker needs to recall packages, and to remove replaced ones.

-- What the operator says to every professional, as it was when it was published; `issue` counts how often. `since`, `until`: the interval
-- examined; `at`: when the answers were counted; `size`: the ledger's leaves then. Withdrawn, the row is gone; the acts tell of it.
CREATE TABLE incident.publication (
  incident integer PRIMARY KEY REFERENCES incident.incident (id),
  issue integer NOT NULL CHECK (issue > 0),
  at bigint NOT NULL,
  aware bigint NOT NULL,
  since bigint NOT NULL,
  until bigint NOT NULL CHECK (until > since),
  size bigint NOT NULL,
  title text NOT NULL CHECK (title <> ''),
  nature_fr text NOT NULL CHECK (nature_fr <> ''),
  nature_en text NOT NULL CHECK (nature_en <> ''),
  measures_fr text NOT NULL,
  measures_en text NOT NULL,
  contact_fr text NOT NULL,
  contact_en text NOT NULL,
  told_fr text NOT NULL,
  told_en text NOT NULL
);

-- `party`: an establishment, an insurer's seat, or a group as one. rempart.incident.scope_hit.Hit says what the five counts are; `own`: which
-- kinds of its people's own data may have been seen (rempart.incident.scope_professionals.Kind), of at most so many `people`.
CREATE TABLE incident.answer (
  incident integer NOT NULL REFERENCES incident.publication (incident),
  party uuid NOT NULL,
  answers integer NOT NULL CHECK (answers >= 0),
  persons integer NOT NULL CHECK (persons >= 0),
  elsewhere integer NOT NULL CHECK (elsewhere >= 0),
  served integer NOT NULL CHECK (served >= 0),
  served_by_others integer NOT NULL CHECK (served_by_others >= 0),
  own text[] NOT NULL,
  people integer NOT NULL CHECK (people >= 0),
  PRIMARY KEY (incident, party)
);
-- Row security asks by party first, whatever the query asks.
CREATE INDEX answer_by_party ON incident.answer (party);

-- The cashier says for whom it works, from the vault's word: `rempart.parties`, the establishment's id; or, for a group's administrator, the
-- ids of the group and of its establishments. Without it, it sees no answer.
CREATE FUNCTION incident.parties() RETURNS uuid[] LANGUAGE sql STABLE
  RETURN pg_catalog.string_to_array(nullif(pg_catalog.current_setting('rempart.parties', true), ''), ',')::uuid[];
ALTER TABLE incident.answer ENABLE ROW LEVEL SECURITY;
CREATE POLICY operator ON incident.answer TO rempart_operator USING (true) WITH CHECK (true);
CREATE POLICY party ON incident.answer FOR SELECT TO rempart_cashier USING (party = ANY (incident.parties()));

GRANT SELECT, INSERT, DELETE ON incident.publication, incident.answer TO rempart_operator;
GRANT SELECT ON incident.publication, incident.answer TO rempart_cashier;
GRANT EXECUTE ON FUNCTION incident.parties() TO rempart_cashier;
-- Inside the portal it is announced: that there is an answer, to everybody; which, the door does not know.
GRANT USAGE ON SCHEMA incident TO rempart_door;
GRANT SELECT (incident, issue, at, title) ON incident.publication TO rempart_door;

ALTER TABLE incident.act DROP CONSTRAINT act_act_check;
ALTER TABLE incident.act ADD CONSTRAINT act_act_check
  CHECK (act IN ('open', 'fact', 'question', 'done', 'waive', 'hand-over', 'remind', 'publish', 'unpublish'));

-- The worker recalls what nobody acknowledged (worker.incidents): it reads acts and packages' instants, and adds one kind of line, as itself.
ALTER TABLE incident.act ENABLE ROW LEVEL SECURITY;
CREATE POLICY hand ON incident.act TO rempart_operator, rempart_desk USING (true) WITH CHECK (true);
CREATE POLICY worker_reads ON incident.act FOR SELECT TO rempart_worker USING (true);
CREATE POLICY worker_reminds ON incident.act FOR INSERT TO rempart_worker WITH CHECK (act = 'remind' AND actor = 'worker');
GRANT SELECT ON incident.incident TO rempart_worker;
GRANT SELECT, INSERT ON incident.act TO rempart_worker;
DROP POLICY worker ON incident.package;
CREATE POLICY worker ON incident.package FOR SELECT TO rempart_worker USING (true);
GRANT SELECT (incident, insurer, issue, made) ON incident.package TO rempart_worker;

-- It removes the bytes of a package that was acknowledged, or whose newer issue was.
DROP POLICY worker ON incident.package_part;
CREATE POLICY worker ON incident.package_part TO rempart_worker USING (EXISTS (
  SELECT FROM incident.package p JOIN incident.package n ON n.incident = p.incident AND n.insurer = p.insurer AND n.issue >= p.issue
   WHERE p.id = package AND n.acknowledged IS NOT NULL));
