"""Whose request is this? The address that the limits count by: the peer's, or, behind a proxy that is trusted, the one it reports.

Pure. Of X-Forwarded-For only what trusted proxies appended is believed: it is read from the right, and the first hop that is no trusted
proxy is the client. Everything left of that was written by the client itself. No trusted proxy, no belief: the header is not even read.
"""

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

from rempart.foundation.settings import BadSettings

Address = IPv4Address | IPv6Address
_REMEMBERED = 4096
"""Addresses whose reading is remembered, the least recent forgotten first."""


class Addresses:
    """Reads addresses, given the proxies that are trusted: addresses or networks. Raises BadSettings for what is neither."""

    def __init__(self, trusted_proxies: tuple[str, ...]) -> None:
        try:
            self._trusted = [ip_network(each, strict=False) for each in trusted_proxies]
        except ValueError:
            raise BadSettings("trusted_proxies: IP addresses or networks") from None
        self.trusts = lru_cache(_REMEMBERED)(self._trusts)
        self._by = lru_cache(_REMEMBERED)(self._reported_by)

    def client(self, peer: str, headers: list[tuple[bytes, bytes]]) -> str:
        """What to count this request by: an IPv4 address, or the /64 of an IPv6 one, of which a single line holds 2^64 addresses."""
        if not self._trusted or not self.trusts(peer):
            return network_of(peer)
        # Several lines are one list (RFC 9110 §5.3). Whatever is far left was the client's to write.
        reported = b",".join(value for name, value in headers if name == b"x-forwarded-for")
        return self._by(peer, reported[-1024:])

    def _trusts(self, peer: str) -> bool:
        address = read_address(peer)
        return address is not None and any(address in network for network in self._trusted)

    def _reported_by(self, peer: str, reported: bytes) -> str:
        hop = peer
        for each in reversed(reported.decode("latin-1").split(",")):
            if read_address(each) is None:
                # "unknown" and its like: the last hop that is known answers for what came through it.
                break
            hop = each
            if not self._trusts(hop):
                break
        return network_of(hop)


@lru_cache(_REMEMBERED)
def network_of(text: str) -> str:
    """The address as it is counted. What is no address counts as itself."""
    address = read_address(text)
    if isinstance(address, IPv6Address):
        return str(IPv6Network((address, 64), strict=False))
    return str(address) if address else text


def read_address(text: str) -> Address | None:
    """An address as peers and proxies write it: bare, bracketed, with a port or a scope; an IPv4 one mapped into IPv6 is IPv4."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
