"""`lrensemble` as a shell runs it: a command whose work a forked child does, on the descriptors that the shell gave.

    python -S -E in_shells.py SOCKET ARGUMENTS…

It imports nothing but what it takes to ask the process of `tests/forked.py`, so that a pipeline costs no imports.
"""

import json
import os
import socket
import sys


def main(address: str, arguments: list[str]) -> int:
    """Hand the three standard streams on, and end as the child ends."""
    request = json.dumps([["-m", "lrensemble", *arguments], os.getcwd(), dict(os.environ)]).encode()
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(address)
        socket.send_fds(connection, [len(request).to_bytes(8, "big")], [0, 1, 2])
        for descriptor in (0, 1, 2):  # a pipe ends when its last copy is closed
            os.close(descriptor)
        connection.sendall(request)
        _, status = connection.makefile()
    return int(status) % 256 if int(status) >= 0 else 128 - int(status)


if __name__ == "__main__":
    os._exit(main(sys.argv[1], sys.argv[2:]))
