"""What to do about a refusal of the vault, for whoever typed a command: this door's own table.

The codes' sentences (rempart.vaultdoor.codes) are written for people at a page. Here the field that the vault names, and for some the
call, choose a sentence that says which values there are and which command lists them. What is not in the table keeps the code's sentence.
"""

from rempart.foundation.vocabulary import LOOKED_UP, Profession
from rempart.vaultdoor.messages import (
    Call,
    DepartEstablishment,
    ListSwitches,
    Message,
    Refused,
    StartCampaign,
    SuspendEditor,
    SuspendEstablishment,
    ThrowSwitch,
)
from rempart.vaultdoor.seats import CESSION, LEAVING, SUSPENSIONS

_LANES = ", ".join(lane.name.lower() for lane in LOOKED_UP)
_SCOPES = "device, account, establishment, editor, profession, lane, insurer or platform"
_BY_CALL: dict[tuple[type[Message], str, str], str] = {
    (StartCampaign, "conflict", "key"): "Nobody is concerned, so nothing was started: without --go it counts whom it would concern.",
    (StartCampaign, "bad-input", "days"): "--days: 0, until everybody has done it, or up to 366.",
    (StartCampaign, "bad-input", "window_days"): "--window-days: 1 to 366.",
    (SuspendEditor, "not-found", "name"): "No editor is called so: `rempart operator editors` lists them.",
    (SuspendEstablishment, "bad-input", "days"): "--days: 1 to 366.",
    (SuspendEstablishment, "bad-input", "ground"): f"--ground: one of {', '.join(SUSPENSIONS)}.",
    (DepartEstablishment, "bad-input", "ground"): f"--ground: one of {', '.join(one for one in LEAVING if one != CESSION)}.",
}  # fmt: skip
_BY_FIELD: dict[tuple[str, str], str] = {
    ("not-found", "login"): "No account has this login: check its spelling. A seat at the desk (`rempart desk`) is no account of a"
    " professional (`rempart operator`), nor the other way round.",
    ("not-found", "number"): "There is none of this number: the command `list` beside it shows those that there are.",
    ("not-found", "editor"): "No editor is called so: `rempart operator editors` lists them.",
    ("not-found", "finess"): "No establishment at work has this FINESS: check its nine digits, then `rempart establishment show FINESS`.",
    ("not-found", "establishment"): "No establishment has this id: `rempart establishment show FINESS` prints it.",
    ("not-found", "amc"): "No insurer has this n° AMC: `rempart operator insurers` lists them.",
    ("not-found", "group"): "No group has this id: `rempart operator enrol-group` printed it.",
    ("not-found", "key"): "Nothing in this scope is called so: a device by its id, an account by its login, an establishment by its FINESS,"
    " an insurer by its n° AMC, an editor by its name (`rempart operator editors`).",
    ("bad-input", "day"): "--day: written YYYY-MM-DD, as 2027-01-31; it lies in the time of the present titulaire, at most 366 days ahead.",
    ("bad-input", "words"): "--words: 1 to 200 characters on one line.",
    ("bad-input", "lanes"): f"--lane: one of {_LANES}, once for each that is open; or none.",
    ("bad-input", "networks"): "--network: an address range whose last bits are 0, as 192.0.2.0/24 or 2001:db8::/48 (IPv4: /0 to"
    " /32, IPv6: /0 to /64), 20 at most; or anywhere.",
    ("bad-input", "percent"): "--percent: 10 to 100, and not for an insurer (`rempart line breaker` is its own).",
    ("bad-input", "role"): "The role is not one that this command gives: --help names them.",
    ("bad-input", "limit"): "--limit: 1 to 1000 lines.",
}  # fmt: skip
_BY_CODE = {
    "conflict": "This exists already, or is no longer as it was: look at it again before you repeat the command.",
    "not-found": "There is nothing of this name or number here: check what was typed.",
    "bad-input": "The value of the field named is not one that can be: --help says which can.",
}


def sentence_for(refused: Refused, call: Call) -> str:
    """What to do, or "" where the code's own sentence says it."""
    if (
        isinstance(call, ThrowSwitch | ListSwitches)
        and refused.code == "bad-input"
        and refused.detail in {"scope", "key"}
    ):
        return _switch(call)
    named = refused.code, refused.detail
    return _BY_CALL.get((type(call), *named)) or _BY_FIELD.get(named) or _BY_CODE.get(refused.code, "")


def _switch(call: ThrowSwitch | ListSwitches) -> str:
    if call.scope == "lane":
        return f"A lane is one of {_LANES}, offline."
    if call.scope == "profession":
        return f"A profession is one of {', '.join(Profession)}."
    return f"A scope is one of {_SCOPES}; the platform's key is ''."
