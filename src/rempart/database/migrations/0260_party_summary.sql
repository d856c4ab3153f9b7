-- Who is in the ledger's pages (0150_scope.sql), for each four of them instead of sixteen, with fewer false alarms: of answers scattered over a
-- long ledger a question reads half as many rows that are none of them (docs/performance.md). Some 3.5 bytes an entry, written by autovacuum,
-- off the one call's path.
DROP INDEX evidence.entry_by_party;
CREATE INDEX entry_by_party ON evidence.entry USING brin (
  at,
  device uuid_bloom_ops (n_distinct_per_range = 160, false_positive_rate = 0.005),
  establishment uuid_bloom_ops (n_distinct_per_range = 160, false_positive_rate = 0.005),
  editor uuid_bloom_ops (n_distinct_per_range = 20, false_positive_rate = 0.005)
) WITH (pages_per_range = 4, autosummarize = on);
