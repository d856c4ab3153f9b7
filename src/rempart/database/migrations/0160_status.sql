-- The status page and messages to professionals (docs/status.md). Nothing here concerns a person. Instants in µs; SQL never asks for the time.

CREATE SCHEMA status;

-- What the worker saw, where it differs from what it saw before. Levels are rempart.status.model.Level.
CREATE TABLE status.change (
  service text NOT NULL,
  since bigint NOT NULL,
  level smallint NOT NULL CHECK (level BETWEEN 0 AND 3),
  PRIMARY KEY (service, since)
);

-- When it last looked.
CREATE TABLE status.observed (
  id smallint PRIMARY KEY CHECK (id = 1),
  at bigint NOT NULL
);
INSERT INTO status.observed (id, at) VALUES (1, 0);

-- What the operator announces. `ended` 0: still so.
CREATE TABLE status.announcement (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  started bigint NOT NULL,
  ended bigint NOT NULL DEFAULT 0,
  level smallint NOT NULL CHECK (level BETWEEN 0 AND 3),
  services text[] NOT NULL,
  french text NOT NULL CHECK (length(french) BETWEEN 3 AND 500),
  english text NOT NULL CHECK (length(english) BETWEEN 3 AND 500)
);

CREATE TABLE status.announcement_update (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  announcement bigint NOT NULL REFERENCES status.announcement,
  at bigint NOT NULL,
  french text NOT NULL CHECK (length(french) BETWEEN 3 AND 500),
  english text NOT NULL CHECK (length(english) BETWEEN 3 AND 500)
);

-- Shown inside the portal, to whom it is for.
CREATE TABLE status.message (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at bigint NOT NULL,
  until bigint NOT NULL,
  weight text NOT NULL CHECK (weight IN ('information', 'warning', 'urgent')),
  audience text NOT NULL CHECK (audience IN ('all', 'profession', 'establishment')),
  key text NOT NULL,
  french text NOT NULL CHECK (length(french) BETWEEN 3 AND 500),
  english text NOT NULL CHECK (length(english) BETWEEN 3 AND 500),
  CHECK ((audience = 'all') = (key = ''))
);

-- The door sees what is for everybody, and what is for the establishment and the profession that the vault has just named.
ALTER TABLE status.message ENABLE ROW LEVEL SECURITY;
CREATE POLICY door ON status.message FOR SELECT TO rempart_door USING (
  audience = 'all'
  OR (audience = 'profession' AND key = pg_catalog.current_setting('rempart.profession', true))
  OR (audience = 'establishment' AND key = ANY (identity.seen()::text[])));
CREATE POLICY operator ON status.message TO rempart_operator USING (true) WITH CHECK (true);

GRANT USAGE ON SCHEMA status TO rempart_door, rempart_worker, rempart_operator;
GRANT SELECT ON status.change, status.observed, status.announcement, status.announcement_update, status.message TO rempart_door;
GRANT SELECT, INSERT, DELETE ON status.change TO rempart_worker;
GRANT SELECT, UPDATE ON status.observed TO rempart_worker;
GRANT SELECT ON status.change, status.observed TO rempart_operator;
GRANT SELECT, INSERT, UPDATE (ended) ON status.announcement TO rempart_operator;
GRANT SELECT, INSERT ON status.announcement_update TO rempart_operator;
GRANT SELECT, INSERT, UPDATE (until) ON status.message TO rempart_operator;
-- Which wide switches stand: a public fact, without its key.
GRANT USAGE ON SCHEMA vault TO rempart_worker;
GRANT SELECT (scope, hold, until) ON vault.switch TO rempart_worker;
