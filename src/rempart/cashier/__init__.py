"""The cashier: the process of the claims zone. It asks the vault who signed, prices, agrees, accepts, and tells what is paid.

What happens here: errands (`errands`), each one signed request and one transaction; an engagement's pseudonym is opened in memory.
Who may come in: the doors, by `run/claims-door.sock`, with signed requests relayed whole. What never happens here: a bank account's number
kept in clear, a name, an act line in clear after its acceptance; another establishment's or insurer's row, which row security withholds.
"""
