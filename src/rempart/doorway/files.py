"""The script, the style sheets and the images, served from memory under an address that changes with their content."""

import gzip
import hashlib
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

FOLDER = Path(__file__).parent / "static"
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".md": "text/plain; charset=utf-8",
}


class StaticFiles:
    """All files under one fingerprint, so that modules and style sheets reach each other by relative addresses."""

    def __init__(self, *own: Path) -> None:
        """The shared files and the door's `own` folders, as one tree. Raises ValueError for a name that stands in two of them."""
        self._files: dict[str, bytes] = {}
        for folder in (FOLDER, *own):
            for path in sorted(path for path in folder.rglob("*") if path.suffix in TYPES):
                name = path.relative_to(folder).as_posix()
                if name in self._files:
                    raise ValueError(f"two files are called {name}")
                self._files[name] = path.read_bytes()
        digest = hashlib.sha256()
        for name, content in self._files.items():
            digest.update(name.encode() + b"\0" + hashlib.sha256(content).digest())
        self.fingerprint = digest.hexdigest()[:16]
        self._packed = {name: gzip.compress(content, 9, mtime=0) for name, content in self._files.items()}

    def address(self, name: str) -> str:
        """Where a page finds a file. Raises KeyError when there is none of that name."""
        if name not in self._files:
            raise KeyError(name)
        return f"/static/{self.fingerprint}/{name}"

    async def serve(self, request: Request) -> Response:
        """One file, immutable for a year."""
        name = request.path_params["name"]
        if request.path_params["fingerprint"] != self.fingerprint or name not in self._files:
            raise HTTPException(404)
        headers = {
            "Content-Type": TYPES[Path(name).suffix],
            "Cache-Control": "public, max-age=31536000, immutable",
            "Vary": "Accept-Encoding",
        }
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Response(self._packed[name], headers={**headers, "Content-Encoding": "gzip"})
        return Response(self._files[name], headers=headers)
