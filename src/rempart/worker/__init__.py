"""The worker: what is done at its own time, not while somebody waits.

What happens here: periodic jobs, kept in PostgreSQL by Procrastinate (`jobs`); the ledger's audit (`ledger`). Who may come in: nobody, it
listens nowhere; a file says that it lives. What never happens here: a key, an opening of the ledger, a person.
"""
