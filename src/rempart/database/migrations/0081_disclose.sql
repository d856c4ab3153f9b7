-- The one act's one call, with the credit line (docs/algorithms/disclose.md, docs/meters.md). It replaces the one of 0021: same steps, and
-- the line of the month, the pace that a person must confirm, the editor, switches that ask for a confirmation, the features of detection.

DROP FUNCTION vault.disclose;

-- What a meter holds in its window (five, seven or eight slots), `shift` slots after its newest one. A clock turned back (shift < 0) gives
-- nothing back. Written out so that it is inlined: this runs a dozen times a request.
CREATE OR REPLACE FUNCTION vault.spent(slots integer[], shift bigint) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN shift < cardinality(slots) THEN slots[1] ELSE 0 END
    + CASE WHEN shift < cardinality(slots) - 1 THEN slots[2] ELSE 0 END
    + CASE WHEN shift < cardinality(slots) - 2 THEN slots[3] ELSE 0 END
    + CASE WHEN shift < cardinality(slots) - 3 THEN slots[4] ELSE 0 END
    + CASE WHEN shift < cardinality(slots) - 4 THEN slots[5] ELSE 0 END
    + CASE WHEN shift < cardinality(slots) - 5 THEN coalesce(slots[6], 0) ELSE 0 END
    + CASE WHEN shift < cardinality(slots) - 6 THEN coalesce(slots[7], 0) ELSE 0 END
    + CASE WHEN shift < cardinality(slots) - 7 THEN coalesce(slots[8], 0) ELSE 0 END
$$;

CREATE FUNCTION vault.disclose(
  p_at bigint,              -- the vault's clock, µs
  p_session uuid[],
  p_editor uuid[],          -- the editor whose software signed too; nil for a browser
  p_insurer smallint[],     -- 0 where the n° AMC is unknown
  p_lane smallint[],
  p_domain smallint[],
  p_class smallint[],       -- the class of the answer: which fields it may hold (docs/ledger.md)
  p_epoch integer,          -- the key store's current epoch
  p_tag uuid[],             -- the tag under that epoch
  p_tag_before uuid[],      -- the tag under the epoch before, while insurers still move
  p_cost_told integer[],    -- units for a person found
  p_cost_absent integer[],  -- units for a miss: the dearest outcome
  p_limits integer[],       -- twelve a request: hour, day, line of account, device, establishment, editor
  p_pace integer[],         -- units an hour on a device, beyond which a person confirms with a passkey
  p_told_window bigint[],   -- µs during which a person told of costs nothing again
  p_salt bytea[],
  p_bucket smallint[],      -- features of detection (docs/detection.md)
  p_step smallint[],
  p_address inet[] DEFAULT NULL  -- whence the request came, on the door's word; NULL where it says nothing
) RETURNS TABLE (
  ordinal integer,
  status smallint,          -- 1 told, 2 absent, 3 exhausted, 4 closed, 5 session over, 6 a person must confirm, 8 claims only,
                            -- 10 something is due first (0190_campaigns.sql); by a party's profile (0180_profiles.sql): 11 by passkey
                            -- alone, 12 not by this lane, 13 not from there; by its dates (0210_departure.sql): 14 it has closed,
                            -- 15 it is suspended, 16 it has not opened; and,
                            -- while only people known here are served: 9 told, 7 none of them (a leaf stands)
  index bigint,
  commitment bytea,
  cost integer,
  sealed bytea,
  subject uuid,
  epoch integer
)
LANGUAGE plpgsql
-- Every step is a few look-ups by key, whatever the planner thinks of tables that are still small; plans are made once a connection.
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
#variable_conflict use_column
DECLARE
  nil CONSTANT uuid := '00000000-0000-0000-0000-000000000000';
  n CONSTANT integer := cardinality(p_session);
  hour_now CONSTANT bigint := p_at / 900000000;
  day_now CONSTANT bigint := p_at / 14400000000;
  month_now CONSTANT bigint := p_at / 345600000000;
  confirmed_pace CONSTANT bigint := p_at - 3600000000;  -- a confirmation lifts the pace a little for an hour,
  confirmed_line CONSTANT bigint := p_at - 300000000;   -- and is asked once for an exhausted line: then it is exhausted
  served_since CONSTANT bigint := p_at - 34560000000000;  -- 400 days: who comes once a year is known
  switches boolean;
  known_only boolean := false;
  -- who stands behind each session, NULL where it is over
  by_account uuid[]; by_device uuid[]; by_establishment uuid[]; by_profession text[]; by_stepped bigint[]; by_upto integer[];
  by_passkey boolean[]; by_due boolean[];
  -- by the establishment's dates, its profile and its editor's: why it is refused, the lanes open to both, the share of each one's own line
  by_refusal smallint[]; by_lanes smallint[]; by_share smallint[]; by_editor_share smallint[];
  -- the batch's meters, locked: key, spent this hour, day and month less what was earned, and what this batch debits
  m_key uuid[]; m_hour integer[]; m_day integer[]; m_line integer[]; m_debit integer[];
  at_key integer[];
  thrown record;
  what record;
  ins record;
  known boolean;
  withheld boolean;
  person uuid;
  told_at bigint;
  dear integer;
  units integer;
  result smallint;
  refusal smallint;
  base integer;
  share bigint;
  slot integer;
  -- what is appended to the ledger, in order
  o_ordinal integer[] := '{}'; o_status smallint[] := '{}'; o_outcome smallint[] := '{}'; o_leaf bytea[] := '{}'; o_cost integer[] := '{}';
  o_sealed bytea[] := '{}'; o_subject uuid[] := '{}'; o_epoch integer[] := '{}'; o_notice bytea[] := '{}';
  o_generation integer[] := '{}';
  head bigint;
BEGIN
  -- 1. the sessions, their devices, accounts, establishments, memberships and editors that still stand; whether any switch is thrown
  SELECT array_agg(w.account ORDER BY u.i), array_agg(w.device ORDER BY u.i), array_agg(w.establishment ORDER BY u.i),
      array_agg(w.profession ORDER BY u.i), array_agg(w.stepped ORDER BY u.i), array_agg(w.upto ORDER BY u.i),
      array_agg(w.passkey ORDER BY u.i), array_agg(w.due ORDER BY u.i),
      array_agg(w.refusal ORDER BY u.i), array_agg(w.lanes ORDER BY u.i), array_agg(w.share ORDER BY u.i),
      array_agg(w.editor_share ORDER BY u.i)
    INTO by_account, by_device, by_establishment, by_profession, by_stepped, by_upto, by_passkey, by_due,
      by_refusal, by_lanes, by_share, by_editor_share
    FROM unnest(p_session, p_editor) WITH ORDINALITY AS u (id, editor, i)
    LEFT JOIN LATERAL (
      SELECT s.account, s.device, s.establishment, e.profession, s.stepped, s.stepped_upto AS upto, s.assurance = 2 AS passkey,
             a.due_until > p_at AS due,
             CASE WHEN e.stage > 0 OR e.closes <= p_at THEN 14
                  WHEN e.opens > p_at THEN 16
                  WHEN e.suspended_until > p_at THEN 15
                  WHEN s.assurance < greatest(e.least_assurance, x.least_assurance) THEN 11
                  -- No address told is none of theirs.
                  WHEN e.networks IS NOT NULL AND (p_address[u.i] <<= ANY (e.networks::inet[])) IS NOT TRUE THEN 13
                  WHEN x.networks IS NOT NULL AND (p_address[u.i] <<= ANY (x.networks::inet[])) IS NOT TRUE THEN 13 END::smallint AS refusal,
             e.lanes_open & coalesce(x.lanes_open, e.lanes_open) AS lanes, e.line_percent AS share,
             coalesce(x.line_percent, 100::smallint) AS editor_share
        FROM vault.session s
        JOIN vault.binding b ON b.account = s.account AND b.device = s.device AND b.fresh_until > p_at
        JOIN vault.account a ON a.id = s.account AND a.status = 'active'
        JOIN vault.establishment e ON e.id = s.establishment AND e.status = 'active'
        JOIN vault.membership r ON r.account = s.account AND r.establishment = s.establishment
        LEFT JOIN vault.editor x ON u.editor <> nil AND x.id = u.editor AND x.status = 'active'
        WHERE s.id = u.id AND s.expires > p_at AND (u.editor = nil OR x.id IS NOT NULL)) w ON true;

  -- 2. lock the meters in one order, so that two vaults never wait for each other; read what they have spent
  SELECT array_agg(m.key), array_agg(vault.spent(m.hour, hour_now - m.hour_slot)),
      array_agg(vault.spent(m.day, day_now - m.day_slot)),
      array_agg(vault.spent(m.month, month_now - m.month_slot) - vault.spent(m.earned, greatest(month_now, m.month_slot) - m.earned_slot) - m.flight),
      array_fill(0, ARRAY[count(*)::int])
    INTO m_key, m_hour, m_day, m_line, m_debit
    FROM (SELECT * FROM vault.meter l WHERE l.key = ANY (by_account || by_device || by_establishment || p_editor)
          ORDER BY l.key FOR UPDATE) m;

  -- Read after the locks: what was thrown while this call waited for them counts.
  switches := EXISTS (SELECT FROM vault.switch s WHERE s.until IS NULL OR s.until > p_at);

  FOR i IN 1 .. n LOOP
    IF by_account[i] IS NULL THEN
      RETURN QUERY SELECT i, 5::smallint, NULL::bigint, NULL::bytea, 0, NULL::bytea, NULL::uuid, 0;
      CONTINUE;
    END IF;

    -- A campaign asks this person for something first: no place of work, software or door is a way around it.
    IF by_due[i] THEN
      RETURN QUERY SELECT i, 10::smallint, NULL::bigint, NULL::bytea, 0, NULL::bytea, NULL::uuid, 0;
      CONTINUE;
    END IF;

    -- 3. no switch that forbids a look-up is thrown (docs/runbooks/contain.md); one that asks for a person is content with a confirmation
    --    given since. Whom a house already knows is only seen at the probe: see 5.
    IF switches THEN
      SELECT bool_or(s.hold = 'closed') AS closed, bool_or(s.hold = 'claims-only') AS claims, bool_or(s.hold = 'known-only') AS known,
          bool_or(s.hold = 'step-up' AND s.thrown >= by_stepped[i]) AS confirm
        INTO thrown
        FROM vault.switch s
        WHERE (s.until IS NULL OR s.until > p_at) AND (s.scope, s.key) IN (
          ('platform', ''), ('insurer', p_insurer[i]::text), ('lane', p_lane[i]::text), ('profession', by_profession[i]),
          ('editor', p_editor[i]::text), ('establishment', by_establishment[i]::text), ('account', by_account[i]::text),
          ('device', by_device[i]::text));
      refusal := CASE WHEN thrown.closed THEN 4 WHEN thrown.claims THEN 8
                      WHEN thrown.confirm THEN CASE WHEN by_passkey[i] THEN 6 ELSE 4 END END;
      IF refusal IS NOT NULL THEN
        RETURN QUERY SELECT i, refusal, NULL::bigint, NULL::bytea, 0, NULL::bytea, NULL::uuid, 0;
        CONTINUE;
      END IF;
      known_only := coalesce(thrown.known, false);
    END IF;

    -- Whose house has closed, and whom a profile holds to less, is told so before the probe: it says nothing of anybody.
    refusal := coalesce(by_refusal[i], CASE WHEN by_lanes[i] & (1 << (p_lane[i] - 1)) = 0 THEN 12 END);
    IF refusal IS NOT NULL THEN
      RETURN QUERY SELECT i, refusal, NULL::bigint, NULL::bytea, 0, NULL::bytea, NULL::uuid, 0;
      CONTINUE;
    END IF;

    -- 4. room for the dearest outcome, decided before the probe, so that exhaustion tells nothing of anybody. A meter that is missing has
    --    no room. An exhausted line of the month, or a pace beyond the ordinary, is first a question to the person at the counter.
    at_key := ARRAY[array_position(m_key, by_account[i]), array_position(m_key, by_device[i]),
                    array_position(m_key, by_establishment[i]), array_position(m_key, p_editor[i])];
    dear := p_cost_absent[i];
    base := 12 * (i - 1);
    share := by_share[i];
    refusal := NULL;
    FOR k IN 1 .. CASE WHEN p_editor[i] = nil THEN 3 ELSE 4 END LOOP
      slot := at_key[k];
      IF k = 4 THEN share := by_editor_share[i]; END IF;
      IF m_hour[slot] + m_debit[slot] + dear <= p_limits[base + 3 * k - 2] * share / 100
          AND m_day[slot] + m_debit[slot] + dear <= p_limits[base + 3 * k - 1] * share / 100 THEN
        IF m_line[slot] + m_debit[slot] + dear <= p_limits[base + 3 * k] * share / 100 THEN
          NULL;
        ELSIF k < 4 AND by_passkey[i] AND by_stepped[i] <= confirmed_line THEN
          refusal := coalesce(refusal, 6);
        ELSE
          refusal := 3;
        END IF;
      ELSE
        refusal := 3;
      END IF;
    END LOOP;
    slot := at_key[2];
    IF refusal IS NULL AND m_hour[slot] + m_debit[slot] + p_cost_told[i]
        > greatest(p_pace[i]::bigint * by_share[i] / 100, CASE WHEN by_stepped[i] > confirmed_pace THEN by_upto[i] ELSE 0 END) THEN
      refusal := CASE WHEN by_passkey[i] THEN 6 ELSE 3 END;
    END IF;
    IF refusal IS NOT NULL THEN
      RETURN QUERY SELECT i, refusal, NULL::bigint, NULL::bytea, 0, NULL::bytea, NULL::uuid, 0;
      CONTINUE;
    END IF;

    -- 5. probe the insurer's current generation; an unknown n° AMC probes a table of nobody
    SELECT g.generation, g.epoch, g.least_assurance,
        CASE WHEN g.vitale_open THEN g.lanes_open ELSE g.lanes_open & 5 END AS lanes INTO ins FROM vault.insurer g
      WHERE g.number = p_insurer[i] AND g.generation > 0;
    IF FOUND THEN
      IF ins.least_assurance = 2 AND NOT by_passkey[i] THEN
        RETURN QUERY SELECT i, 11::smallint, NULL::bigint, NULL::bytea, 0, NULL::bytea, NULL::uuid, 0;
        CONTINUE;
      END IF;
      EXECUTE format('SELECT sealed, subject, notice_ref FROM capsule.i%s_g%s WHERE tag = $1', p_insurer[i], ins.generation)
        INTO what USING CASE WHEN ins.epoch = p_epoch THEN p_tag[i] ELSE p_tag_before[i] END;
    ELSE
      SELECT 0 AS generation, 0 AS epoch, 7 AS lanes INTO ins;
      EXECUTE 'SELECT sealed, subject, notice_ref FROM vault.nobody WHERE tag = $1' INTO what USING p_tag[i];
    END IF;
    known := what.sealed IS NOT NULL AND ins.lanes & (1 << (p_lane[i] - 1)) <> 0;
    person := CASE WHEN known THEN what.subject ELSE nil END;
    SELECT t.at INTO told_at FROM vault.told t WHERE t.establishment = by_establishment[i] AND t.subject = person;
    withheld := false;
    IF known_only THEN
      -- Somebody absent, and somebody this house was never told of: one outcome, one price, one leaf. It is an ordinary look-up's price:
      -- who exists is not told, and an honest counter must not use up its line on new faces.
      known := known AND told_at IS NOT NULL AND told_at BETWEEN served_since AND p_at;
      withheld := NOT known;
      person := CASE WHEN known THEN person ELSE nil END;
    END IF;
    result := CASE WHEN withheld THEN 3 WHEN known THEN 1 ELSE 2 END;

    -- 6. what it costs: nothing for somebody already told of. A miss does the same writes as a hit.
    units := CASE WHEN withheld THEN p_cost_told[i]
                  WHEN NOT known THEN dear
                  WHEN told_at <= p_at AND told_at + p_told_window[i] > p_at THEN 0
                  ELSE p_cost_told[i] END;
    IF units > 0 THEN
      FOR k IN 1 .. CASE WHEN p_editor[i] = nil THEN 3 ELSE 4 END LOOP
        m_debit[at_key[k]] := m_debit[at_key[k]] + units;
      END LOOP;
      INSERT INTO vault.told AS t (establishment, subject, at, cost, account, device, editor)
        VALUES (by_establishment[i], person, p_at, units, by_account[i], by_device[i], p_editor[i])
        ON CONFLICT (establishment, subject) DO UPDATE SET at = EXCLUDED.at, cost = EXCLUDED.cost, account = EXCLUDED.account,
          device = EXCLUDED.device, editor = EXCLUDED.editor, claimed = false;
    END IF;

    -- 7. the ledger's commitment (docs/ledger.md gives the bytes)
    o_leaf := array_append(o_leaf, sha256('rempart-leaf-v1'::bytea || '\x00'::bytea || p_salt[i]
      || int2send(2::smallint) || int8send(p_at) || uuid_send(by_account[i]) || uuid_send(by_device[i]) || uuid_send(by_establishment[i])
      || int2send(p_insurer[i]) || int2send(p_lane[i]) || int2send(p_domain[i]) || int2send(p_class[i]) || int2send(result)
      || int4send(units) || uuid_send(person) || uuid_send(p_editor[i])));
    o_ordinal := array_append(o_ordinal, i);
    o_outcome := array_append(o_outcome, result);
    o_status := array_append(o_status, CASE WHEN withheld THEN 7 WHEN known_only THEN 9 ELSE result END::smallint);
    o_cost := array_append(o_cost, units);
    o_sealed := array_append(o_sealed, CASE WHEN known THEN what.sealed END);
    o_notice := array_append(o_notice, CASE WHEN known THEN what.notice_ref END);
    o_subject := array_append(o_subject, person);
    o_epoch := array_append(o_epoch, ins.epoch);
    o_generation := array_append(o_generation, ins.generation);
  END LOOP;

  IF cardinality(o_ordinal) = 0 THEN
    RETURN;
  END IF;

  -- 8. write the meters back
  UPDATE vault.meter m SET
      hour = vault.spend(m.hour, hour_now - m.hour_slot, d.units), hour_slot = greatest(m.hour_slot, hour_now),
      day = vault.spend(m.day, day_now - m.day_slot, d.units), day_slot = greatest(m.day_slot, day_now),
      month = vault.spend(m.month, month_now - m.month_slot, d.units), month_slot = greatest(m.month_slot, month_now)
    FROM unnest(m_key, m_debit) AS d (key, units)
    WHERE d.units > 0 AND m.key = d.key;

  -- 9. append, the head's lock last and shortest
  UPDATE evidence.log l SET size = l.size + cardinality(o_ordinal) WHERE l.id = 1 RETURNING l.size - cardinality(o_ordinal) INTO head;
  INSERT INTO evidence.leaf (index, commitment)
    SELECT head + k - 1, c FROM unnest(o_leaf) WITH ORDINALITY AS u (c, k);
  INSERT INTO evidence.entry (index, at, salt, account, device, establishment, insurer, lane, domain, answer_class, outcome, cost,
                              subject, notice_ref, generation, editor)
    SELECT head + k - 1, p_at, p_salt[o], by_account[o], by_device[o], by_establishment[o], p_insurer[o], p_lane[o], p_domain[o], p_class[o],
        s, c, j, r, g, p_editor[o]
      FROM unnest(o_ordinal, o_outcome, o_cost, o_subject, o_notice, o_generation) WITH ORDINALITY AS u (o, s, c, j, r, g, k);
  INSERT INTO vault.feature (index, at, bucket, step)
    SELECT head + k - 1, p_at, p_bucket[o], p_step[o] FROM unnest(o_ordinal) WITH ORDINALITY AS u (o, k);
  RETURN QUERY SELECT o, s, head + k - 1, l, c, x, j, v
    FROM unnest(o_ordinal, o_status, o_leaf, o_cost, o_sealed, o_subject, o_epoch) WITH ORDINALITY AS u (o, s, l, c, x, j, v, k);
END
$$;
REVOKE ALL ON FUNCTION vault.disclose FROM PUBLIC;
GRANT EXECUTE ON FUNCTION vault.disclose TO rempart_vault;
