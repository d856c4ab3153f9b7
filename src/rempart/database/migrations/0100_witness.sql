-- The witnessed ledger (docs/ledger.md): inner hashes, so that a tile or a proof costs a few reads whatever the size; what witnesses
-- cosigned; and what the vault found at its start that a restored backup leaves behind.

-- Root of each full run of 256^level leaves: the tiles' levels 1 and up. Level 0 is evidence.leaf, hashed. Rows are only ever added.
CREATE TABLE evidence.node (
  level smallint NOT NULL CHECK (level BETWEEN 1 AND 7),
  index bigint NOT NULL,
  hash bytea NOT NULL CHECK (length(hash) = 32),
  -- A proof of one leaf without reading its tile (docs/ledger.md): the roots of the tile's sixteen parts, in order, written by whoever signs as
  -- the log grows, off the one call's path. Not believed: what is made of them leads to a signed root, or is no proof. NULL: the tile is read
  -- whole.
  parts bytea CHECK (length(parts) = 512),
  PRIMARY KEY (level, index)
);

-- A witness's line on the checkpoint of this size. `witness`: its name and key id; `at`: µs, its own clock.
CREATE TABLE evidence.cosignature (
  size bigint NOT NULL,
  witness text NOT NULL,
  at bigint NOT NULL,
  line text NOT NULL,
  PRIMARY KEY (size, witness)
);

-- Each time that the ledger was not what a witness had seen, or took another name. While `released` is null the platform's switch is
-- thrown with the reason 'restored-backup', and every line counts as spent. `released_as`: the log's name under which two people let it
-- go on.
CREATE TABLE vault.restored (
  nonce uuid PRIMARY KEY,
  at bigint NOT NULL,
  origin text NOT NULL,
  here bigint NOT NULL,
  seen bigint NOT NULL,
  why text NOT NULL CHECK (why IN ('longer-elsewhere', 'another-history', 'another-name')),
  witness text NOT NULL,
  note text NOT NULL,
  released bigint,
  released_by text,
  released_as text
);
-- One at a time.
CREATE UNIQUE INDEX restored_once ON vault.restored ((true)) WHERE released IS NULL;

GRANT SELECT, INSERT ON evidence.node TO rempart_vault;
GRANT SELECT, INSERT, DELETE ON evidence.cosignature TO rempart_vault;
GRANT SELECT ON evidence.cosignature TO rempart_operator;
GRANT SELECT, INSERT, UPDATE ON vault.restored TO rempart_vault;
