"""Before a door listens: is the address its own?"""

import socket

from rempart.foundation.errors import Outage


class AddressTaken(Outage):
    """The address cannot be listened on."""

    code = "address"
    french = "Impossible d'écouter à cette adresse."
    english = "This address cannot be listened on."


def require_free_address(host: str, port: int) -> None:
    """Raises AddressTaken. The server itself would share a port with whoever listens on it already, and take half of its requests."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except (OSError, OverflowError) as error:
            raise AddressTaken(
                f"{host} port {port}: {getattr(error, 'strerror', None) or 'no such port'}"
            ) from error
