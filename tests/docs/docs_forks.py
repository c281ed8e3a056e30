"""The program, loaded once: each command that a client hands over runs in a fork of this process."""

from __future__ import annotations

import atexit
import os
import signal
import socket
import sys

from placet.interfaces.cli.main import main


def serve(path: str) -> None:
    """Take commands at the socket *path* until terminated."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the forks
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(path)
        listener.listen()
        while True:
            connection, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                connection.sendall(bytes([take(connection)]))
                os._exit(0)
            connection.close()


def take(connection: socket.socket) -> int:
    """Become the command: its folder, its environment, its streams; returns its exit code."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    head, streams, _, _ = socket.recv_fds(connection, 4, 3)
    size, body = int.from_bytes(head, "big"), b""
    while len(body) < size:
        body += connection.recv(size - len(body))
    fields = body.decode("utf-8", "surrogateescape").split("\0")
    end = fields.index("", 1)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.environ.clear()
    os.environ.update(field.split("=", 1) for field in fields[end + 1 :])
    os.chdir(fields[0])
    try:
        main(fields[1:end], prog_name="placet")
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    else:
        code = 0
    atexit._run_exitfuncs()  # a fork ends without them: the embedded database counts who uses it
    sys.stdout.flush()
    sys.stderr.flush()
    return code


if __name__ == "__main__":
    serve(sys.argv[1])
