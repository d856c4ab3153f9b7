"""What looks wrong, and what to do about it: detection's rules, alerts, proposed containment.

What happens here: pure rules over the ledger's stream and its coarse features (docs/detection.md). Who may come in: the sentinel, the
operator's commands. What never happens here: an identifier of a person; a switch is thrown (the vault does that).
"""
