"""Logs: one JSON object a line on stderr, never a person. Whatever looks like a NIR is cut out, or raises where tests ask for it."""

import json
import logging
import re
import sys
import traceback

from rempart.foundation.clock import SECOND, instant

# 13 characters with or without the key, also written in groups; 2A and 2B are Corsica. Wider than a NIR on purpose: an identifier of
# ours is never 13 or 15 digits long.
_LOOKS_LIKE_NIR = re.compile(
    r"(?<![0-9A-Za-z])[1-8][ .-]?\d{2}[ .-]?\d{2}[ .-]?(?:\d{2}|2[ABab])[ .-]?\d{3}[ .-]?\d{3}(?:[ .-]?\d{2})?(?![0-9A-Za-z])"
)
REDACTED = "[redacted]"


class PersonInLogError(AssertionError):
    """A log record holds something that looks like a NIR. Raised in tests; redacted elsewhere."""


class NoPersonFilter(logging.Filter):
    """Looks at every record that passes a handler. `strict` raises `PersonInLogError` instead of redacting."""

    def __init__(self, *, strict: bool) -> None:
        super().__init__()
        self._strict = strict

    def filter(self, record: logging.LogRecord) -> bool:
        """Always lets the record pass, changed where it must be."""
        text = record.getMessage()
        clean = redact(text)
        if clean != text:
            if self._strict:
                raise PersonInLogError(f"{record.name}, line {record.lineno}")
            record.msg, record.args = clean, None
        return True


def redact(text: str) -> str:
    """The text without anything that looks like a NIR."""
    return _LOOKS_LIKE_NIR.sub(REDACTED, text)


class JsonLines(logging.Formatter):
    """`{"at", "level", "process", "logger", "message", "error"?, "where"?}`; `at` in UTC. An exception is told by its class and where it
    happened: its message may quote what was asked."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        line: dict[str, object] = {
            "at": instant(int(record.created * SECOND)).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "process": self._process,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info and record.exc_info[0] is not None:
            line["error"] = record.exc_info[0].__name__
            line["where"] = [
                f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(record.exc_info[2])[-6:]
            ]
        return json.dumps(line, ensure_ascii=False)


def configure_logs(process: str = "", level: int = logging.INFO, *, strict: bool = False) -> None:
    """Send every log record of this process to stderr as JSON lines, filtered. Replaces what was configured before."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(process or _process_name()))
    handler.addFilter(NoPersonFilter(strict=strict))
    logging.basicConfig(level=level, handlers=[handler], force=True)


def _process_name() -> str:
    module = getattr(sys.modules["__main__"], "__spec__", None)
    return module.name.removesuffix(".__main__") if module is not None else "rempart"
