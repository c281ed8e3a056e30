"""
A relay in a process of its own, that takes every mail and notes in a file for whom, before it says so: what a sender
that is killed can be held against. `python mail_sink.py JOURNAL` prints its port.

It is small, so that a load is not measured by it. The first mail is kept beside the journal.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import attrs
import uvloop

_END = b"\r\n.\r\n"


@attrs.frozen
class Taken:
    """A mail for which the relay took responsibility."""

    recipient: str
    reference: str
    """Of the message and its attempt, from the envelope's sender."""


@attrs.define
class MailSink:
    """A relay that runs, and its journal, read as far as it has been written."""

    port: int
    journal: Path
    process: subprocess.Popen[str]
    taken: list[Taken] = attrs.field(factory=list)
    _read: int = 0

    def count(self) -> int:
        """How many mails were taken so far."""
        with self.journal.open("rb") as file:
            file.seek(self._read)
            lines = file.read()
        whole = lines[: lines.rfind(b"\n") + 1]
        self._read += len(whole)
        self.taken += [Taken(*line.split(" ")) for line in whole.decode().splitlines()]
        return len(self.taken)

    def first(self) -> bytes:
        """The first mail as it came over the wire."""
        return self.journal.with_suffix(".first").read_bytes()


@contextlib.contextmanager
def mail_sink(folder: Path) -> Iterator[MailSink]:
    """A relay on a free port of this machine, with its journal in *folder*."""
    journal = folder / "journal"
    process = subprocess.Popen([sys.executable, __file__, str(journal)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield MailSink(int(process.stdout.readline()), journal, process)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


class _Session(asyncio.Protocol):
    """RFC 5321, as much of it as a sender that is polite needs."""

    def __init__(self, journal: int, first: Path) -> None:
        self._journal, self._first = journal, first
        self._buffer = b""
        self._in_data = False
        self._sender = self._recipient = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._wire = cast(asyncio.Transport, transport)
        self._wire.write(b"220 sink ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while True:
            end = self._buffer.find(_END if self._in_data else b"\r\n")
            if end < 0:
                return
            if self._in_data:
                content, self._buffer = self._buffer[:end], self._buffer[end + len(_END) :]
                self._take(content)
            else:
                line, self._buffer = self._buffer[:end], self._buffer[end + 2 :]
                self._wire.write(self._answer(line.decode("ascii", "replace")))

    def _answer(self, line: str) -> bytes:
        verb = line[:4].upper()
        if verb == "EHLO":
            return b"250-sink\r\n250-8BITMIME\r\n250 PIPELINING\r\n"
        if verb == "MAIL":
            self._sender = line.partition("<")[2].partition(">")[0]
        elif verb == "RCPT":
            self._recipient = line.partition("<")[2].partition(">")[0]
        elif verb == "DATA":
            self._in_data = True
            return b"354 go on\r\n"
        elif verb == "QUIT":
            self._wire.close()
        return b"250 2.0.0 ok\r\n"

    def _take(self, content: bytes) -> None:
        self._in_data = False
        if not self._first.exists():
            self._first.write_bytes(content.replace(b"\r\n..", b"\r\n.") + b"\r\n")
        reference = self._sender.partition("@")[0].partition("+")[2]
        os.write(self._journal, f"{self._recipient} {reference}\n".encode())
        self._wire.write(b"250 2.0.0 ok: queued as Q1\r\n")


async def _serve(journal: Path) -> None:
    file = os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Session(file, journal.with_suffix(".first")), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    ended = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    await ended.wait()


if __name__ == "__main__":
    uvloop.run(_serve(Path(sys.argv[1])))
