"""
An SMTP server that takes everything, and behaves badly when told to.

What it does to a message goes by the left part of the recipient's address, as with mail operators' own test addresses.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import ClassVar

import attrs
from aiosmtpd.smtp import SMTP, Envelope, Session


@attrs.frozen
class Taken:
    """A message for which the sink has taken responsibility, whether or not it could say so."""

    sender: str
    recipient: str
    content: bytes


class Sink:
    """
    `greylisted`: 451 the first time. `nobody`, `full`, `blocked`, `unstated`: refused at RCPT. `spam`: refused at DATA.
    `swallowed`: taken, and the answer lost. `dies`: the connection ends after DATA's last byte, nothing taken.
    `slow`: answers after a second. `busy`: 421 at RCPT, and the connection ends.
    """

    REFUSED: ClassVar[dict[str, str]] = {
        "nobody": "550 5.1.1 no such user here",
        "full": "552 5.2.2 mailbox is full",
        "blocked": "550 5.7.515 access denied, sender not authenticated",
        "unstated": "550 who?",
    }

    def __init__(self) -> None:
        self.taken: list[Taken] = []
        self.connections = 0
        self.port = 0
        self.sessions: set[SMTP] = set()
        self._greylist: set[str] = set()

    async def handle_EHLO(  # noqa: N802 (aiosmtpd's name)
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        self.connections += 1
        self.sessions.add(server)
        return responses

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        kind = address.partition("@")[0].partition("-")[0]
        if kind in self.REFUSED:
            return self.REFUSED[kind]
        if kind == "busy":
            await server.push("421 4.3.2 too much at once")
            server.transport.close()
        if kind == "greylisted" and address not in self._greylist:
            self._greylist.add(address)
            return "451 4.7.1 greylisted, come back later"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        recipient = envelope.rcpt_tos[0]
        kind = recipient.partition("@")[0].partition("-")[0]
        if kind == "spam":
            return "554 5.7.1 looks like spam"
        if kind == "slow":
            await asyncio.sleep(1)
        if kind == "dies":
            server.transport.abort()
            return "250 never heard"
        content = envelope.original_content or b""
        self.taken.append(Taken(envelope.mail_from or "", recipient, content))
        if kind == "swallowed":
            server.transport.abort()
        return f"250 2.0.0 ok: queued as Q{len(self.taken)}"

    def hang_up(self) -> None:
        """End every connection, as a relay does with idle ones."""
        for server in self.sessions:
            if server.transport is not None:
                server.transport.close()
        self.sessions.clear()


@contextlib.asynccontextmanager
async def sink(*, international: bool = True) -> AsyncIterator[Sink]:
    """A sink on a free port of this machine, in the running loop."""
    handler = Sink()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(handler, enable_SMTPUTF8=international, loop=loop), "127.0.0.1", 0)
    handler.port = server.sockets[0].getsockname()[1]
    try:
        yield handler
    finally:
        handler.hang_up()
        server.close()
        await server.wait_closed()
