-- A worker taken over writes nothing into an incident's journal that stops those who read it or write after it: a reminder is of one insurer's
-- one issue, by number; and its own number leaves room for all who come after (the next line takes the largest there is, plus one).
ALTER POLICY worker_reminds ON incident.act
  WITH CHECK (act = 'remind' AND actor = 'worker' AND key ~ '^[1-9][0-9]{0,5}$' AND value ~ '^[1-9][0-9]{0,5}$' AND number <= 1000000);
-- Nor does a desk taken over: what the operator's command writes comes after whatever it wrote.
CREATE POLICY desk_leaves_room ON incident.act AS RESTRICTIVE FOR INSERT TO rempart_desk WITH CHECK (number <= 2000000);
