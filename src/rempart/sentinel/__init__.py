"""The process that watches: reads the ledger's stream, applies the rules of rempart.incident, asks the vault to contain.

Who may come in: nobody, it listens nowhere. What never happens here: a capsule, a key, a name.
"""
