"""What the API's door must be told."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ApiSettings:
    """The door's settings."""

    origin: str
    """The canonical origin, e.g. "https://api.exemple.fr": what clients sign. No path, no final slash."""
    production: bool = False
    """True: HTTPS only, announced by HSTS."""
    spool_folder: Path | None = None
    """Where insurers' uploads wait for the sealer. None: uploads are refused as not found."""
    offline_file: Path | None = None
    """What verifies offline cards, as the sealer writes it. None: there are none."""
    upload_limit: int = 8 * 1024**3
    """Bytes of one upload, at most. A full file of 20 million lines, compressed and encrypted, is near 1 GiB."""
    uploads_waiting: int = 200
    """Deliveries in the spool, at most: nobody fills the disk by sending more."""
    disk_reserve: int = 1024**3
    """Bytes of the spool's disk that uploads leave free, counting each file twice (the sealer copies it): anyone may send, and the disk may
    be the database's too."""
    upload_chunk_seconds: float = 30.0
    """An upload that stays silent for longer is dropped."""
    upload_grace_seconds: float = 60.0
    upload_pace: int = 16 * 1024
    """Bytes a second that an upload keeps up on average, once its grace is over: nobody holds one of the few places drop by drop."""
