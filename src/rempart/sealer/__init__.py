"""The sealer: a process in the vault's zone that takes insurers' files in. It alone imports both intake (what a file must be) and the
vault's sealing (what is stored of it).

What happens here: a file is taken from the spool, its signature verified, then decrypted as a stream, checked, tagged, sealed and copied
into a table that nobody reads yet; one transaction makes it the insurer's current generation. Who may come in: nobody; it reads a
folder and a database. What never happens here: a decrypted line touches the disk, or a person's data reaches a log, a report or
another insurer.
"""
