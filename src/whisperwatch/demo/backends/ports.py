"""TCP ports of the loopback interface: one that is free, and whether one is."""

from __future__ import annotations

import random
import socket
from pathlib import Path

from whisperwatch.demo.problem import DemoError

_LEAST, _MOST = 10_240, 65_535
_LINUX_HANDS_OUT = Path("/proc/sys/net/ipv4/ip_local_port_range")
_IANA_HANDS_OUT = 49_152, 65_535
_TRIES = 1_000


def free_port() -> int:
    """A port that nobody listens on, and that the system gives nobody who just asks for any.

    Such a port is still free when a server, started a moment later, comes to listen on it. (One that the system gave us
    would be given again, to whoever connects to something in between.)
    """
    handed_out = _handed_out()
    ours = [port for port in range(_LEAST, _MOST + 1) if not handed_out[0] <= port <= handed_out[1]]
    for port in random.sample(ours, min(len(ours), _TRIES)):
        if _refused(port) is None:
            return port
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def require_free(port: int) -> None:
    """Raises DemoError where somebody listens on this port."""
    if (error := _refused(port)) is not None:
        raise DemoError(f"--port {port} can't be had ({error.strerror}): leave it out, or name another")


def _handed_out() -> tuple[int, int]:
    """The first and the last of the ports that the system hands out by itself (ip(7), RFC 6335)."""
    try:
        first, last = _LINUX_HANDS_OUT.read_text().split()
    except OSError:
        return _IANA_HANDS_OUT
    return int(first), int(last)


def _refused(port: int) -> OSError | None:
    """Why nobody can listen on the port, None where one can."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            return error
    return None
