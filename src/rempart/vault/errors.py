"""Why the vault says no to an act of an account. Sentences for people: rempart.vaultdoor.codes."""

from typing import ClassVar

from rempart.foundation.errors import BadInput, Refusal


class NoSuchAct(BadInput):
    """No act stands at this path: the table of acts is closed."""

    code: ClassVar[str] = "not-found"


class TooLarge(BadInput):
    """The body is longer than docs/protocol.md allows."""

    code: ClassVar[str] = "too-large"


class SessionOver(Refusal):
    """The session, its account, or its place of work no longer stands."""

    code: ClassVar[str] = "session"


class DeviceNotBound(Refusal):
    """The key that signed is not the session's device, or that device's binding has lapsed."""

    code: ClassVar[str] = "device"


class Credentials(Refusal):
    """Wrong login, password, code or passkey, or too many attempts: one answer."""

    code: ClassVar[str] = "credentials"


class ActivationRefused(Refusal):
    """The one-time code is unknown, used, expired, or its account is suspended: one answer."""

    code: ClassVar[str] = "activation"


class StepUpNeeded(Refusal):
    """The last proof is older than five minutes."""

    code: ClassVar[str] = "step-up"


class Due(Refusal):
    """Something has to be done before anything else (rempart.vault.campaigns). The detail names what: password, totp."""

    code: ClassVar[str] = "campaign-due"


class PasskeyOnly(Refusal):
    """The profile of a party asks for a passkey (rempart.vault.profiles)."""

    code: ClassVar[str] = "passkey-only"


class LaneClosed(Refusal):
    """The profile of the establishment or its software has not this lane. Said of whoever asks, before anybody is looked for."""

    code: ClassVar[str] = "lane-closed"


class Elsewhere(Refusal):
    """The profile of a party names the networks it works from, and this is none of them."""

    code: ClassVar[str] = "network"


class Forbidden(Refusal):
    """The person's memberships do not allow it."""

    code: ClassVar[str] = "forbidden"


class PasswordWeak(Refusal):
    """The detail names the rule: length, bits, guessable, breached or similar."""

    code: ClassVar[str] = "password-weak"


class LastFactor(Refusal):
    """Without it nobody could sign in to this account any more."""

    code: ClassVar[str] = "last-factor"


class Conflict(Refusal):
    """It exists already, or changed meanwhile."""

    code: ClassVar[str] = "conflict"


class TooManyInvitations(Refusal):
    """This person invited as many today as anybody may."""

    code: ClassVar[str] = "invitations"


class NotThere(Refusal):
    """Nothing of the account's has this id."""

    code: ClassVar[str] = "not-found"


class ReleaseRefused(Refusal):
    """Not two different people's signatures over this very hold."""

    code: ClassVar[str] = "release-refused"


class RestoredHold(Refusal):
    """The platform is closed since its ledger was not the one that witnesses saw: no switch lifts that."""

    code: ClassVar[str] = "restored-backup"


class NotYetSigned(Refusal):
    """The leaf stands under no published checkpoint yet, or there is no such leaf."""

    code: ClassVar[str] = "ledger-not-yet"


class BadId(BadInput):
    """An identifier that is no uuid."""

    def __init__(self) -> None:
        super().__init__("id")
