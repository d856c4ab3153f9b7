"""For a practice software: signs each request with the establishment's device key and the editor's key (RFC 9421), asks the FHIR door.

Stands alone: imports nothing else of Rempart. Who may come in: anybody's program.
"""
