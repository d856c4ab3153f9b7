-- The one act's one call (docs/algorithms/disclose.md): switch, session, room, probe, already told, debit, ledger. It is given a batch
-- and answers a status for each request; it raises for no business refusal. All of it is durable before the vault opens anything.

-- What a meter has spent in its window, `shift` slots after its newest one. A clock turned back (shift < 0) gives nothing back.
CREATE FUNCTION vault.spent(slots integer[], shift bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT COALESCE(sum(slot), 0) FROM unnest(slots[1 : cardinality(slots) - least(greatest(shift, 0), cardinality(slots))::int]) AS slot
$$;

-- The slots after spending `cost` now: the newest slot moves right by `shift`, what leaves the window is forgotten.
CREATE FUNCTION vault.spend(slots integer[], shift bigint, cost integer) RETURNS integer[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE
    WHEN shift <= 0 THEN ARRAY[slots[1] + cost] || slots[2:]
    WHEN shift >= cardinality(slots) THEN ARRAY[cost] || array_fill(0, ARRAY[cardinality(slots) - 1])
    ELSE ARRAY[cost] || array_fill(0, ARRAY[shift::int - 1]) || slots[1 : cardinality(slots) - shift::int]
  END
$$;

-- A table of no insurer, so that an unknown n° AMC costs the same work as an unknown person.
CREATE TABLE vault.nobody (tag uuid PRIMARY KEY, subject uuid NOT NULL, sealed bytea NOT NULL, notice_ref bytea NOT NULL);
GRANT SELECT ON vault.nobody TO rempart_vault;

CREATE FUNCTION vault.disclose(
  p_at bigint,              -- the vault's clock, µs
  p_session uuid[],
  p_insurer smallint[],     -- 0 where the n° AMC is unknown
  p_lane smallint[],
  p_domain smallint[],
  p_class smallint[],       -- the class of the answer: which fields it may hold (docs/ledger.md)
  p_epoch integer,          -- the key store's current epoch
  p_tag uuid[],             -- the tag under that epoch
  p_tag_before uuid[],      -- the tag under the epoch before, while insurers still move
  p_cost_told integer[],    -- units for a person found
  p_cost_absent integer[],  -- units for a miss: the dearest outcome
  p_limits integer[],       -- six a request: account hour, day; device hour, day; establishment hour, day
  p_told_window bigint[],   -- µs during which a person told of costs nothing again
  p_salt bytea[]
) RETURNS TABLE (
  ordinal integer,
  status smallint,          -- 1 told, 2 absent, 3 exhausted, 4 contained, 5 session over
  index bigint,
  commitment bytea,
  cost integer,
  sealed bytea,
  subject uuid,
  epoch integer
)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  nil CONSTANT uuid := '00000000-0000-0000-0000-000000000000';
  n CONSTANT integer := cardinality(p_session);
  hour_now CONSTANT bigint := p_at / 900000000;
  day_now CONSTANT bigint := p_at / 14400000000;
  switches boolean;
  who record;
  line record;
  what record;
  ins record;
  known boolean;
  told_at bigint;
  units integer;
  result smallint;
  leaf bytea;
  -- what is appended, in order
  o_ordinal integer[] := '{}'; o_status smallint[] := '{}'; o_leaf bytea[] := '{}'; o_cost integer[] := '{}';
  o_sealed bytea[] := '{}'; o_subject uuid[] := '{}'; o_epoch integer[] := '{}'; o_notice bytea[] := '{}';
  o_account uuid[] := '{}'; o_device uuid[] := '{}'; o_establishment uuid[] := '{}'; o_generation integer[] := '{}';
  head bigint;
BEGIN
  switches := EXISTS (SELECT FROM vault.switch s WHERE s.until IS NULL OR s.until > p_at);

  -- Two vaults that serve the same establishment lock its meters in one order.
  IF n > 1 THEN
    PERFORM FROM vault.meter m
      WHERE (m.kind, m.key) IN (
        SELECT k.kind, k.key FROM vault.session s
          CROSS JOIN LATERAL (VALUES (1::smallint, s.account), (2::smallint, s.device), (3::smallint, s.establishment)) AS k (kind, key)
          WHERE s.id = ANY (p_session))
      ORDER BY m.kind, m.key FOR UPDATE;
  END IF;

  FOR i IN 1 .. n LOOP
    -- 1. the session, its device, account, establishment and role still stand
    SELECT s.account, s.device, s.establishment, e.profession INTO who
      FROM vault.session s
      JOIN vault.binding b ON b.account = s.account AND b.device = s.device AND b.fresh_until > p_at
      JOIN vault.account a ON a.id = s.account AND a.status = 'active'
      JOIN vault.establishment e ON e.id = s.establishment AND e.status = 'active'
      JOIN vault.membership r ON r.account = s.account AND r.establishment = s.establishment
      WHERE s.id = p_session[i] AND s.expires > p_at;
    IF NOT FOUND THEN
      RETURN QUERY SELECT i, 5::smallint, NULL::bigint, NULL::bytea, 0, NULL::bytea, NULL::uuid, 0;
      CONTINUE;
    END IF;

    -- 2. no switch is thrown
    IF switches AND EXISTS (
      SELECT FROM vault.switch s WHERE (s.until IS NULL OR s.until > p_at) AND (s.scope, s.key) IN (
        ('platform', ''), ('insurer', p_insurer[i]::text), ('lane', p_lane[i]::text), ('profession', who.profession),
        ('establishment', who.establishment::text), ('account', who.account::text), ('device', who.device::text))
    ) THEN
      RETURN QUERY SELECT i, 4::smallint, NULL::bigint, NULL::bytea, 0, NULL::bytea, NULL::uuid, 0;
      CONTINUE;
    END IF;

    -- 3. room for the dearest outcome, decided before the probe, so that exhaustion tells nothing of anybody
    SELECT count(*) AS meters, bool_and(
        vault.spent(m.hour, hour_now - m.hour_slot) + p_cost_absent[i] <= p_limits[6 * (i - 1) + 2 * m.kind - 1]
        AND vault.spent(m.day, day_now - m.day_slot) + p_cost_absent[i] <= p_limits[6 * (i - 1) + 2 * m.kind]) AS room
      INTO line
      FROM (SELECT * FROM vault.meter m
              WHERE (m.kind = 1 AND m.key = who.account) OR (m.kind = 2 AND m.key = who.device)
                OR (m.kind = 3 AND m.key = who.establishment)
              ORDER BY m.kind, m.key FOR UPDATE) m;
    IF line.meters < 3 OR NOT line.room THEN
      RETURN QUERY SELECT i, 3::smallint, NULL::bigint, NULL::bytea, 0, NULL::bytea, NULL::uuid, 0;
      CONTINUE;
    END IF;

    -- 4. probe the insurer's current generation
    SELECT g.generation, g.epoch, g.vitale_open INTO ins FROM vault.insurer g
      WHERE g.number = p_insurer[i] AND g.generation > 0;
    IF FOUND THEN
      EXECUTE format('SELECT sealed, subject, notice_ref FROM capsule.i%s_g%s WHERE tag = $1', p_insurer[i], ins.generation)
        INTO what USING CASE WHEN ins.epoch = p_epoch THEN p_tag[i] ELSE p_tag_before[i] END;
    ELSE
      SELECT 0 AS generation, 0 AS epoch, true AS vitale_open INTO ins;
      EXECUTE 'SELECT sealed, subject, notice_ref FROM vault.nobody WHERE tag = $1' INTO what USING p_tag[i];
    END IF;
    known := what.sealed IS NOT NULL AND (p_lane[i] <> 2 OR ins.vitale_open);

    -- 5. what it costs: nothing for somebody already told of
    SELECT t.at INTO told_at FROM vault.told t
      WHERE t.establishment = who.establishment AND t.subject = CASE WHEN known THEN what.subject ELSE nil END;
    units := CASE WHEN NOT known THEN p_cost_absent[i]
                  WHEN told_at IS NOT NULL AND told_at + p_told_window[i] > p_at AND told_at <= p_at THEN 0
                  ELSE p_cost_told[i] END;
    result := CASE WHEN known THEN 1 ELSE 2 END;

    -- 6. debit; a miss does the same writes as a hit
    UPDATE vault.meter m SET
        hour = vault.spend(m.hour, hour_now - m.hour_slot, units), hour_slot = greatest(m.hour_slot, hour_now),
        day = vault.spend(m.day, day_now - m.day_slot, units), day_slot = greatest(m.day_slot, day_now)
      WHERE (m.kind = 1 AND m.key = who.account) OR (m.kind = 2 AND m.key = who.device) OR (m.kind = 3 AND m.key = who.establishment);
    IF units > 0 THEN
      INSERT INTO vault.told AS t (establishment, subject, at)
        VALUES (who.establishment, CASE WHEN known THEN what.subject ELSE nil END, p_at)
        ON CONFLICT (establishment, subject) DO UPDATE SET at = EXCLUDED.at;
    END IF;

    -- 7. the ledger's commitment (docs/ledger.md gives the bytes)
    leaf := sha256('rempart-leaf-v1'::bytea || '\x00'::bytea || p_salt[i]
      || int2send(1::smallint) || int8send(p_at) || uuid_send(who.account) || uuid_send(who.device) || uuid_send(who.establishment)
      || int2send(p_insurer[i]) || int2send(p_lane[i]) || int2send(p_domain[i]) || int2send(p_class[i]) || int2send(result)
      || int4send(units) || uuid_send(CASE WHEN known THEN what.subject ELSE nil END));

    o_ordinal := o_ordinal || i; o_status := o_status || result; o_leaf := o_leaf || leaf; o_cost := o_cost || units;
    o_sealed := o_sealed || CASE WHEN known THEN what.sealed END;
    o_subject := o_subject || CASE WHEN known THEN what.subject ELSE nil END;
    o_notice := o_notice || CASE WHEN known THEN what.notice_ref END;
    o_epoch := o_epoch || ins.epoch; o_generation := o_generation || ins.generation;
    o_account := o_account || who.account; o_device := o_device || who.device; o_establishment := o_establishment || who.establishment;
  END LOOP;

  IF cardinality(o_ordinal) = 0 THEN
    RETURN;
  END IF;

  -- 8. append, the head's lock last and shortest
  UPDATE evidence.log l SET size = l.size + cardinality(o_ordinal) WHERE l.id = 1 RETURNING l.size - cardinality(o_ordinal) INTO head;
  INSERT INTO evidence.leaf (index, commitment)
    SELECT head + k - 1, c FROM unnest(o_leaf) WITH ORDINALITY AS u (c, k);
  INSERT INTO evidence.entry (index, at, salt, account, device, establishment, insurer, lane, domain, answer_class, outcome, cost,
                              subject, notice_ref, generation)
    SELECT head + k - 1, p_at, p_salt[o], a, d, e, p_insurer[o], p_lane[o], p_domain[o], p_class[o], s, c, j, r, g
      FROM unnest(o_ordinal, o_account, o_device, o_establishment, o_status, o_cost, o_subject, o_notice, o_generation)
        WITH ORDINALITY AS u (o, a, d, e, s, c, j, r, g, k);
  RETURN QUERY SELECT o, s, head + k - 1, l, c, x, j, v
    FROM unnest(o_ordinal, o_status, o_leaf, o_cost, o_sealed, o_subject, o_epoch) WITH ORDINALITY AS u (o, s, l, c, x, j, v, k);
END
$$;
REVOKE ALL ON FUNCTION vault.disclose FROM PUBLIC;
GRANT EXECUTE ON FUNCTION vault.disclose TO rempart_vault;
REVOKE ALL ON FUNCTION vault.spent, vault.spend FROM PUBLIC;
GRANT EXECUTE ON FUNCTION vault.spent, vault.spend TO rempart_vault;
