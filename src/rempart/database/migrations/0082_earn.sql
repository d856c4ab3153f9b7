-- What the line gives back, and when (docs/meters.md). Called by the vault every minute, with its clock.

-- The claims that came since, or were cancelled, after `p_after`, `p_most` at once: each resolved to the look-up that was charged, once. A new
-- one counts later, for its own units and `p_surplus` more; a cancelled one no more, and the person may be billed again. Rows that a look-up
-- holds wait for the next time, so that nobody waits for nobody. Answers whose meters change now, and after which one to go on: NULL at the end.
CREATE FUNCTION vault.note_claims(p_at bigint, p_delay bigint, p_surplus integer, p_after bigint, p_most integer, OUT keys uuid[], OUT last bigint)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  come record;
  asked record;
  gone record;
  changed uuid[] := '{}';
  seen integer := 0;
BEGIN
  FOR come IN
    SELECT c.index, c.at, c.cancelled, e.establishment, e.subject, e.outcome FROM vault.claim c
      LEFT JOIN evidence.entry e ON e.index = c.index
      WHERE NOT c.noted AND c.index > p_after ORDER BY c.index LIMIT p_most FOR UPDATE OF c SKIP LOCKED
  LOOP
    seen := seen + 1;
    last := come.index;
    SELECT t.* INTO asked FROM vault.told t WHERE t.establishment = come.establishment AND t.subject = come.subject FOR UPDATE SKIP LOCKED;
    IF NOT FOUND AND come.outcome = 1 AND EXISTS (
      SELECT FROM vault.told t WHERE t.establishment = come.establishment AND t.subject = come.subject) THEN
      CONTINUE;
    END IF;
    IF come.cancelled IS NOT NULL THEN
      DELETE FROM vault.credit k WHERE k.index = come.index RETURNING k.* INTO gone;
      IF FOUND THEN
        UPDATE vault.told t SET claimed = false
          WHERE t.establishment = come.establishment AND t.subject = come.subject AND t.at / 86400000000 = gone.day;
        IF gone.counted THEN
          UPDATE vault.earned_day d SET units = greatest(0, d.units - gone.units) WHERE d.key = ANY (gone.keys) AND d.day = gone.day;
          changed := changed || gone.keys;
        END IF;
      END IF;
    ELSIF come.outcome = 1 AND NOT asked.claimed AND asked.cost > 0 AND asked.at <= come.at
      AND NOT EXISTS (SELECT FROM vault.credit k WHERE k.index = come.index) THEN
      UPDATE vault.told t SET claimed = true WHERE t.establishment = come.establishment AND t.subject = come.subject;
      INSERT INTO vault.credit (index, effective, keys, day, units)
        VALUES (come.index, come.at + p_delay, array_remove(ARRAY[asked.account, asked.device, asked.establishment, asked.editor],
            '00000000-0000-0000-0000-000000000000'), asked.at / 86400000000, asked.cost + p_surplus);
    END IF;
    UPDATE vault.claim c SET noted = true WHERE c.index = come.index;
  END LOOP;
  IF seen < p_most THEN
    last := NULL;
  END IF;
  keys := (SELECT coalesce(array_agg(DISTINCT key), '{}') FROM unnest(changed) AS key);
END
$$;

-- Those whose day has passed count from now on, `p_most` at once. Answers whose meters change; `more`: call it again.
CREATE FUNCTION vault.count_credits(p_at bigint, p_most integer, OUT keys uuid[], OUT more boolean)
LANGUAGE sql AS $$
  WITH first AS (
    SELECT index FROM vault.credit WHERE NOT counted AND effective <= p_at ORDER BY effective LIMIT p_most FOR UPDATE SKIP LOCKED
  ), due AS (
    UPDATE vault.credit c SET counted = true FROM first f WHERE c.index = f.index RETURNING c.keys, c.day, c.units
  ), added AS (
    SELECT key, day, sum(units)::integer AS units FROM due, unnest(due.keys) AS key GROUP BY key, day ORDER BY key, day
  ), raised AS (
    INSERT INTO vault.earned_day AS d (key, day, units) SELECT key, day, units FROM added
      ON CONFLICT (key, day) DO UPDATE SET units = d.units + EXCLUDED.units RETURNING d.key
  )
  SELECT coalesce((SELECT array_agg(DISTINCT key) FROM raised), '{}'), (SELECT count(*) FROM due) = p_most
$$;

-- What these keys have earned, written anew from their days. A slot of 4 days gives what its claims earned, at the most its active days times
-- the median day; a key whose first claim is younger than 28 days, or that has fewer than ten active days, gives `p_young` in all (an
-- establishment three times that, an editor once an establishment), and has no median yet.
CREATE FUNCTION vault.reckon(p_at bigint, p_keys uuid[], p_young integer) RETURNS integer
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  slot_now bigint;
  today integer;
  who uuid;
  days record;
  slots integer[];
  kind integer;
  young integer;  -- NULL: it has a median
  reckoned integer := 0;
BEGIN
  -- In one order, as vault.disclose locks them.
  FOR who IN SELECT key FROM unnest(p_keys) AS key ORDER BY key LOOP
    -- Before its days are read: of two who reckon at once, the second sees what the first saw, or more. A clock turned back brings back
    -- nothing that faded with what was asked.
    SELECT m.kind, greatest(p_at / 345600000000, m.month_slot, m.earned_slot) INTO kind, slot_now
      FROM vault.meter m WHERE m.key = who FOR UPDATE;
    today := greatest(p_at / 86400000000, 4 * slot_now);
    SELECT count(*) AS active, min(day) AS first, percentile_disc(0.5) WITHIN GROUP (ORDER BY units) AS median INTO days
      FROM vault.earned_day WHERE key = who AND day BETWEEN today - 56 AND today AND units > 0;
    CONTINUE WHEN days.active = 0 AND NOT EXISTS (SELECT FROM vault.meter m WHERE m.key = who AND m.earned_slot > 0);
    young := NULL;
    IF days.active < 10 OR days.first > today - 28 THEN
      -- An establishment has several seats, an editor several establishments.
      young := p_young * CASE kind WHEN 3 THEN 3 WHEN 4 THEN (SELECT count(DISTINCT w.establishment) FROM vault.software w WHERE w.editor = who) ELSE 1 END;
    END IF;
    SELECT array_agg(coalesce(d.worth, 0) ORDER BY s.slot DESC) INTO slots
      FROM generate_series(slot_now - 7, slot_now) AS s (slot)
      LEFT JOIN (
        SELECT day / 4 AS slot, least(sum(units), coalesce(young, count(*) * days.median))::integer AS worth
          FROM vault.earned_day WHERE key = who AND units > 0 GROUP BY day / 4
      ) d ON d.slot = s.slot;
    IF young IS NOT NULL THEN
      -- The oldest slots first: what is given once is not given again when time goes on.
      FOR k IN REVERSE 8 .. 1 LOOP
        slots[k] := least(slots[k], greatest(0, young - (SELECT coalesce(sum(x), 0) FROM unnest(slots[k + 1 : 8]) AS x)));
      END LOOP;
    END IF;
    UPDATE vault.meter SET earned = slots, earned_slot = slot_now, flight = CASE WHEN young IS NULL THEN days.median ELSE 0 END
      WHERE key = who;
    reckoned := reckoned + 1;
  END LOOP;
  RETURN reckoned;
END
$$;

-- Keys that earned something once and were not reckoned for the current slot: their medians and youth move with time.
CREATE FUNCTION vault.unreckoned(p_at bigint) RETURNS uuid[]
LANGUAGE sql STABLE AS $$
  SELECT coalesce(array_agg(m.key), '{}') FROM vault.meter m
    WHERE m.earned_slot < p_at / 345600000000 AND (m.earned_slot > 0 OR EXISTS (SELECT FROM vault.earned_day d WHERE d.key = m.key))
$$;

-- When a line was lengthened, by how much, and by whom: the operator, who called somebody back, or a person's own passkey.
CREATE TABLE vault.widening (
  key uuid NOT NULL,
  at bigint NOT NULL,
  units integer NOT NULL CHECK (units > 0),
  by_operator boolean NOT NULL DEFAULT false
);
CREATE INDEX widening_by_key ON vault.widening (key, at);
GRANT SELECT, INSERT, DELETE ON vault.widening TO rempart_vault;

-- A person confirmed by passkey, or the operator called one back: units come off the newest slot of the month.
CREATE FUNCTION vault.widen(p_at bigint, p_key uuid, p_units integer, p_by_operator boolean) RETURNS void
LANGUAGE sql AS $$
  INSERT INTO vault.widening (key, at, units, by_operator) VALUES (p_key, p_at, p_units, p_by_operator);
  UPDATE vault.meter SET month = vault.spend(month, p_at / 345600000000 - month_slot, -p_units),
      month_slot = greatest(month_slot, p_at / 345600000000)
    WHERE key = p_key
$$;

-- What nothing can use any more, `p_most` rows of each kind at once. True: call it again. A claim goes 60 days after it came, whether it earned
-- something or not; by then the day of its look-up lies beyond every median and every slot.
CREATE FUNCTION vault.forget_old(p_at bigint, p_most integer) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
  most_kept CONSTANT bigint := p_at - 60 * 86400000000::bigint;
  month_ago CONSTANT bigint := p_at - 28 * 86400000000::bigint;
  gone bigint;
  more boolean := false;
BEGIN
  DELETE FROM vault.earned_day WHERE ctid = ANY (ARRAY(SELECT ctid FROM vault.earned_day WHERE day < most_kept / 86400000000 LIMIT p_most));
  GET DIAGNOSTICS gone = ROW_COUNT;
  more := more OR gone = p_most;
  DELETE FROM vault.credit WHERE index = ANY (ARRAY(SELECT index FROM vault.credit WHERE counted AND effective < most_kept LIMIT p_most));
  GET DIAGNOSTICS gone = ROW_COUNT;
  more := more OR gone = p_most;
  DELETE FROM vault.claim WHERE index = ANY (ARRAY(SELECT index FROM vault.claim WHERE at < most_kept AND noted LIMIT p_most)) AND noted;
  GET DIAGNOSTICS gone = ROW_COUNT;
  more := more OR gone = p_most;
  DELETE FROM vault.feature WHERE index <= (
    SELECT max(index) FROM (SELECT index, at FROM vault.feature ORDER BY index LIMIT p_most) f WHERE at < month_ago);
  GET DIAGNOSTICS gone = ROW_COUNT;
  more := more OR gone = p_most;
  DELETE FROM vault.event WHERE id = ANY (ARRAY(SELECT id FROM vault.event WHERE at < month_ago ORDER BY at LIMIT p_most));
  GET DIAGNOSTICS gone = ROW_COUNT;
  more := more OR gone = p_most;
  DELETE FROM vault.widening WHERE at < p_at - 32 * 86400000000::bigint;
  RETURN more;
END
$$;

-- Take units of this hour's breaker, `p_least` or none: the answer is how many. More than that, in blocks of `p_most` or an eighth of the limit,
-- so that one vault does not hold all of a small one. The limit is the operator's, else `p_default`. What is leased counts as spent.
CREATE FUNCTION vault.lease(p_at bigint, p_scope text, p_key text, p_least integer, p_most integer, p_default integer) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
  hour_now CONSTANT bigint := p_at / 900000000;
  held record;
  hour_limit integer;
  granted integer;
BEGIN
  INSERT INTO vault.breaker (scope, key) VALUES (p_scope, p_key) ON CONFLICT DO NOTHING;
  SELECT * INTO held FROM vault.breaker b WHERE b.scope = p_scope AND b.key = p_key FOR UPDATE;
  hour_limit := coalesce(held.hour_limit, p_default);
  granted := least(greatest(p_least, least(p_most, hour_limit / 8)), hour_limit - vault.spent(held.hour, hour_now - held.hour_slot));
  IF granted < p_least THEN
    RETURN 0;
  END IF;
  UPDATE vault.breaker b SET hour = vault.spend(b.hour, hour_now - b.hour_slot, granted), hour_slot = greatest(b.hour_slot, hour_now)
    WHERE b.scope = p_scope AND b.key = p_key;
  RETURN granted;
END
$$;

REVOKE ALL ON FUNCTION vault.note_claims, vault.count_credits, vault.reckon, vault.unreckoned, vault.forget_old,
  vault.widen, vault.lease FROM PUBLIC;
GRANT EXECUTE ON FUNCTION vault.note_claims, vault.count_credits, vault.reckon, vault.unreckoned, vault.forget_old,
  vault.widen, vault.lease TO rempart_vault;

-- Does another invoice stand on the look-up of one that is cancelled? Then the look-up keeps what it earned.
CREATE INDEX invoice_by_engagement ON claims.invoice (engagement) WHERE state = 'accepted';
