"""Who the professionals are: establishments, and the names of the people who work there.

What happens here: the operator enrols (*référencement*), a titulaire names the colleague invited, the portal shows those names. Who may
come in: the operator's commands, the portal. What never happens here: an insured person; a password, a key, a session (the vault's); a
bank account. The door's role sees and writes the rows of the establishments that the vault named in its reply, and no other: row-level
security, on the transaction's setting `rempart.establishment`.
"""
