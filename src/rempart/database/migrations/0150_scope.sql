-- Scope (docs/incident.md): who was told of by whom, and when, answered from the ledger in under a second whatever its size. SQL never asks
-- for the time.

-- An account's answers have their index already. For the other parties and for time, a summary of each four pages: a filter of who is there,
-- some 3.5 bytes an entry, and the first and last instant, written by autovacuum, off the one call's path. A tree for each of them made the one
-- call a tenth slower (docs/performance.md); of sixteen pages, with more false alarms, a question about answers scattered over a long ledger
-- read twice as many rows that are none of them.
CREATE INDEX entry_by_party ON evidence.entry USING brin (
  at,
  device uuid_bloom_ops (n_distinct_per_range = 160, false_positive_rate = 0.005),
  establishment uuid_bloom_ops (n_distinct_per_range = 160, false_positive_rate = 0.005),
  editor uuid_bloom_ops (n_distinct_per_range = 20, false_positive_rate = 0.005)
) WITH (pages_per_range = 4, autosummarize = on);
-- Rows are only added: what is new is summarised, and seen to be visible to all, every hundredth of the table.
ALTER TABLE evidence.entry SET (autovacuum_vacuum_insert_scale_factor = 0.01, autovacuum_vacuum_insert_threshold = 50000);

-- Proofs are made from the same inner hashes as the public ones; the load's key goes to its insurer with the references sealed under it.
GRANT SELECT ON evidence.node TO rempart_operator;

-- Which parties there are, and who belongs where: no factor, no key, no session.
GRANT SELECT (id, login, status) ON vault.account TO rempart_operator;
GRANT SELECT (id, name) ON vault.editor TO rempart_operator;
GRANT SELECT (number, amc, name) ON vault.insurer TO rempart_operator;
GRANT SELECT (id, finess, amc, profession, party_group) ON vault.establishment TO rempart_operator;
GRANT SELECT (id, label) ON vault.party_group TO rempart_operator;
GRANT SELECT ON vault.membership TO rempart_operator;
GRANT SELECT (account, device) ON vault.binding TO rempart_operator;
GRANT SELECT (account, establishment) ON vault.departure TO rempart_operator;
GRANT SELECT (device, editor, establishment) ON vault.software TO rempart_operator;
