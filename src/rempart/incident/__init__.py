"""The incident room: what looks wrong, who is exposed, what is told of it to whom, by when.

What happens here: pure rules over the ledger's stream (docs/detection.md); scopes with their proofs; incidents and what is told of them
(docs/incident.md). Who may come in: the sentinel, the operator's commands, the cashier for what an insurer fetches, an insurer's reader.
What never happens here: an identifier of a person in clear; a switch is thrown (the vault does that).
"""
