"""The front: one process, one listener, behind which the portal and the API stand.

What happens here: an HTTP request is handed to its door. Who may come in: anyone; nothing is decided here. What never happens here: a key,
a rule, a log line that repeats what was asked.
"""
