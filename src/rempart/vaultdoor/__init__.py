"""The hatch between the doors and the vault: messages, frames, client. It imports no code of the vault, and the vault imports only
its messages. Who may send what is one table, `CALLERS`, closed by default."""
