-- Detection (docs/detection.md). Ids, counts and ledger indexes only: nothing here names a person, an establishment or a professional.
-- Instants are µs of the stream (`at`) or of the process's clock (`noted`): SQL never asks for the time.

CREATE SCHEMA incident;

-- What a rule found, with its evidence, and what is proposed about it. `contained`: when the vault said that it is done.
CREATE TABLE incident.alert (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at bigint NOT NULL,
  noted bigint NOT NULL,
  rule text NOT NULL,
  strength smallint NOT NULL CHECK (strength BETWEEN 1 AND 3),
  figure double precision NOT NULL,
  threshold double precision NOT NULL,
  device uuid,
  account uuid,
  establishment uuid,
  editor uuid,
  indexes bigint[] NOT NULL,
  events bigint[] NOT NULL,
  french text NOT NULL,
  english text NOT NULL,
  scope text CHECK (scope IN ('device', 'account', 'establishment', 'editor')),
  key uuid,
  hold text CHECK (hold IN ('step-up', 'closed')),
  minutes integer CHECK (minutes >= 0),
  by_itself boolean NOT NULL,
  contained bigint,
  refused text NOT NULL DEFAULT '',
  acknowledged bigint,
  CHECK (num_nonnulls(scope, key, hold, minutes) IN (0, 4)),
  CHECK (scope IS NOT NULL OR NOT by_itself)
);
CREATE INDEX alert_by_time ON incident.alert (at);

-- What was learnt of a device (1) or an establishment (2): its week, its own shares. `state`: rempart.incident.history.
CREATE TABLE incident.history (
  party uuid NOT NULL,
  kind smallint NOT NULL CHECK (kind IN (1, 2)),
  at bigint NOT NULL,
  state bytea NOT NULL,
  PRIMARY KEY (party, kind)
) WITH (fillfactor = 50);

-- How far the stream was read: the next entry's index, the last event's id, the stream's time.
CREATE TABLE incident.position (
  id smallint PRIMARY KEY CHECK (id = 1),
  entry bigint NOT NULL,
  event bigint NOT NULL,
  at bigint NOT NULL
);
INSERT INTO incident.position (id, entry, event, at) VALUES (1, 0, 0, 0);

GRANT USAGE ON SCHEMA incident, evidence, vault TO rempart_sentinel;
GRANT SELECT, INSERT, UPDATE (contained, refused) ON incident.alert TO rempart_sentinel;
GRANT SELECT, INSERT, UPDATE, DELETE ON incident.history TO rempart_sentinel;
GRANT SELECT, UPDATE ON incident.position TO rempart_sentinel;
-- Neither salt nor notice_ref: with a salt, an opening could be tried against the public log.
GRANT SELECT (index, at, account, device, establishment, insurer, lane, domain, answer_class, outcome, cost, subject, generation, editor)
  ON evidence.entry TO rempart_sentinel;
GRANT SELECT ON vault.feature, vault.event TO rempart_sentinel;
GRANT SELECT (index, at, cancelled) ON vault.claim TO rempart_sentinel;
GRANT SELECT (id, profession) ON vault.establishment TO rempart_sentinel;

-- The operator looks, acknowledges, and says when a proposal was carried out.
GRANT USAGE ON SCHEMA incident, vault TO rempart_operator;
GRANT SELECT, UPDATE (acknowledged, contained) ON incident.alert TO rempart_operator;
GRANT SELECT (at, kind, device, establishment, insurer) ON vault.event TO rempart_operator;
