-- The ledger. One row of `log` is its head; its lock gives indexes in commit order. Rows are only ever added.

CREATE TABLE evidence.log (
  id smallint PRIMARY KEY,
  size bigint NOT NULL
);
INSERT INTO evidence.log (id, size) VALUES (1, 0);

-- What is public of an entry: the salted commitment, the log's leaf data (docs/ledger.md).
CREATE TABLE evidence.leaf (
  index bigint PRIMARY KEY,
  commitment bytea NOT NULL
);

-- The opening of each leaf, for whoever must answer "who is exposed?". `subject` and `notice_ref` are readable by nobody here.
CREATE TABLE evidence.entry (
  index bigint PRIMARY KEY,
  at bigint NOT NULL,
  salt bytea NOT NULL,
  account uuid NOT NULL,
  device uuid NOT NULL,
  establishment uuid NOT NULL,
  insurer smallint NOT NULL,
  lane smallint NOT NULL,
  domain smallint NOT NULL,
  answer_class smallint NOT NULL,
  outcome smallint NOT NULL,
  cost integer NOT NULL,
  subject uuid NOT NULL,
  notice_ref bytea,
  generation integer NOT NULL
);
CREATE INDEX entry_by_account ON evidence.entry (account, index);

CREATE TABLE evidence.checkpoint (
  size bigint PRIMARY KEY,
  root bytea NOT NULL,
  at bigint NOT NULL,
  frontier bytea NOT NULL,
  note text NOT NULL
);

GRANT SELECT, UPDATE ON evidence.log TO rempart_vault;
GRANT SELECT, INSERT ON evidence.leaf TO rempart_vault;
GRANT SELECT, INSERT ON evidence.entry TO rempart_vault;
GRANT SELECT, INSERT ON evidence.checkpoint TO rempart_vault;
GRANT SELECT ON evidence.log, evidence.leaf, evidence.checkpoint TO rempart_worker;
GRANT SELECT ON evidence.log, evidence.leaf, evidence.entry, evidence.checkpoint TO rempart_operator;
