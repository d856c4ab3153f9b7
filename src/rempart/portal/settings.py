"""What the portal must be told."""

from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class PortalSettings:
    """The portal's settings; a wrong one refuses to start."""

    origin: str
    """The canonical origin, e.g. "https://portail.exemple.fr": what browsers sign and where passkeys belong. No path, no final slash."""
    production: bool = False
    """True: HTTPS only, announced by HSTS."""
    body_seconds: float = 10.0
    """How long a request's body, 64 KiB at most, may take to arrive: the places of those who wait are counted."""
    identity_dsn: str = ""
    """PostgreSQL DSN of the door's role, for the names of establishments and colleagues. "": logins and ids are shown instead."""

    def __post_init__(self) -> None:
        parts = urlsplit(self.origin)
        if (
            parts.scheme not in {"http", "https"}
            or not parts.netloc
            or self.origin != f"{parts.scheme}://{parts.netloc}"
        ):
            raise ValueError("origin: scheme and host only, e.g. https://portail.exemple.fr")
        if self.production and parts.scheme != "https":
            raise ValueError("origin: production is served over https")
        if parts.scheme == "http" and parts.hostname not in {"localhost", "127.0.0.1"}:
            raise ValueError("origin: http is for localhost only, browsers sign nothing elsewhere")
