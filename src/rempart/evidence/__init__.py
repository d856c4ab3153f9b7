"""The ledger's room: proof that no answer of the vault was rewritten, removed or hidden afterwards.

What happens here: RFC 6962 / RFC 9162 hashing and proofs (`merkle`), C2SP signed notes and checkpoints
(`note`), the bytes that a leaf commits to (`opening`), the published folder of tiles (`tiles`), the check of
the database against itself (`audit`), a copy elsewhere (`mirror`), each insurer's daily openings (`daily`,
`opening_file`), what goes after three years (`pruning`), the key store's own count (`operations`). Who may
come in: the vault (appends, signs), the operator's commands (export, verify), an insurer's mirror. What never
happens here: a name, a NIR or a birth date; a key of the vault; a decision. Formats: docs/ledger.md.
"""
