"""Why a witness does not cosign, each with the HTTP status that C2SP tlog-witness gives it."""

from typing import ClassVar

from rempart.foundation.errors import Outage, Refusal


class NotCosigned(Refusal):
    """The checkpoint was not cosigned, and nothing was recorded."""

    status: ClassVar[int] = 400
    code = "not-cosigned"
    french = "Le témoin ne contresigne pas ce point de contrôle."
    english = "The witness does not cosign this checkpoint."


class RequestMalformed(NotCosigned):
    """Not an add-checkpoint request, or one whose old size is beyond its checkpoint."""

    code = "add-checkpoint-malformed"


class LogUnknown(NotCosigned):
    """No log of this origin is trusted here."""

    status = 404
    code = "log-unknown"


class LogKeyRefused(NotCosigned):
    """No key trusted for this origin signed the checkpoint."""

    status = 403
    code = "log-key"


class OldSizeConflict(NotCosigned):
    """The log starts from another size than the last one cosigned, or shows another tree of that size. `size`: the last one."""

    status = 409
    code = "old-size"

    def __init__(self, size: int) -> None:
        super().__init__(f"the last checkpoint cosigned has {size} leaves")
        self.size = size


class NotConsistent(NotCosigned):
    """The proof does not lead from the last checkpoint cosigned to this one: a fork, as far as this witness can see."""

    status = 422
    code = "not-consistent"


class StateUnusable(Outage):
    """What the witness remembers cannot be read or written. It then cosigns nothing: a witness without memory is none."""

    code = "witness-state"
    french = "La mémoire du témoin est illisible : il ne contresigne plus rien."
    english = "The witness's memory cannot be used: it cosigns nothing."
