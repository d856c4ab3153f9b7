"""A witness of the ledger: cosigns a checkpoint only if the log grew from the last one it cosigned. Runs anywhere but at the operator's.

Who may come in: the log, over HTTP, with a proof. What never happens here: a leaf's opening, a person, a shrink or a fork.
"""
