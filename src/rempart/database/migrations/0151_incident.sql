-- The incident, its acts, and what is handed to each insurer (docs/incident.md). Rows are only ever added to the first two: what an incident
-- is at any instant is what its acts say, in order. Nothing here says who a member is: a package is sealed to its insurer before it comes here.

CREATE TABLE incident.incident (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  opened bigint NOT NULL
);

-- open, fact, question, done, waive, hand-over, remind: who did it, when, about what.
CREATE TABLE incident.act (
  incident integer NOT NULL REFERENCES incident.incident (id),
  number integer NOT NULL CHECK (number > 0),
  at bigint NOT NULL,
  actor text NOT NULL CHECK (actor <> ''),
  act text NOT NULL CHECK (act IN ('open', 'fact', 'question', 'done', 'waive', 'hand-over', 'remind')),
  key text NOT NULL,
  value text NOT NULL,
  PRIMARY KEY (incident, number)
);

-- One package: one insurer, one issue. `content` is the SHA-256 of what it says before sealing: the same is never handed over twice. `rows`: its
-- members; `day`: when it was laid on the desk. The shape is that of an insurer's other files (claims.flow, evidence.opening_file).
CREATE TABLE incident.package (
  id uuid PRIMARY KEY,
  incident integer NOT NULL REFERENCES incident.incident (id),
  insurer smallint NOT NULL REFERENCES vault.insurer (number),
  issue integer NOT NULL CHECK (issue > 0),
  day date NOT NULL,
  rows bigint NOT NULL,
  content bytea NOT NULL CHECK (length(content) = 32),
  parts integer NOT NULL,
  bytes bigint NOT NULL,
  digest bytea NOT NULL CHECK (length(digest) = 32),
  made bigint NOT NULL,
  acknowledged bigint,
  UNIQUE (incident, insurer, issue)
);

-- The bytes of a package, in order; the worker deletes them a week after its insurer has acknowledged it.
CREATE TABLE incident.package_part (
  package uuid NOT NULL REFERENCES incident.package (id) DEFERRABLE INITIALLY DEFERRED,
  number integer NOT NULL,
  insurer smallint NOT NULL,
  content bytea NOT NULL,
  PRIMARY KEY (package, number)
);

ALTER TABLE incident.package ENABLE ROW LEVEL SECURITY;
ALTER TABLE incident.package_part ENABLE ROW LEVEL SECURITY;
CREATE POLICY operator ON incident.package TO rempart_operator USING (true) WITH CHECK (true);
CREATE POLICY operator ON incident.package_part TO rempart_operator USING (true) WITH CHECK (true);
CREATE POLICY worker ON incident.package FOR SELECT TO rempart_worker USING (acknowledged IS NOT NULL);
CREATE POLICY worker ON incident.package_part TO rempart_worker
  USING (EXISTS (SELECT FROM incident.package p WHERE p.id = package));
CREATE POLICY insurer ON incident.package TO rempart_cashier USING (insurer = claims.insurer()) WITH CHECK (insurer = claims.insurer());
CREATE POLICY insurer ON incident.package_part TO rempart_cashier USING (insurer = claims.insurer()) WITH CHECK (insurer = claims.insurer());

-- No UPDATE, no DELETE: an act is not unsaid.
GRANT SELECT, INSERT ON incident.incident, incident.act, incident.package, incident.package_part TO rempart_operator;
-- The desk shows an incident's clocks.
GRANT SELECT ON incident.incident, incident.act TO rempart_desk;
GRANT SELECT (number, amc, name, notice_key) ON vault.insurer TO rempart_operator;
GRANT USAGE ON SCHEMA incident TO rempart_cashier;
GRANT SELECT, UPDATE (acknowledged) ON incident.package TO rempart_cashier;
GRANT SELECT ON incident.package_part TO rempart_cashier;
-- The worker sees of a package that it is acknowledged, and removes its bytes; nothing of one that is not.
GRANT USAGE ON SCHEMA incident TO rempart_worker;
GRANT SELECT (id, acknowledged) ON incident.package TO rempart_worker;
GRANT SELECT (package), DELETE ON incident.package_part TO rempart_worker;
