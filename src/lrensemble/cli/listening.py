"""Sockets that the verbs that serve listen at."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable

from lrensemble.errors import ConfigError

WAITING_CONNECTIONS = 2048
"""Connections that the system holds until they are accepted."""


def listen(host: str, ports: Iterable[int]) -> socket.socket:
    """A socket that listens at the first of some ports that can be had.

    Args:
        host: address or name of this machine.
        ports: numbers, in the order in which they are tried; 0 for any that is free.

    Raises:
        ConfigError: all ports are taken, or the address is not one of this machine.
    """
    tried, reason = list(ports), ""
    for port in tried:
        try:
            family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
            found = socket.create_server(address[:2], family=family, backlog=WAITING_CONNECTIONS)
        except (OSError, UnicodeError) as error:
            number = getattr(error, "errno", None)
            reason = os.strerror(number) if isinstance(number, int) and number > 0 else str(error)
        else:
            # Connections inherit it. Without, an answer whose body follows its head waits 40 ms for the client's
            # acknowledgement; asyncio says so itself only to sockets that were made with the protocol's number.
            found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return found
    shown = str(tried[0]) if len(tried) == 1 else f"{tried[0]} to {tried[-1]}"
    raise ConfigError(
        f"cannot listen at {host}, port {shown}: {reason}; give another --port (0 takes any that is free) or --host"
    )


def address_of(listening: socket.socket) -> str:
    """Address of a socket, as a browser on this machine takes it: `http://127.0.0.1:8000`."""
    host, port = listening.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
