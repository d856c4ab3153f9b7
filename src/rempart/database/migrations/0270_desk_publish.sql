-- What professionals and everybody read, published from the desk (docs/desk.md): the answers of *were we hit?*, announcements, messages.

-- That two people released an incident's answers: the desk's role adds none without it, whatever its host asks.
CREATE TABLE vault.answers_release (
  incident integer PRIMARY KEY CHECK (incident > 0),
  digest bytea NOT NULL CHECK (length(digest) = 32),
  by text NOT NULL,
  at bigint NOT NULL,
  expires bigint NOT NULL
);
GRANT SELECT, INSERT, UPDATE ON vault.answers_release TO rempart_vault;
GRANT SELECT (incident, expires) ON vault.answers_release TO rempart_desk;

-- An answer stands under its publication: whoever may not add the one adds no other. What a house was answered is not read here.
ALTER TABLE incident.publication ENABLE ROW LEVEL SECURITY;
CREATE POLICY operator ON incident.publication TO rempart_operator USING (true) WITH CHECK (true);
CREATE POLICY reads ON incident.publication FOR SELECT TO rempart_cashier, rempart_door, rempart_desk USING (true);
CREATE POLICY released ON incident.publication FOR INSERT TO rempart_desk WITH CHECK (EXISTS (
  SELECT FROM vault.answers_release r WHERE r.incident = publication.incident AND publication.at <= r.expires));
CREATE POLICY withdrawn ON incident.publication FOR DELETE TO rempart_desk USING (true);
CREATE POLICY desk ON incident.answer TO rempart_desk USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, DELETE ON incident.publication TO rempart_desk;
GRANT SELECT (incident), INSERT, DELETE ON incident.answer TO rempart_desk;

-- What everybody reads on the status page, and messages inside the portal: added as the operator's commands add them, rewritten by nobody.
GRANT USAGE ON SCHEMA status TO rempart_desk;
GRANT SELECT ON status.change, status.observed TO rempart_desk;
GRANT SELECT, INSERT, UPDATE (ended) ON status.announcement TO rempart_desk;
GRANT SELECT, INSERT ON status.announcement_update TO rempart_desk;
GRANT SELECT, INSERT, UPDATE (until) ON status.message TO rempart_desk;
CREATE POLICY desk ON status.message TO rempart_desk USING (true) WITH CHECK (true);
-- A message to one FINESS goes to whoever has it now.
GRANT SELECT (stage) ON vault.establishment TO rempart_desk;
