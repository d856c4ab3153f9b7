-- Requests for cards: a fourth kind of file. Nothing of a card is kept: its secret is derived at each load and at each printing, and the
-- capsule of the lane *secret* is one more row of a generation's table (slot 4). A canary is a byte inside its capsule.

ALTER TABLE intake.delivery DROP CONSTRAINT delivery_kind_check;
ALTER TABLE intake.delivery ADD CONSTRAINT delivery_kind_check CHECK (kind IN ('full', 'delta', 'products', 'cards'));
