"""The 2024 attack and its cousins, replayed on an isolated platform: honest people and a thief, through the public doors only.

Who may come in: `rempart drill`, the demo. What never happens here: a look into the vault; a real person.
"""
