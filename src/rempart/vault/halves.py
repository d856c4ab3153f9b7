"""A code that is worth an account, an operator's or a professional's, and that two people agreed to, is handed over by both: each is shown
one half, so that neither has it alone.

Whoever proposed, or whoever approved, could use a whole one themselves, and be two people from then on. Neither half is kept: both are
computed from the proposal, by a key that the vault alone has, and only the keyed hash of the whole stands in the database.
"""

import uuid

from rempart.foundation.errors import BadInput
from rempart.vault import proposals, store_desk
from rempart.vault import store_accounts as store
from rempart.vault.asked import Asked
from rempart.vault.deeds import GIVES_CODE
from rempart.vault.members import issue
from rempart.vault.recovery import halved_code
from rempart.vault.store_accounts import Connection
from rempart.vaultdoor.messages import EnrolOperator, HalfCode, IssueCode

GivesCode = EnrolOperator | IssueCode


async def halve(asked: Asked, c: Connection, number: int, call: GivesCode, proposer: str) -> HalfCode:
    """Once the act is done: another code in the place of the one that it gave, and its first half, for whoever approved."""
    account = await _account(c, call)
    code = halved_code(asked.zone.keys, number, asked.at, account)
    await issue(asked.zone, c, account, "activation", asked.at, code="".join(code))
    return HalfCode(number, call.login, code[0], proposer, True)


async def second_half(asked: Asked, c: Connection, number: int) -> HalfCode:
    """The other one, for whoever proposed, for thirty minutes after the approval. Raises ProposalOver."""
    row = await store_desk.done_proposal(c, number, asked.who.account, asked.at - proposals.LIFE)
    call = proposals.read(row) if row is not None else None
    if row is None or not isinstance(call, GIVES_CODE):
        raise proposals.ProposalOver
    account = await _account(c, call)
    code = halved_code(asked.zone.keys, number, row["decided"], account)
    return HalfCode(number, call.login, code[1], row["decided_by"], False)


async def _account(c: Connection, call: GivesCode) -> uuid.UUID:
    row = await store.account_by_login(c, call.login.strip().lower())
    if row is None:
        raise BadInput("login")
    account: uuid.UUID = row["id"]
    return account
