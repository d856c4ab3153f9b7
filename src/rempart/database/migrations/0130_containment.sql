-- Modes between open and closed (docs/runbooks/contain.md). Several holds may stand on one key, each with who threw it: what one person
-- threw, nobody else's shortens or softens. vault.disclose reads them in its step 3.

ALTER TABLE vault.switch ADD COLUMN thrown_by text NOT NULL DEFAULT 'operator';
ALTER TABLE vault.switch DROP CONSTRAINT switch_hold_check;
ALTER TABLE vault.switch ADD CONSTRAINT switch_hold_check
  CHECK (hold IN ('closed', 'claims-only', 'read-only', 'known-only', 'step-up'));
ALTER TABLE vault.switch DROP CONSTRAINT switch_pkey;
ALTER TABLE vault.switch ADD PRIMARY KEY (scope, key, hold, thrown_by);

-- Every vault listens: an answer that is on its way is checked again before it leaves. Whoever writes, even by hand, is heard.
CREATE FUNCTION vault.tell_switch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('rempart_switch', '');
  RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION vault.tell_switch FROM PUBLIC;
CREATE TRIGGER told AFTER INSERT OR UPDATE OR DELETE ON vault.switch FOR EACH STATEMENT EXECUTE FUNCTION vault.tell_switch();

-- The cashier reads once more before it commits what the vault vouched for.
GRANT SELECT (scope, key, hold, until) ON vault.switch TO rempart_cashier;
