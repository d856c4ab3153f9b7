-- Tiers payant: prises en charge, invoices, money. A beneficiary is a pseudonym per insurer; nothing here is a name, a NIR, a birth date or
-- an act in clear, but the lines of a prise en charge that waits or may still be used. Amounts are whole cents. Instants as everywhere: the
-- caller's clock, in microseconds.
-- rempart_cashier says for whom it works by two settings of the transaction, always from the vault's word or from a verified engagement:
-- `rempart.establishment` (a uuid) and `rempart.insurer` (its number). Without them it sees nothing.

CREATE FUNCTION claims.establishment() RETURNS uuid LANGUAGE sql STABLE
  RETURN nullif(pg_catalog.current_setting('rempart.establishment', true), '')::uuid;
CREATE FUNCTION claims.insurer() RETURNS smallint LANGUAGE sql STABLE
  RETURN nullif(pg_catalog.current_setting('rempart.insurer', true), '')::smallint;
-- Whose ceilings are being counted: an acceptance looks at a beneficiary's counters with one insurer, and at nothing else of that insurer.
CREATE FUNCTION claims.counted_insurer() RETURNS smallint LANGUAGE sql STABLE
  RETURN nullif(pg_catalog.current_setting('rempart.counted_insurer', true), '')::smallint;
GRANT EXECUTE ON FUNCTION claims.establishment(), claims.insurer(), claims.counted_insurer() TO rempart_cashier;

-- A prior agreement. `lines` are natures, prices and classes, never a correction value; they go when it is refused, cancelled or expires. `terms` freeze what the engagement
-- guaranteed (guarantee, contrat responsable, age), so that an agreement is honoured whatever becomes of the contract.
CREATE TABLE claims.prise_en_charge (
  id uuid PRIMARY KEY,
  number text NOT NULL UNIQUE,
  establishment uuid NOT NULL,
  insurer smallint NOT NULL,
  engagement bigint NOT NULL,
  pseudonym bytea NOT NULL CHECK (length(pseudonym) = 16),
  domain text NOT NULL,
  state text NOT NULL CHECK (state IN ('accordee', 'en-attente', 'refusee', 'annulee')),
  reason text NOT NULL DEFAULT '',
  decided_by text NOT NULL DEFAULT '' CHECK (decided_by IN ('', 'rule', 'insurer', 'professional')),
  asked bigint NOT NULL,
  decided bigint,
  valid_from date NOT NULL,
  valid_to date NOT NULL,
  terms jsonb NOT NULL,
  lines jsonb,
  total bigint NOT NULL CHECK (total >= 0),
  amo bigint NOT NULL CHECK (amo >= 0),
  amc bigint NOT NULL CHECK (amc >= 0),
  patient bigint NOT NULL CHECK (patient >= 0),
  participation bigint NOT NULL CHECK (participation >= 0),
  franchise bigint NOT NULL CHECK (franchise >= 0),
  amends uuid REFERENCES claims.prise_en_charge (id),
  -- The invoice that used it; set once.
  invoice uuid,
  CHECK (amo + amc + patient = total)
);
CREATE INDEX prise_en_charge_by_establishment ON claims.prise_en_charge (establishment, asked DESC);
CREATE INDEX prise_en_charge_to_decide ON claims.prise_en_charge (insurer, asked) WHERE state = 'en-attente';
-- As an insurer reads them: what waits, the longest first; then the others, the newest first.
CREATE INDEX prise_en_charge_by_insurer ON claims.prise_en_charge
  (insurer, (CASE WHEN state = 'en-attente' THEN asked - (2::bigint ^ 53)::bigint ELSE -asked END));
CREATE INDEX prise_en_charge_to_expire ON claims.prise_en_charge (valid_to) WHERE lines IS NOT NULL;

-- What a beneficiary has used of an insurer's ceilings, by contract (its product) and window: `counter` is a domain, participation or
-- franchise; `since` the day its window opens. `reserved` by an agreement, `used` by an invoice; a released one is deleted.
CREATE TABLE claims.counter (
  source uuid NOT NULL,
  insurer smallint NOT NULL,
  pseudonym bytea NOT NULL CHECK (length(pseudonym) = 16),
  product text NOT NULL,
  counter text NOT NULL,
  counted_by text NOT NULL CHECK (counted_by IN ('civil-year', 'renewal', 'day')),
  since date NOT NULL,
  ear text NOT NULL DEFAULT '' CHECK (ear IN ('', 'left', 'right')),
  cents bigint NOT NULL CHECK (cents > 0),
  state text NOT NULL CHECK (state IN ('reserved', 'used')),
  PRIMARY KEY (source, product, counter, counted_by, ear)
);
CREATE INDEX counter_by_beneficiary ON claims.counter (insurer, pseudonym);

-- An invoice under the establishment's own number. A refused one may be sent again under the same number; an accepted one answers the same
-- for ever (`digest` tells whether it is the same). `fingerprint` is what was done to whom and when: the same twice is a double billing.
CREATE TABLE claims.invoice (
  id uuid PRIMARY KEY,
  establishment uuid NOT NULL,
  number text NOT NULL CHECK (length(number) BETWEEN 1 AND 40),
  digest bytea NOT NULL CHECK (length(digest) = 32),
  insurer smallint NOT NULL,
  engagement bigint NOT NULL,
  engagement_number text NOT NULL,
  prise_en_charge uuid REFERENCES claims.prise_en_charge (id),
  pseudonym bytea NOT NULL CHECK (length(pseudonym) = 16),
  domain text NOT NULL,
  care_date date NOT NULL,
  received bigint NOT NULL,
  state text NOT NULL CHECK (state IN ('accepted', 'refused', 'cancelled')),
  code text NOT NULL DEFAULT '',
  detail text NOT NULL DEFAULT '',
  total bigint NOT NULL CHECK (total >= 0),
  amo bigint NOT NULL CHECK (amo >= 0),
  amc bigint NOT NULL CHECK (amc >= 0),
  patient bigint NOT NULL CHECK (patient >= 0),
  participation bigint NOT NULL CHECK (participation >= 0),
  franchise bigint NOT NULL CHECK (franchise >= 0),
  fingerprint bytea NOT NULL CHECK (length(fingerprint) = 32),
  corrects uuid REFERENCES claims.invoice (id),
  cancelled bigint,
  -- The insurer's flow that tells of its cancellation.
  cancellation_flow uuid,
  UNIQUE (establishment, number),
  CHECK (amo + amc + patient = total),
  CHECK ((state = 'refused') = (code <> '')),
  CHECK ((state = 'cancelled') = (cancelled IS NOT NULL))
);
CREATE UNIQUE INDEX invoice_billed_once ON claims.invoice (establishment, fingerprint) WHERE state = 'accepted';
CREATE INDEX invoice_by_establishment ON claims.invoice (establishment, received DESC);
CREATE INDEX invoice_by_insurer ON claims.invoice (insurer, received);
CREATE INDEX invoice_cancellation_waiting ON claims.invoice (insurer) WHERE state = 'cancelled' AND cancellation_flow IS NULL;
CREATE INDEX invoice_by_cancellation_flow ON claims.invoice (cancellation_flow, id) WHERE cancellation_flow IS NOT NULL;

-- The acts of an accepted invoice, readable by its insurer alone (HPKE to its notice key), until a flow takes them: they move into its parts,
-- and go with them when the insurer acknowledges it. `flow`: the one that is taking them.
CREATE TABLE claims.act_lines (
  invoice uuid PRIMARY KEY REFERENCES claims.invoice (id),
  insurer smallint NOT NULL,
  flow uuid,
  sealed bytea NOT NULL
);
CREATE INDEX act_lines_waiting ON claims.act_lines (insurer) WHERE flow IS NULL;
CREATE INDEX act_lines_by_flow ON claims.act_lines (flow, invoice) WHERE flow IS NOT NULL;

-- The insurer's daily flow, one a day even when nothing happened. Opened (what it tells is chosen, counted and summed), then written part by
-- part, then `made`: only then does its insurer see it. `until`: what came before this instant is in it or in an earlier one.
CREATE TABLE claims.flow (
  id uuid PRIMARY KEY,
  insurer smallint NOT NULL,
  day date NOT NULL,
  until bigint NOT NULL,
  rows integer NOT NULL,
  cents bigint NOT NULL,
  -- Counts and sums of its header, and of the insurer's months.
  figures jsonb NOT NULL,
  -- The last cancellation written: where a killed flow goes on.
  cancelled_to uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
  parts integer NOT NULL DEFAULT 0,
  bytes bigint NOT NULL DEFAULT 0,
  made bigint,
  digest bytea CHECK (length(digest) = 32),
  acknowledged bigint,
  UNIQUE (insurer, day),
  CHECK ((made IS NULL) = (digest IS NULL)),
  CHECK (acknowledged IS NULL OR made IS NOT NULL)
);
CREATE INDEX flow_unfinished ON claims.flow (day) WHERE made IS NULL;

-- The bytes of a flow, in order; deleted when its insurer has acknowledged it.
CREATE TABLE claims.flow_part (
  flow uuid NOT NULL REFERENCES claims.flow (id),
  number integer NOT NULL,
  insurer smallint NOT NULL,
  content bytea NOT NULL,
  PRIMARY KEY (flow, number)
);

-- A bank account to be paid on: sealed (HPKE) to the settlement run, which alone opens it.
CREATE TABLE claims.rib (
  id uuid PRIMARY KEY,
  establishment uuid NOT NULL,
  sealed bytea NOT NULL,
  state text NOT NULL CHECK (state IN ('waiting', 'in-force', 'replaced', 'cancelled')),
  asked bigint NOT NULL,
  asked_by uuid NOT NULL,
  effective_at bigint NOT NULL,
  needs_second boolean NOT NULL,
  confirmed_by uuid,
  CHECK (confirmed_by IS NULL OR confirmed_by <> asked_by)
);
CREATE UNIQUE INDEX rib_in_force ON claims.rib (establishment) WHERE state = 'in-force';
CREATE UNIQUE INDEX rib_waiting ON claims.rib (establishment) WHERE state = 'waiting';

-- One run a day. `state` says how far it is; each step is done once, whatever is killed meanwhile.
CREATE TABLE claims.run (
  id uuid PRIMARY KEY,
  day date NOT NULL UNIQUE,
  state text NOT NULL CHECK (state IN ('netting', 'ordering', 'ordered')),
  opened bigint NOT NULL,
  -- Dues that came later wait for the next day; rejections that the journal has later are credited to insurers the next day.
  until_due bigint NOT NULL,
  until_journal bigint NOT NULL,
  -- The last establishment that was netted: where a killed run goes on.
  netted_to uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
  establishments integer NOT NULL DEFAULT 0,
  establishments_done integer NOT NULL DEFAULT 0,
  -- Nothing to pay today: they owe, or nothing is left. And: something to pay, and no account to pay it on.
  carried integer NOT NULL DEFAULT 0,
  without_rib integer NOT NULL DEFAULT 0,
  payments integer NOT NULL DEFAULT 0,
  cents bigint NOT NULL DEFAULT 0,
  finished bigint
);

CREATE TABLE claims.payment (
  id uuid PRIMARY KEY,
  run uuid NOT NULL REFERENCES claims.run (id),
  establishment uuid NOT NULL,
  rib uuid NOT NULL REFERENCES claims.rib (id),
  end_to_end text NOT NULL UNIQUE CHECK (length(end_to_end) <= 35),
  -- Nothing, when an indu took all of it: then there is a statement and no transfer.
  cents bigint NOT NULL CHECK (cents >= 0),
  -- netted: the order is not written yet, so nobody may see it. withdrawn: its RIB could not be used, nothing was ordered. The bank's word
  -- makes it executed or rejected.
  state text NOT NULL CHECK (state IN ('netted', 'withdrawn', 'ordered', 'executed', 'rejected')),
  reason text NOT NULL DEFAULT '',
  part integer CHECK ((part IS NULL) = (cents = 0)),
  ordered bigint,
  settled bigint,
  statement text UNIQUE,
  UNIQUE (run, establishment)
);
CREATE INDEX payment_by_establishment ON claims.payment (establishment, ordered DESC);
CREATE INDEX payment_to_order ON claims.payment (run, part, end_to_end) WHERE state = 'netted';

-- What is owed to an establishment (or by it, negative) for one invoice and one insurer, until a payment takes it.
CREATE TABLE claims.due (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  invoice uuid NOT NULL REFERENCES claims.invoice (id),
  establishment uuid NOT NULL,
  insurer smallint NOT NULL,
  kind text NOT NULL CHECK (kind IN ('invoice', 'cancellation', 'indu')),
  cents bigint NOT NULL CHECK (cents <> 0),
  since bigint NOT NULL,
  -- An indu is recovered after its notice.
  not_before bigint NOT NULL DEFAULT 0,
  payment uuid REFERENCES claims.payment (id),
  CHECK ((kind = 'invoice') = (cents > 0))
);
CREATE INDEX due_open ON claims.due (establishment, id) WHERE payment IS NULL;
CREATE INDEX due_by_payment ON claims.due (payment) WHERE payment IS NOT NULL;
CREATE INDEX due_by_invoice ON claims.due (invoice);

-- What a payment was made of, kept when the bank rejected it and its dues opened again: its statement stays what it was.
CREATE TABLE claims.rejected_line (
  payment uuid NOT NULL REFERENCES claims.payment (id),
  invoice uuid NOT NULL,
  establishment uuid NOT NULL,
  insurer smallint NOT NULL,
  kind text NOT NULL,
  cents bigint NOT NULL
);
CREATE INDEX rejected_line_by_payment ON claims.rejected_line (payment);

-- The orders handed to the bank, part by part: a run that starts again writes the same bytes. `staged`: the file lies ready beside the
-- bank's folder, and its digest is here; `handed`: it was renamed into it. A file that is staged no more was handed over.
CREATE TABLE claims.order_file (
  run uuid NOT NULL REFERENCES claims.run (id),
  part integer NOT NULL,
  message_id text NOT NULL UNIQUE,
  digest bytea NOT NULL CHECK (length(digest) = 32),
  transfers integer NOT NULL,
  cents bigint NOT NULL,
  staged bigint NOT NULL,
  handed bigint,
  PRIMARY KEY (run, part)
);

CREATE TABLE claims.call_for_funds (
  id uuid PRIMARY KEY,
  run uuid NOT NULL REFERENCES claims.run (id),
  insurer smallint NOT NULL,
  reference text NOT NULL UNIQUE,
  -- Negative: a credit note, when what an insurer recovers is more than what it owes.
  cents bigint NOT NULL CHECK (cents <> 0),
  called bigint NOT NULL,
  due_on date NOT NULL,
  received_cents bigint NOT NULL DEFAULT 0,
  received bigint,
  -- The insurer's flow that tells of it.
  flow uuid,
  UNIQUE (run, insurer)
);
CREATE INDEX call_for_funds_by_insurer ON claims.call_for_funds (insurer, called);

-- Double entry: each row moves an amount from one account to another, so that the journal is balanced by its form. Accounts:
-- `amc` what an insurer owes us, `ps` what we owe an establishment, `orders` transfers ordered and not yet told of, `bank`.
-- Rows are only ever added; a correction is a row the other way.
CREATE TABLE claims.journal (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at bigint NOT NULL,
  kind text NOT NULL CHECK (kind IN ('acceptance', 'cancellation', 'order', 'execution', 'rejection', 'return', 'funds')),
  debit text NOT NULL CHECK (debit IN ('amc', 'ps', 'orders', 'bank')),
  credit text NOT NULL CHECK (credit IN ('amc', 'ps', 'orders', 'bank')),
  cents bigint NOT NULL CHECK (cents > 0),
  insurer smallint,
  establishment uuid,
  source uuid NOT NULL,
  CHECK (debit <> credit),
  CHECK (insurer IS NOT NULL OR 'amc' NOT IN (debit, credit)),
  CHECK (establishment IS NOT NULL OR 'ps' NOT IN (debit, credit)),
  -- What happened once is written once: a step that is done again cannot move money again.
  UNIQUE NULLS NOT DISTINCT (source, kind, insurer)
);
CREATE INDEX journal_by_establishment ON claims.journal (establishment, id);
CREATE INDEX journal_by_insurer ON claims.journal (insurer, id);
CREATE INDEX journal_rejections ON claims.journal (id) WHERE kind = 'rejection';

CREATE FUNCTION claims.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'claims.journal is append-only';
END $$;
CREATE TRIGGER journal_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON claims.journal
  FOR EACH STATEMENT EXECUTE FUNCTION claims.refuse_change();

-- Letters to be printed or sent: to the contact of record, and to the former one when it changed lately. Facts only; the worker writes them out.
CREATE TABLE claims.letter (
  id uuid PRIMARY KEY,
  establishment uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN ('rib-asked', 'rib-in-force', 'rib-cancelled', 'indu', 'payment-rejected')),
  at bigint NOT NULL,
  facts jsonb NOT NULL,
  written bigint
);
CREATE INDEX letter_to_write ON claims.letter (at) WHERE written IS NULL;

-- Where letters go: given at the référencement, replaced by the operator. The one before stays, with the instant until which it held.
CREATE TABLE identity.contact (
  establishment uuid NOT NULL,
  contact text NOT NULL CHECK (length(contact) BETWEEN 3 AND 300),
  since bigint NOT NULL,
  until bigint CHECK (until >= since),
  PRIMARY KEY (establishment, since)
);
CREATE UNIQUE INDEX contact_of_record ON identity.contact (establishment) WHERE until IS NULL;
ALTER TABLE identity.contact ENABLE ROW LEVEL SECURITY;
CREATE POLICY operator ON identity.contact TO rempart_operator USING (true) WITH CHECK (true);
CREATE POLICY worker ON identity.contact FOR SELECT TO rempart_worker USING (true);
GRANT SELECT, INSERT ON identity.contact TO rempart_operator;
GRANT UPDATE (until) ON identity.contact TO rempart_operator;
GRANT SELECT ON identity.contact TO rempart_worker;

-- Row security: an establishment sees its own, an insurer its own; the worker, which listens nowhere, sees all it is granted.
DO $$
DECLARE
  line record;
BEGIN
  FOR line IN
    SELECT * FROM (VALUES
      ('prise_en_charge', true, true), ('invoice', true, true), ('due', true, true), ('journal', true, true), ('act_lines', false, true),
      ('flow', false, true), ('flow_part', false, true), ('call_for_funds', false, true), ('rib', true, false), ('payment', true, false), ('rejected_line', true, false),
      ('letter', true, false)
    ) AS t (name, by_establishment, by_insurer)
  LOOP
    EXECUTE format('ALTER TABLE claims.%I ENABLE ROW LEVEL SECURITY', line.name);
    EXECUTE format('CREATE POLICY worker ON claims.%I TO rempart_worker USING (true) WITH CHECK (true)', line.name);
    IF line.by_establishment THEN
      EXECUTE format('CREATE POLICY establishment ON claims.%I TO rempart_cashier USING (establishment = claims.establishment())
        WITH CHECK (establishment = claims.establishment())', line.name);
    END IF;
    IF line.by_insurer THEN
      EXECUTE format('CREATE POLICY insurer ON claims.%I TO rempart_cashier USING (insurer = claims.insurer())
        WITH CHECK (insurer = claims.insurer())', line.name);
    END IF;
  END LOOP;
END $$;
ALTER TABLE claims.counter ENABLE ROW LEVEL SECURITY;
CREATE POLICY worker ON claims.counter TO rempart_worker USING (true) WITH CHECK (true);
CREATE POLICY counted ON claims.counter TO rempart_cashier
  USING (insurer IN (claims.insurer(), claims.counted_insurer())) WITH CHECK (insurer IN (claims.insurer(), claims.counted_insurer()));
-- An acceptance leaves act lines for an insurer that is not the caller; it may add, not read.
CREATE POLICY accepted ON claims.act_lines FOR INSERT TO rempart_cashier WITH CHECK (insurer = claims.counted_insurer());
-- An insurer sees what became of its own files, and of no other's: the database knows the number, the table the n° AMC.
ALTER TABLE intake.delivery ENABLE ROW LEVEL SECURITY;
ALTER TABLE intake.reject ENABLE ROW LEVEL SECURITY;
CREATE POLICY sealer ON intake.delivery TO rempart_sealer USING (true) WITH CHECK (true);
CREATE POLICY sealer ON intake.reject TO rempart_sealer USING (true) WITH CHECK (true);
CREATE POLICY operator ON intake.delivery FOR SELECT TO rempart_operator USING (true);
CREATE POLICY operator ON intake.reject FOR SELECT TO rempart_operator USING (true);
CREATE POLICY insurer ON intake.delivery FOR SELECT TO rempart_cashier
  USING (amc = (SELECT i.amc FROM vault.insurer i WHERE i.number = claims.insurer()));
CREATE POLICY insurer ON intake.reject FOR SELECT TO rempart_cashier
  USING (EXISTS (SELECT FROM intake.delivery d WHERE d.id = delivery));
CREATE POLICY establishment ON identity.establishment FOR SELECT TO rempart_cashier USING (id = claims.establishment());
CREATE POLICY worker ON identity.establishment FOR SELECT TO rempart_worker USING (true);

GRANT USAGE ON SCHEMA claims TO rempart_cashier, rempart_worker, rempart_operator;
GRANT USAGE ON SCHEMA vault, identity, intake, evidence TO rempart_cashier;
GRANT USAGE ON SCHEMA vault, identity TO rempart_worker;

GRANT SELECT ON vault.claims_envelope TO rempart_cashier;
-- An engagement is honoured when the ledger has its leaf.
GRANT SELECT ON evidence.leaf TO rempart_cashier;
GRANT SELECT (number, amc, name, notice_key, signing_key) ON vault.insurer TO rempart_cashier;
GRANT SELECT (number, amc, name) ON vault.insurer TO rempart_worker;
GRANT SELECT ON identity.establishment TO rempart_cashier, rempart_worker;
-- Who it was, for the insurer alone: the reference is encrypted to it.
GRANT SELECT (index, insurer, notice_ref) ON evidence.entry TO rempart_worker;
GRANT USAGE ON SCHEMA intake TO rempart_worker;
GRANT SELECT ON intake.load TO rempart_worker;
GRANT SELECT ON intake.delivery, intake.reject TO rempart_cashier;

GRANT SELECT, INSERT, UPDATE ON claims.prise_en_charge, claims.invoice, claims.rib TO rempart_cashier;
GRANT SELECT, INSERT, UPDATE, DELETE ON claims.counter TO rempart_cashier;
GRANT SELECT, INSERT ON claims.due, claims.journal, claims.letter TO rempart_cashier;
GRANT SELECT, INSERT ON claims.act_lines TO rempart_cashier;
GRANT SELECT, UPDATE (acknowledged) ON claims.flow TO rempart_cashier;
GRANT SELECT, DELETE ON claims.flow_part TO rempart_cashier;
GRANT SELECT ON claims.payment, claims.call_for_funds TO rempart_cashier;

GRANT SELECT ON claims.rejected_line TO rempart_cashier;

GRANT SELECT, UPDATE ON claims.prise_en_charge TO rempart_worker;
GRANT SELECT, UPDATE ON claims.rib TO rempart_worker;
GRANT SELECT, INSERT ON claims.rejected_line TO rempart_worker;
GRANT SELECT, DELETE ON claims.counter TO rempart_worker;
GRANT SELECT, UPDATE (cancellation_flow) ON claims.invoice TO rempart_worker;
GRANT SELECT, INSERT ON claims.flow_part TO rempart_worker;
GRANT SELECT, INSERT, UPDATE ON claims.due, claims.run, claims.payment, claims.order_file, claims.call_for_funds, claims.flow TO rempart_worker;
GRANT SELECT, INSERT ON claims.journal TO rempart_worker;
GRANT SELECT, INSERT, UPDATE ON claims.letter TO rempart_worker;
GRANT SELECT, UPDATE (flow), DELETE ON claims.act_lines TO rempart_worker;

GRANT SELECT ON claims.run, claims.order_file TO rempart_operator;
-- Référencement gives an establishment its first account, and no other: it may add one, and neither read nor change any.
CREATE POLICY operator ON claims.rib FOR INSERT TO rempart_operator WITH CHECK (state = 'in-force');
GRANT INSERT ON claims.rib TO rempart_operator;
