"""Is this a request that any door should look at? Bounds on its head, and nothing that two readers could read in two ways.

Pure. The server below has already refused what is no HTTP/1.1 at all (RFC 9112), with an empty answer; what it lets through and a proxy
before it might have read otherwise is refused here, in the house's words.
"""

from starlette.types import Scope

from rempart.vaultdoor.messages import Refused

MOST_TARGET = 8 * 1024
"""Bytes of path and query. RFC 9112 §3 asks for 8,000 at least."""
MOST_HEADERS = 64
MOST_HEADER_BYTES = 16 * 1024
"""Bytes of all header lines. The longest of ours, an upload's, are under 1 KiB; the rest is what browsers and proxies add."""
_FRAMING = frozenset({b"transfer-encoding", b"content-length"})
_WATCHED = _FRAMING | {b"host", b"content-encoding"}


def refused_by_shape(scope: Scope) -> Refused | None:
    """Why this request goes no further, or None."""
    if len(scope.get("raw_path") or scope["path"]) + len(scope["query_string"]) > MOST_TARGET:
        return Refused("target-too-long")
    headers = scope["headers"]
    size, host, hosts, framed = 0, b"", 0, False
    for name, value in headers:
        size += len(name) + len(value)
        if name not in _WATCHED:
            continue
        if name == b"host":
            host, hosts = value, hosts + 1
        elif name in _FRAMING:
            # A length beside a coding, a coding twice, or one that nobody here undoes: how a request is smuggled inside another
            # (RFC 9112 §6.1 and §6.3). The server takes away a length beside a coding, and closes the connection after it.
            if framed or (name == b"transfer-encoding" and value.strip().lower() != b"chunked"):
                return Refused("bad-input", "Transfer-Encoding")
            framed = True
        else:
            # Content-Encoding. Nothing here inflates a body: what a digest covers is what is read, and no bomb is unpacked.
            return Refused("coding")
    if size > MOST_HEADER_BYTES or len(headers) > MOST_HEADERS:
        return Refused("header-too-large")
    return _refused_by_place(scope, host, hosts)


def _refused_by_place(scope: Scope, host: bytes, hosts: int) -> Refused | None:
    """There is one reading of where this request is going."""
    # Routers match a path line by line: with a line break in it, an act would be read as an address that does not exist.
    if "\n" in scope["path"]:
        return Refused("bad-input", "path")
    # RFC 9112 §3.2: exactly one Host in HTTP/1.1.
    if hosts > 1 or (not host and scope.get("http_version") == "1.1"):
        return Refused("bad-input", "Host")
    return None
