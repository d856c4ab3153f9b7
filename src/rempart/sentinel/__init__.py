"""The process that watches: reads the ledger's stream, applies the rules of rempart.incident, asks the vault to contain.

What happens here: entries, events and claims are followed by index, batch by batch (`follow`); what is learnt survives a restart
(`remember`). Who may come in: nobody, it listens nowhere. What never happens here: a capsule, a key, a name, a salt; a switch is released.
"""
