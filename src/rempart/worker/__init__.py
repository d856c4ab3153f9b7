"""The worker: what is done at its own time, not while somebody waits.

What happens here: periodic jobs, kept in PostgreSQL by Procrastinate (`jobs`); the ledger's audit (`ledger`); the claims' daily work, the
settlement first (`money`); packages of incidents recalled (`incidents`). Who may come in: nobody, it listens nowhere; a file says that it
lives. What never happens here: any key but the settlement's, an opening of the ledger, a person.
"""
