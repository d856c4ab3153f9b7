-- Security profiles (docs/profiles.md): what a party is held to beyond the policy. A profile narrows and never widens. It stands in the rows
-- that vault.disclose reads anyway, so that a profile costs nothing to whoever has none.
--
-- `least_assurance`: 2, by passkey alone. `lanes_open`: one bit a lane (card 1, vitale 2, secret 4). `line_percent`: of the policy's lines.
-- `networks`: whence its people may work, as the door tells it; NULL: from anywhere.
ALTER TABLE vault.establishment
  ADD COLUMN least_assurance smallint NOT NULL DEFAULT 1 CHECK (least_assurance IN (1, 2)),
  ADD COLUMN lanes_open smallint NOT NULL DEFAULT 7 CHECK (lanes_open BETWEEN 0 AND 7),
  ADD COLUMN line_percent smallint NOT NULL DEFAULT 100 CHECK (line_percent BETWEEN 10 AND 100),
  ADD COLUMN networks cidr[] CHECK (cardinality(networks) BETWEEN 1 AND 20);
ALTER TABLE vault.editor
  ADD COLUMN least_assurance smallint NOT NULL DEFAULT 1 CHECK (least_assurance IN (1, 2)),
  ADD COLUMN lanes_open smallint NOT NULL DEFAULT 7 CHECK (lanes_open BETWEEN 0 AND 7),
  ADD COLUMN line_percent smallint NOT NULL DEFAULT 100 CHECK (line_percent BETWEEN 10 AND 100),
  ADD COLUMN networks cidr[] CHECK (cardinality(networks) BETWEEN 1 AND 20);
-- An insurer's: how whoever asks for its people is signed in, and by which lanes they may be asked for. Its vitale lane stays `vitale_open`;
-- its line is its breaker; `networks`: whence its own systems sign.
ALTER TABLE vault.insurer
  ADD COLUMN least_assurance smallint NOT NULL DEFAULT 1 CHECK (least_assurance IN (1, 2)),
  ADD COLUMN lanes_open smallint NOT NULL DEFAULT 7 CHECK (lanes_open & 2 = 2 AND lanes_open BETWEEN 2 AND 7),
  ADD COLUMN networks cidr[] CHECK (cardinality(networks) BETWEEN 1 AND 20);
