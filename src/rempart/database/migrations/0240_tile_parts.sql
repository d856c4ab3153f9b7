-- A proof of one leaf without reading its tile (docs/ledger.md): beside each full tile's root those of its sixteen parts, in order, written by
-- whoever signs as the log grows, off the one call's path. Not believed: what is made of them leads to a signed root, or is no proof. NULL:
-- from before this file; the tile is then read whole.
ALTER TABLE evidence.node ADD COLUMN parts bytea CHECK (length(parts) = 512);
