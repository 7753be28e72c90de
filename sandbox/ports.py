"""Free ports of this machine, for tasks and gateways."""

import itertools
import random
import socket

HOST = "127.0.0.1"
"""The address of everything that runs here."""

# Below Linux's ephemeral range: a connection of Envoy's must not take a port between two tasks.
_ports = itertools.count(random.randrange(12000, 24000))


def free_port() -> int:
    for port in _ports:
        candidate = 12000 + port % 20000
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, candidate))
            except OSError:
                continue
        return candidate
    raise AssertionError("an endless count ended")
