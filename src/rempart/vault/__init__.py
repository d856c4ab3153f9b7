"""The vault: a process of its own. It holds the keys, verifies who asks, meters what they may still ask, logs, then opens one capsule.

Doors come in by messages only (rempart.vaultdoor). Nothing here imports a room or a door; no name, no NIR and no birth date is ever
stored here, and none leaves: a `Decision` does.
"""
