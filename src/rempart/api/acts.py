"""The acts of docs/protocol.md, as the OpenAPI page tells them: one line each. Who may do what is decided in the vault, not here."""

from typing import NamedTuple

from rempart.vaultdoor import messages
from rempart.vaultdoor.messages import Message


class ActDescription(NamedTuple):
    path: str
    who: str
    body: tuple[str, ...]
    replies: tuple[type[Message], ...]
    does: str


ANYONE, SESSION, STEP_UP = "anyone", "session", "step-up"
MANAGER = "step-up, titulaire or administrator"
_key = ("device_key",)

ACTS: tuple[ActDescription, ...] = (
    ActDescription("/acts/sign-in/begin", ANYONE, _key, (messages.Challenge,), "Begin to sign in."),
    ActDescription(
        "/acts/sign-in/passkey", ANYONE, (*_key, "device_label", "nonce", "credential"), (messages.SignedIn,), "Sign in with a passkey."
    ),
    ActDescription(
        "/acts/sign-in/password",
        ANYONE,
        (*_key, "device_label", "login", "password", "code"),
        (messages.SignedIn, messages.DevicePending),
        "Sign in with password and one-time code; on an unbound device, ask for its approval.",
    ),
    ActDescription(
        "/acts/sign-in/pending",
        ANYONE,
        (*_key, "pending"),
        (messages.SignedIn, messages.DevicePending),
        "Has this device been approved?",
    ),
    ActDescription(
        "/acts/sign-in/posted",
        ANYONE,
        (*_key, "pending", "posted_code"),
        (messages.SignedIn,),
        "Bind this device by a code received by post.",
    ),
    ActDescription(
        "/acts/activation/begin", ANYONE, (*_key, "activation_code"), (messages.Challenge,), "Begin to activate an account."
    ),
    ActDescription(
        "/acts/activation/passkey",
        ANYONE,
        (*_key, "device_label", "activation_code", "nonce", "credential", "label"),
        (messages.Activated,),
        "Activate with a passkey.",
    ),
    ActDescription(
        "/acts/activation/totp",
        ANYONE,
        (*_key, "activation_code"),
        (messages.TotpSecret,),
        "Get the one-time-code secret of an account to activate.",
    ),
    ActDescription(
        "/acts/activation/password",
        ANYONE,
        (*_key, "device_label", "activation_code", "password", "code"),
        (messages.Activated,),
        "Activate with a password and a one-time code.",
    ),
    ActDescription("/acts/sign-out", SESSION, (), (messages.Done,), "Sign out."),
    ActDescription("/acts/sign-out-elsewhere", SESSION, (), (messages.Done,), "Sign out everywhere else."),
    ActDescription(
        "/acts/establishment/choose", SESSION, ("establishment",), (messages.SignedIn,), "Work in another establishment."
    ),
    ActDescription("/acts/security", SESSION, (), (messages.Security,), "Factors, devices, notices."),
    ActDescription("/acts/notices/seen", SESSION, (), (messages.Done,), "Notices have been read."),
    ActDescription("/acts/step-up/begin", SESSION, (), (messages.Challenge,), "Begin to prove again that it is you."),
    ActDescription("/acts/step-up/passkey", SESSION, ("nonce", "credential"), (messages.Done,), "Prove it with a passkey."),
    ActDescription(
        "/acts/step-up/password", SESSION, ("password", "code"), (messages.Done,), "Prove it with password and code."
    ),
    ActDescription("/acts/presence/begin", SESSION, (), (messages.Challenge,), "Begin to show that you are at this device."),
    ActDescription(
        "/acts/presence/passkey", SESSION, ("nonce", "credential"), (messages.Done,), "Show it with a passkey: look-ups go on."
    ),
    ActDescription("/acts/passkey/begin", STEP_UP, (), (messages.Challenge,), "Begin to add a passkey."),
    ActDescription("/acts/passkey/add", STEP_UP, ("nonce", "credential", "label"), (messages.Done,), "Add a passkey."),
    ActDescription("/acts/factor/remove", STEP_UP, ("id",), (messages.Done,), "Remove a factor."),
    ActDescription("/acts/password/change", STEP_UP, ("old", "new"), (messages.Done,), "Change or set the password."),
    ActDescription("/acts/totp/begin", STEP_UP, (), (messages.TotpSecret,), "Get a new one-time-code secret."),
    ActDescription("/acts/totp/confirm", STEP_UP, ("code",), (messages.Done,), "Confirm it by a first code."),
    ActDescription("/acts/recovery/renew", STEP_UP, (), (messages.RecoveryCodes,), "Get ten new recovery codes."),
    ActDescription("/acts/device/remove", SESSION, ("id",), (messages.Done,), "Unbind a device."),
    ActDescription("/acts/device/approve", STEP_UP, ("pending", "code"), (messages.Done,), "Approve a waiting device."),
    ActDescription(
        "/acts/insurer/consultations", STEP_UP, ("member", "before"), (messages.Consultations,), "Who consulted a member."
    ),
    ActDescription("/acts/here", SESSION, (), (messages.Here,), "Where I am signed in, and whether something is due first."),
    ActDescription("/acts/to-do", SESSION, (), (messages.ToDo,), "What a campaign asks of me first."),
    ActDescription("/acts/journal", SESSION, ("before", "limit"), (messages.JournalPage,), "What I looked up; what is left of my line"),
    ActDescription("/acts/members", SESSION, ("establishment",), (messages.Members,), "Who works here."),
    ActDescription("/acts/members/join", SESSION, ("code",), (messages.SignedIn,), "Join where one was invited, with an account."),
    ActDescription(
        "/acts/members/invite", MANAGER, ("establishment", "login", "role"), (messages.Enrolled,), "Invite a colleague."
    ),
    ActDescription(
        "/acts/members/renew", MANAGER, ("account",), (messages.Enrolled,), "A new code for somebody invited."
    ),
    ActDescription(
        "/acts/members/remove", MANAGER, ("establishment", "account"), (messages.Done,), "Remove a colleague."
    ),
    ActDescription("/acts/software", SESSION, ("establishment",), (messages.Softwares,), "The practice software installed here."),
    ActDescription(
        "/acts/software/invite", MANAGER, ("establishment", "editor"), (messages.Enrolled,), "The code that installs an editor's software."
    ),
    ActDescription(
        "/acts/software/remove", MANAGER, ("establishment", "device"), (messages.Done,), "Uninstall a software."
    ),
    ActDescription(
        "/acts/software/install",
        ANYONE,
        (*_key, "device_label", "code"),
        (messages.SoftwarePending,),
        "Install a software (signed by its editor too).",
    ),
    ActDescription(
        "/acts/software/ask", ANYONE, _key, (messages.SoftwarePending,), "A software asks for a person (signed by its editor too)."
    ),
    ActDescription(
        "/acts/software/collect",
        ANYONE,
        (*_key, "ask"),
        (messages.SignedIn, messages.SoftwarePending),
        "Has a person confirmed? (signed by its editor too)",
    ),
    ActDescription("/acts/software/asked", SESSION, ("ask",), (messages.SoftwareAsked,), "What a software asks me to confirm."),
    ActDescription("/acts/software/begin", SESSION, (), (messages.Challenge,), "Begin to confirm it."),
    ActDescription(
        "/acts/software/confirm", SESSION, ("ask", "code", "nonce", "credential"), (messages.Done,), "Confirm it with a passkey."
    ),
    ActDescription(
        "/acts/offline/report", SESSION, ("statements",), (messages.OfflineUses,), "Tell of uses of offline cards, signed by this device."
    ),
    ActDescription("/acts/editor", ANYONE, _key, (messages.EditorPage,), "An editor's own page: counts (signed by its key)."),
    ActDescription(
        "/acts/editor/rotate", ANYONE, _key, (messages.EditorPage,), "An editor's new key (signed by it, and by the present one)."
    ),
)  # fmt: skip
