"""The status page's room: which service works, what was announced, what is said to professionals.

What happens here: levels are put together from what the worker observes and what the operator announces; their history; a feed. Who may
come in: everybody reads, since nothing here concerns a person; the worker writes what it observes, the operator what he announces.
What never happens here: a green light that nobody has seen.
"""
