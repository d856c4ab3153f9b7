-- An establishment's life after its référencement (docs/establishments.md): suspension, departure, cession. SQL never asks for the time.
--
-- It stands in the row that vault.disclose and every session read anyway: nothing is asked of a job before it holds, and it costs nothing to
-- whoever stays. `opens`, `closes`: from when, and until when (not included) rights are checked; the largest bigint: no date. Invoices on
-- engagements given before are taken until `invoices_until`, what is one's own is read until `ends`: written down when the date is set, so
-- that what people were told holds. `stage`: how far the calendar has come, 0 open, 1 closed, 2 no invoices, 3 ended; it only rises, so that
-- a clock turned back opens nothing again.
ALTER TABLE vault.establishment
  ADD COLUMN opens bigint NOT NULL DEFAULT 0,
  ADD COLUMN closes bigint NOT NULL DEFAULT 9223372036854775807,
  ADD COLUMN invoices_until bigint NOT NULL DEFAULT 9223372036854775807,
  ADD COLUMN ends bigint NOT NULL DEFAULT 9223372036854775807,
  ADD COLUMN stage smallint NOT NULL DEFAULT 0 CHECK (stage BETWEEN 0 AND 3),
  ADD COLUMN leaving text CHECK (leaving IN ('cession', 'retirement', 'convention-ended', 'licence', 'request')),
  ADD COLUMN leaving_said bigint NOT NULL DEFAULT 0,
  ADD COLUMN leaving_by text NOT NULL DEFAULT '',
  ADD COLUMN suspended_since bigint NOT NULL DEFAULT 0,
  ADD COLUMN suspended_until bigint NOT NULL DEFAULT 0,
  ADD COLUMN suspended_for text CHECK (suspended_for IN ('convention-lapsed', 'indu', 'papers', 'request')),
  ADD COLUMN suspended_by text NOT NULL DEFAULT '',
  ADD CHECK (opens < closes AND closes <= invoices_until AND invoices_until <= ends),
  ADD CHECK ((leaving IS NULL) = (closes = 9223372036854775807)),
  ADD CHECK (stage = 0 OR leaving IS NOT NULL),
  ADD CHECK (suspended_until = 0 OR suspended_for IS NOT NULL);

-- A FINESS outlives its owner: after a cession it is another seat's, which has its own row, members, meters, journal and account to be paid
-- on. Of those that have no closing date there is one; the vault lets another in from the day the former closes (vault/establishments.py).
ALTER TABLE vault.establishment DROP CONSTRAINT establishment_finess_key;
CREATE UNIQUE INDEX establishment_staying ON vault.establishment (finess) WHERE closes = 9223372036854775807;
CREATE INDEX establishment_by_finess ON vault.establishment (finess);
CREATE INDEX establishment_leaving ON vault.establishment (closes) WHERE closes < 9223372036854775807 AND stage < 3;

-- Names are kept under the vault's ids, which alone says whose a FINESS is on which day.
ALTER TABLE identity.establishment DROP CONSTRAINT establishment_finess_key;
CREATE INDEX establishment_by_finess ON identity.establishment (finess);
GRANT SELECT (opens, stage) ON vault.establishment TO rempart_operator;
