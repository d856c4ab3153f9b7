"""What is told to an account's holder and written in the journal, from one list; and *Ma sécurité*, where the holder reads it."""

import uuid
from enum import StrEnum

from rempart.vault import store_accounts as store
from rempart.vault.asked import Asked, Nothing
from rempart.vault.store_accounts import Connection
from rempart.vaultdoor.messages import DeviceView, Done, FactorView, Notice, Security

OPERATOR = "operator"
"""Who acts, in the journal, when the operator does."""
SHOWN = 20
"""Notices on the security page."""


class Audited(StrEnum):
    """Everything of an account that is journaled: `subject:action`. The same word is the notice's kind."""

    ACCOUNT_OPEN = "account:open"
    ACCOUNT_ACTIVATE = "account:activate"
    ACCOUNT_SUSPEND = "account:suspend"
    ACCOUNT_REOPEN = "account:reopen"
    CODE_ISSUE = "code:issue"
    SIGN_IN_FAILURES = "sign-in:failures"
    SESSION_OPEN = "session:open"
    SESSION_PROVE = "session:prove"
    SESSION_CONFIRM = "session:confirm"
    SESSIONS_CLOSE = "sessions:close"
    PASSKEY_ADD = "passkey:add"
    PASSKEY_REMOVE = "passkey:remove"
    PASSWORD_CHANGE = "password:change"  # noqa: S105 (a word of the journal)
    PASSWORD_REMOVE = "password:remove"  # noqa: S105
    TOTP_SET = "totp:set"
    TOTP_REMOVE = "totp:remove"
    RECOVERY_RENEW = "recovery:renew"
    RECOVERY_USE = "recovery:use"
    DEVICE_WAIT = "device:wait"
    DEVICE_APPROVE = "device:approve"
    DEVICE_BIND = "device:bind"
    DEVICE_REMOVE = "device:remove"
    MEMBER_INVITE = "member:invite"
    MEMBER_JOIN = "member:join"
    MEMBER_REMOVE = "member:remove"
    INSURER_REGISTER = "insurer:register"
    ESTABLISHMENT_ENROL = "establishment:enrol"
    ESTABLISHMENT_SUSPEND = "establishment:suspend"
    ESTABLISHMENT_RESUME = "establishment:resume"
    ESTABLISHMENT_DEPART = "establishment:depart"
    ESTABLISHMENT_CEDE = "establishment:cede"
    ESTABLISHMENT_MOVE = "establishment:move"
    ESTABLISHMENT_STAY = "establishment:stay"
    ESTABLISHMENT_CLOSE = "establishment:close"
    GROUP_ENROL = "group:enrol"
    ENROLMENT_APPROVE = "enrolment:approve"
    OPERATOR_ENROL = "operator:enrol"
    PROPOSAL_MAKE = "proposal:make"
    PROPOSAL_APPROVE = "proposal:approve"
    PROPOSAL_WITHDRAW = "proposal:withdraw"
    DESK_REFUSE = "desk:refuse"
    ALERT_ACKNOWLEDGE = "alert:acknowledge"
    SWITCH_THROW = "switch:throw"
    SWITCH_UNDO = "switch:undo"
    VITALE_OPEN = "vitale:open"
    VITALE_CLOSE = "vitale:close"
    EPOCH_BEGIN = "epoch:begin"
    LINE_WIDEN = "line:widen"
    BREAKER_SET = "breaker:set"
    EDITOR_REGISTER = "editor:register"
    EDITOR_ROTATE = "editor:rotate"
    EDITOR_SUSPEND = "editor:suspend"
    EDITOR_REOPEN = "editor:reopen"
    PROFILE_SET = "profile:set"
    APPLICATION_APPROVE = "application:approve"
    APPLICATION_REFUSE = "application:refuse"
    DOSSIER_OPEN = "dossier:open"
    DOSSIER_CLEAR = "dossier:clear"
    SOFTWARE_INVITE = "software:invite"
    SOFTWARE_INSTALL = "software:install"
    SOFTWARE_CONFIRM = "software:confirm"
    SOFTWARE_REMOVE = "software:remove"
    RIB_ASK = "rib:ask"
    RIB_CONFIRM = "rib:confirm"
    RIB_CANCEL = "rib:cancel"
    RIB_TYPE = "rib:type"
    INDU_NOTICE = "indu:notice"
    PEC_DECIDE = "prise-en-charge:decide"
    CONSULTATIONS_ASK = "consultations:ask"
    LEDGER_PRUNE = "ledger:prune"
    INCIDENT_STATE = "incident:state"
    INCIDENT_PACKAGE = "incident:package"
    INCIDENT_REMIND = "incident:remind"
    INCIDENT_ACT = "incident:act"
    INCIDENT_SCOPE = "incident:scope"
    INCIDENT_PROOFS = "incident:proofs"
    INCIDENT_RELEASE = "incident:release"
    INCIDENT_PUBLISH = "incident:publish"
    INCIDENT_UNPUBLISH = "incident:unpublish"
    STATUS_SAY = "status:say"
    CAMPAIGN_START = "campaign:start"
    CAMPAIGN_END = "campaign:end"


TOLD_BY_CASHIER = frozenset(
    {
        Audited.RIB_ASK,
        Audited.RIB_CONFIRM,
        Audited.RIB_CANCEL,
        Audited.RIB_TYPE,
        Audited.INDU_NOTICE,
        Audited.PEC_DECIDE,
    }
)
"""What the cashier may have an establishment told of: nothing else of this list comes from it."""


async def journal(c: Connection, at: int, actor: str, act: Audited, object_: str, detail: str = "") -> None:
    """One line of the journal. `actor`: a login or "operator"; `object_`: login, FINESS, n° AMC, epoch; nothing else of a person."""
    await store.write_journal(c, at, actor, act, object_, detail)


async def announce(
    c: Connection,
    at: int,
    account: uuid.UUID,
    login: str,
    act: Audited,
    *,
    by: str = "",
    detail: str = "",
    device: uuid.UUID | None = None,
) -> None:
    """Tell the holder on every other device, and journal it. `detail` (a label) is for the holder alone; `by`: the login who did it."""
    await store.add_notice(c, account, at, act, detail, device)
    await store.write_journal(c, at, by or login, act, login, "")


async def security(asked: Asked, c: Connection, _body: Nothing) -> Security:
    """*Ma sécurité*: factors, devices, notices, open sessions."""
    who = asked.who
    found = await store.notices(c, who.account, who.device, SHOWN)
    return Security(
        login=who.login,
        factors=await _factors(c, who.account),
        devices=await _devices(c, asked),
        notices=[Notice(n["at"], n["kind"], n["detail"], n["seen"]) for n in found],
        sessions=await store.count_sessions(c, who.account, asked.at),
    )


async def seen(asked: Asked, c: Connection, _body: Nothing) -> Done:
    """This device has shown the notices; the others show them still."""
    await store.see_notices(c, asked.who.account, asked.who.device)
    return Done()


async def _factors(c: Connection, account: uuid.UUID) -> list[FactorView]:
    views = [
        FactorView(str(p["id"]), "passkey", p["label"], p["added"], p["last_used"])
        for p in await store.passkeys(c, account)
    ]
    for kind, row in (
        ("password", await store.password(c, account)),
        ("totp", await store.totp(c, account)),
    ):
        if row is not None:
            views.append(FactorView(str(row["id"]), kind, "", row["added"], row["last_used"]))
    codes = await store.recovery_codes(c, account)
    if codes["left"]:
        views.append(FactorView("recovery", "recovery", "", codes["added"], 0, codes["left"]))
    return views


async def _devices(c: Connection, asked: Asked) -> list[DeviceView]:
    bound = [
        DeviceView(
            str(b["device"]), b["label"], b["bound"], b["fresh_until"], b["device"] == asked.who.device
        )
        for b in await store.bindings(c, asked.who.account)
    ]
    waiting = [
        DeviceView(str(w["id"]), w["label"], w["asked"], w["expires"], False, pending=str(w["id"]))
        for w in await store.waiting(c, asked.who.account, asked.at)
    ]
    return bound + waiting
