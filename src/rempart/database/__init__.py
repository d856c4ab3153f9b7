"""The ground everything stands on: one PostgreSQL, one role a process.

What happens here: the embedded cluster (`embedded`), roles and databases (`roles`), ordered migrations (`migrate`), the check that commits
are durable (`durability`). Who may come in: the supervisor and the operator's commands. What never happens here: a query of the trade.
"""
