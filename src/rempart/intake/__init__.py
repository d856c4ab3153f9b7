"""Intake: what an insurer's file must be, read and checked line by line. Pure: bytes in, people and rejects out.

The sealer alone comes in with real files, as a stream, in the vault's zone; an insurer's command comes in to sign and seal its own.
Nothing here opens a database, a network or the vault, and no error, reject or log line ever repeats what a line says of a person.
"""
