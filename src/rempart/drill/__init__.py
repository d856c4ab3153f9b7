"""The 2024 attack and its cousins, replayed on an isolated platform: honest people and a thief, through the public doors only.
A duty officer who responds has what an operator has: the operator's socket and database role, and the rooms' functions.

Who may come in: `rempart drill`, the demo. What never happens here: a look into the vault; a real person.
"""
