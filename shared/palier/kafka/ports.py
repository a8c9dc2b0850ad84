"""Ports of this machine: which are free, and whether a broker answers on one."""

from __future__ import annotations

import random
import socket
import struct

from palier.errors import ConfigurationError

HOST = "127.0.0.1"
# Below the range that Linux takes for outgoing connections: a client that keeps trying to reach a stopped broker on a
# port of that range is sooner or later connected to itself, and the broker finds its port taken.
CANDIDATES = range(20_000, 32_000)


def free_port(other_than: int = 0) -> int:
    """A port of this machine that nobody listens on at the moment."""
    for port in random.sample(CANDIDATES, k=len(CANDIDATES)):
        if port != other_than and is_free(port):
            return port
    raise ConfigurationError(f"no free port from {CANDIDATES.start} to {CANDIDATES.stop - 1}")


def is_free(port: int) -> bool:
    """Whether a server may listen on `port`."""
    with socket.socket() as candidate:
        # As Java does: a port whose old connections linger is free.
        candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            candidate.bind((HOST, port))
        except OSError:
            return False
        return True


def broker_answers(port: int) -> bool:
    """Whether a broker answers ApiVersions (key 18, version 0), the first request of every client."""
    request = struct.pack(">hhih", 18, 0, 0, -1)
    try:
        with socket.create_connection((HOST, port), timeout=1) as connection:
            connection.sendall(struct.pack(">i", len(request)) + request)
            return len(connection.recv(4)) == 4
    except OSError:
        return False
