"""The desk: the operator's own door. The incident room at a glance, containment, proposals that a second person approves, the journal.

What happens here: pages, and `/desk/…`, which relays each signed act whole to the vault; errands on alerts, once the vault said who asks.
Who may come in: operators, by passkey, on a listener of its own that the Internet does not reach. What never happens here: a rule about who
may do what (the vault's table), a key, an act that the vault did not journal first.
"""
