"""The session's value, in the one place where a browser keeps it: a cookie that no script reads. The vault's word sets and ends it."""

import msgspec
from starlette.responses import Response

from rempart.vaultdoor.messages import Activated, Done, Refused, Reply, SignedIn

SESSION_OVER = frozenset({"session", "device"})
"""Codes of a session that is no more."""


def without_session(reply: Reply) -> Reply:
    """The reply as a script may read it."""
    if isinstance(reply, SignedIn):
        return msgspec.structs.replace(reply, session="")
    if isinstance(reply, Activated):
        return msgspec.structs.replace(reply, session=msgspec.structs.replace(reply.session, session=""))
    return reply


def keep_session(response: Response, reply: Reply, path: str, cookie: str) -> None:
    """The cookie of this name follows the vault's word: set when a session opens, deleted when it is over."""
    opened = reply.session if isinstance(reply, Activated) else reply
    if isinstance(opened, SignedIn) and opened.session:
        response.set_cookie(cookie, opened.session, path="/", secure=True, httponly=True, samesite="strict")
    over = isinstance(reply, Refused) and reply.code in SESSION_OVER
    if over or (isinstance(reply, Done) and path == "/acts/sign-out"):
        forget_session(response, cookie)


def forget_session(response: Response, cookie: str) -> None:
    """Delete it."""
    response.delete_cookie(cookie, path="/", secure=True, httponly=True, samesite="strict")
