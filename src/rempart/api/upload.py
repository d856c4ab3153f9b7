"""`PUT /intake/{amc}/{filename}`: an insurer's encrypted file is put down, unread, for the sealer (docs/api.md).

The door holds no key and verifies nothing but form and digest: the signature's headers lie beside the bytes, and the sealer verifies
both in the vault's zone. Written in an order that survives a crash: bytes, sync, rename, then the headers, whose arrival is the delivery.
"""

import asyncio
import base64
import contextlib
import hashlib
import os
import re
import secrets
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from rempart.api.headers import JSON
from rempart.api.places import Places
from rempart.api.responses import refused, told, told_json
from rempart.api.settings import ApiSettings
from rempart.doorway.taking_in import CLIENT
from rempart.foundation.clock import SECOND, Clock
from rempart.foundation.errors import BadInput
from rempart.foundation.identifiers import check_amc_number
from rempart.vaultdoor.messages import Refused

FRESH_SECONDS = 300
_BLOCK = 1024 * 1024
_AT_ONCE, _AT_ONCE_PER_ADDRESS = 8, 4
_HALF_SECONDS = 3600
_LINGER, _LINGER_SECONDS = 8 * _BLOCK, 5.0
_FILENAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_DELIVERY = re.compile(r"[0-9a-f]{32}")
_DIGEST = re.compile(r"sha-256=:([A-Za-z0-9+/]{43}=):")
_SIGNATURE = re.compile(r"rempart=:[A-Za-z0-9+/]{86}==:")
_PARAMETERS = re.compile(
    r'rempart=\("@method" "@target-uri" "content-digest"\)'
    r';created=([0-9]{1,12});nonce="[A-Za-z0-9_-]{22}";keyid="[A-Za-z0-9_-]{43}";alg="ed25519";tag="rempart-upload"'
)


class Delivery(msgspec.Struct, frozen=True):
    """What lies beside the bytes, as `<delivery>.json`; the bytes are `<delivery>.bin`."""

    delivery: str
    amc: str
    filename: str
    method: str
    target: str
    content_digest: str
    signature_input: str
    signature: str
    size: int
    received: int
    """The door's clock when the last byte came, µs."""


class UploadRefusedError(Exception):
    """Carries the refusal out of the stream."""

    def __init__(self, refusal: Refused) -> None:
        super().__init__(refusal.code)
        self.refusal = refusal


@dataclass
class Spool:
    """The folder where deliveries wait."""

    settings: ApiSettings
    folder: Path
    clock: Clock
    _places: Places = field(default_factory=lambda: Places(_AT_ONCE, _AT_ONCE_PER_ADDRESS))

    async def put(self, request: Request) -> Response:
        """Take one upload. 202 and the delivery's number, or a refusal after which nothing is kept."""
        try:
            announced = await self._admit(request)
            delivery = await self._receive_in_turn(request, announced)
        except UploadRefusedError as error:
            return refused(error.refusal, production=self.settings.production)
        return told_json(
            {"delivery": delivery, "state": "received"}, 202, production=self.settings.production
        )

    async def state(self, request: Request) -> Response:
        """What became of a delivery: the sealer's words in `<delivery>.status`, or "received" until it has spoken."""
        delivery = request.path_params["delivery"]
        if not _DELIVERY.fullmatch(delivery):
            return refused(Refused("not-found"), production=self.settings.production)
        status = await asyncio.to_thread(_read_if_there, self.folder / f"{delivery}.status")
        if status is not None:
            return told(status, JSON, production=self.settings.production)
        if not await asyncio.to_thread((self.folder / f"{delivery}.json").exists):
            return refused(Refused("not-found"), production=self.settings.production)
        return told_json({"delivery": delivery, "state": "received"}, production=self.settings.production)

    async def _admit(self, request: Request) -> Delivery:
        try:
            announced = self._announced(request)
            length = int(request.headers.get("content-length", "0"))
            if await asyncio.to_thread(self._full, length):
                raise UploadRefusedError(Refused("spool-full"))
        except UploadRefusedError:
            await _let_finish(request)
            raise
        return announced

    async def _receive_in_turn(self, request: Request, announced: Delivery) -> str:
        """In one of the few places, of which one address has half: who sends much does not keep the others out."""
        address = str(request.scope.get(CLIENT, ""))
        if self._places.take(address) is not None:
            await _let_finish(request)
            raise UploadRefusedError(Refused("spool-full"))
        try:
            return await self._receive(request, announced)
        finally:
            self._places.leave(address)

    def _announced(self, request: Request) -> Delivery:
        header = request.headers
        for name in ("content-digest", "signature-input", "signature"):
            if len(header.getlist(name)) != 1:
                raise UploadRefusedError(Refused("signature", name))
        try:
            amc = check_amc_number(request.path_params["amc"])
        except BadInput:
            raise UploadRefusedError(Refused("bad-input", "amc")) from None
        if not _FILENAME.fullmatch(request.path_params["filename"]):
            raise UploadRefusedError(Refused("bad-input", "filename"))
        parameters = _PARAMETERS.fullmatch(header["signature-input"])
        if parameters is None or not _SIGNATURE.fullmatch(header["signature"]):
            raise UploadRefusedError(Refused("signature", "signature-input"))
        if abs(self.clock() - int(parameters[1]) * SECOND) > FRESH_SECONDS * SECOND:
            raise UploadRefusedError(Refused("stale", "created"))
        if not _DIGEST.fullmatch(header["content-digest"]):
            raise UploadRefusedError(Refused("signature", "content-digest"))
        length = header.get("content-length", "0")
        if not length.isdecimal() or len(length) > 19 or int(length) > self.settings.upload_limit:
            raise UploadRefusedError(Refused("file-too-large"))
        return Delivery(
            delivery=secrets.token_hex(16),
            amc=amc,
            filename=request.path_params["filename"],
            method="PUT",
            target=request.url.path,
            content_digest=header["content-digest"],
            signature_input=header["signature-input"],
            signature=header["signature"],
            size=0,
            received=0,
        )

    def _full(self, length: int) -> bool:
        waiting = sum(1 for path in self.folder.iterdir() if path.suffix == ".bin")
        return waiting >= self.settings.uploads_waiting or not self._has_room(2 * length)

    def _has_room(self, more: int) -> bool:
        disk = os.statvfs(self.folder)
        return disk.f_bavail * disk.f_frsize - more >= self.settings.disk_reserve

    def clear_halves(self) -> None:
        """At start: forget what a crash left half done. An upload that goes on touches its file every few seconds."""
        oldest = self.clock() / SECOND - _HALF_SECONDS
        for path in self.folder.glob("*"):
            half = path.suffix in {".part", ".new"} or (
                path.suffix == ".bin" and not path.with_suffix(".json").exists()
            )
            # The sealer may take the file meanwhile.
            with contextlib.suppress(FileNotFoundError):
                if half and path.stat().st_mtime < oldest:
                    path.unlink()

    async def _receive(self, request: Request, announced: Delivery) -> str:
        part = self.folder / f"{announced.delivery}.part"
        try:
            with part.open("xb") as file:
                size, digest = await self._copy(request, file)
                if f"sha-256=:{base64.b64encode(digest).decode()}:" != announced.content_digest:
                    raise UploadRefusedError(Refused("file-altered"))
                await asyncio.to_thread(_sync, file)
            part.rename(part.with_suffix(".bin"))
            await asyncio.to_thread(_sync_folder, self.folder)
            whole = msgspec.structs.replace(announced, size=size, received=self.clock())
            await asyncio.to_thread(_write_whole, part.with_suffix(".json"), msgspec.json.encode(whole))
        finally:
            part.unlink(missing_ok=True)
        return announced.delivery

    async def _copy(self, request: Request, file: BinaryIO) -> tuple[int, bytes]:
        size, digest, block = 0, hashlib.sha256(), bytearray()
        chunks, began = request.stream(), time.monotonic()
        try:
            while True:
                async with asyncio.timeout(self.settings.upload_chunk_seconds):
                    chunk = await anext(chunks, None)
                if chunk is None:
                    break
                size += len(chunk)
                if size > self.settings.upload_limit:
                    raise UploadRefusedError(Refused("file-too-large"))
                paced = time.monotonic() - began - self.settings.upload_grace_seconds
                if paced > 0 and size < paced * self.settings.upload_pace:
                    raise UploadRefusedError(Refused("slow"))
                block += chunk
                if len(block) >= _BLOCK:
                    # Others fill the same disk meanwhile, and what comes in chunks announced no length.
                    if not await asyncio.to_thread(self._has_room, size + len(block)):
                        raise UploadRefusedError(Refused("spool-full"))
                    await asyncio.to_thread(_write_block, file, digest, bytes(block))
                    block.clear()
        except TimeoutError:
            raise UploadRefusedError(Refused("slow")) from None
        except ClientDisconnect:
            raise UploadRefusedError(Refused("file-altered")) from None
        await asyncio.to_thread(_write_block, file, digest, bytes(block))
        return size, digest.digest()


async def _let_finish(request: Request) -> None:
    """Read on for a moment, so that a client that writes before it reads still sees why it was refused."""
    read = 0
    try:
        async with asyncio.timeout(_LINGER_SECONDS):
            async for chunk in request.stream():
                read += len(chunk)
                if read > _LINGER:
                    return
    except (TimeoutError, ClientDisconnect):
        return


def _write_block(file: BinaryIO, digest: "hashlib._Hash", block: bytes) -> None:
    digest.update(block)
    file.write(block)


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _write_whole(path: Path, content: bytes) -> None:
    new = path.with_suffix(".new")
    with new.open("xb") as file:
        file.write(content)
        _sync(file)
    new.rename(path)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read_if_there(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
