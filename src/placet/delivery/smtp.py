"""
The e-mail channel: signed mail to a relay over SMTP (RFC 5321), many connections, one message each at a time.

What became of a message is told by where the relay stopped answering:

* before the message was handed over: nothing was taken; it is deferred, or failed for good (4yz, 5yz);
* after its last byte, before the answer: nobody can know (RFC 1047); it is `unknown`, and never sent again.

A reply 5yz may blame the address (5.1.x), in which case the address is suppressed, or us (5.7.x), in which case it is
not (RFC 3463).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

import aiosmtplib
import attrs

from placet.delivery.composing import Composers, Filled
from placet.delivery.leases import seconds_left
from placet.delivery.letters import Letter
from placet.delivery.mail import House, Mail
from placet.delivery.model import Deferred, Failed, MessageId, Outcome, Outgoing, Sent, Started, Unknown
from placet.delivery.replies import Blame, blame_at_data, blame_at_recipient
from placet.kernel.ids import ChannelId

Letters: TypeAlias = Callable[[str, str], Letter | None]
"""The published letter of a template and a language."""

_PAUSE = timedelta(minutes=5)
"""Greylisting servers take it then; a relay that is away is asked again then."""

_ACCEPTED = frozenset({250, 251})
_GO_ON = 354
_CLOSING = 421
_INTERNATIONAL = ["SMTPUTF8", "BODY=8BITMIME"]
_QUEUED = re.compile(r"queued as ([!-~]{1,100})", re.IGNORECASE)
_BROKEN = (aiosmtplib.SMTPServerDisconnected, aiosmtplib.SMTPTimeoutError, OSError)


@attrs.frozen
class Relay:
    """Where mail is handed over. *security*: `tls` from the first byte, `starttls` (never without), or `none`."""

    host: str
    port: int
    security: Literal["tls", "starttls", "none"] = "starttls"
    user: str | None = None
    password: str | None = attrs.field(default=None, repr=False)
    connections: int = 8
    timeout: float = 60.0

    def client(self) -> aiosmtplib.SMTP:
        return aiosmtplib.SMTP(
            hostname=self.host,
            port=self.port,
            username=self.user,
            password=self.password,
            timeout=self.timeout,
            use_tls=self.security == "tls",
            start_tls=self.security == "starttls",
        )


class Email:
    """
    Fulfils `Channel`. *clock* stamps mail and pauses. Connections and *composers* belong to the event loop that `send`
    runs in.
    """

    id = ChannelId("email")
    needs_address = True

    def __init__(
        self,
        relay: Relay,
        house: House,
        letters: Letters,
        *,
        clock: Callable[[], datetime],
        composers: Composers | None = None,
    ) -> None:
        self._relay, self._house, self._letters = relay, house, letters
        self._clock, self._composers = clock, composers or Composers()
        self._idle: list[aiosmtplib.SMTP] = []
        self._free = asyncio.Semaphore(relay.connections)

    @property
    def width(self) -> int:
        return self._relay.connections

    async def send(self, batch: Sequence[Outgoing]) -> Mapping[MessageId, Outcome]:
        outcomes: dict[MessageId, Outcome] = {}
        filled: list[Filled] = []
        for message in batch:
            letter = self._letters(message.template, message.language)
            if letter is None:
                outcomes[message.id] = Failed("no-template")
            else:
                filled.append((letter, message))
        mails = await self._composers.compose(self._house, filled, at=self._clock())
        messages = [message for _, message in filled]
        sent = await asyncio.gather(*map(self._send, messages, mails))
        return outcomes | dict(zip((message.id for message in messages), sent, strict=True))

    async def find(self, started: Sequence[Started]) -> Mapping[MessageId, Outcome]:  # noqa: ARG002
        """SMTP has no question for it (RFC 1047): nothing is known until a bounce comes."""
        return {}

    async def listen(self) -> None:
        """Nothing comes back over SMTP."""

    async def close(self) -> None:
        while self._idle:
            await _quit(self._idle.pop())
        self._composers.close()

    async def _send(self, message: Outgoing, mail: Mail | Failed) -> Outcome:
        if isinstance(mail, Failed):
            return mail
        async with self._free:
            left = seconds_left(message, self._clock())
            if left <= 0:
                return self._deferred("too-slow")
            return await self._hand_over(mail, asyncio.get_running_loop().time() + left)

    async def _hand_over(self, mail: Mail, deadline: float) -> Outcome:
        try:
            async with asyncio.timeout_at(deadline):
                client = await self._opened(mail)
        except aiosmtplib.SMTPRecipientRefused as error:
            return self._refused(blame_at_recipient(error.code, error.message))
        except aiosmtplib.SMTPNotSupported:
            return Failed("international-address")
        except (aiosmtplib.SMTPException, OSError):
            return self._deferred("relay-away")
        return await self._data(client, mail, deadline)

    async def _data(self, client: aiosmtplib.SMTP, mail: Mail, deadline: float) -> Outcome:
        """The part in which the relay takes the message: whatever breaks here leaves it unknown."""
        try:
            async with asyncio.timeout_at(deadline):
                reply = await _content(client, mail)
        except aiosmtplib.SMTPDataError as error:
            await self._back(client)
            return self._refused(blame_at_data(error.code, error.message))
        except _BROKEN:
            client.close()
            return Unknown("answer-lost")
        except BaseException:
            client.close()
            raise
        self._idle.append(client)
        return Sent(_queue_id(reply.message))

    async def _opened(self, mail: Mail) -> aiosmtplib.SMTP:
        """A connection that has taken the envelope of *mail*; one that ended while idle is replaced."""
        while self._idle:
            client = self._idle.pop()
            try:
                await self._envelope(client, mail)
            except _BROKEN:
                continue
            except aiosmtplib.SMTPSenderRefused as error:
                # RFC 5321 §3.8: the relay closes a connection that was idle too long.
                if error.code != _CLOSING:
                    raise
                client.close()
                continue
            return client
        client = self._relay.client()
        try:
            await client.connect()
            if client.is_ehlo_or_helo_needed:
                await client.ehlo()
        except BaseException:
            client.close()
            raise
        await self._envelope(client, mail)
        return client

    async def _envelope(self, client: aiosmtplib.SMTP, mail: Mail) -> None:
        """MAIL and RCPT. After a refusal the connection serves the next message; after anything else it is closed."""
        options = _INTERNATIONAL if mail.recipient.international else []
        if options and not client.supports_extension("smtputf8"):
            self._idle.append(client)
            raise aiosmtplib.SMTPNotSupported("SMTPUTF8")
        try:
            await _accepted(client, b"MAIL", [f"FROM:<{mail.sender}>", *options], aiosmtplib.SMTPSenderRefused)
            to = f"TO:<{mail.recipient.address}>"
            await _accepted(client, b"RCPT", [to], aiosmtplib.SMTPRecipientRefused)
        except aiosmtplib.SMTPRecipientRefused:
            await self._back(client)
            raise
        except BaseException:
            client.close()
            raise

    async def _back(self, client: aiosmtplib.SMTP) -> None:
        """Keep *client* for the next message, if it still listens."""
        try:
            await client.rset()
        except (aiosmtplib.SMTPException, OSError):
            client.close()
        else:
            self._idle.append(client)

    def _refused(self, why: Blame) -> Outcome:
        if why is Blame.PASSING:
            return self._deferred(why)
        return Failed(why, suppress=why is Blame.ADDRESS)

    def _deferred(self, why: str) -> Deferred:
        return Deferred(why, self._clock() + _PAUSE)


async def _accepted(
    client: aiosmtplib.SMTP,
    verb: bytes,
    arguments: Sequence[str],
    refused: type[aiosmtplib.SMTPSenderRefused | aiosmtplib.SMTPRecipientRefused],
) -> None:
    """As the client's own `mail` and `rcpt`, which take apart once more an address that is known to be one."""
    reply = await client.execute_command(verb, *(argument.encode() for argument in arguments))
    if reply.code not in _ACCEPTED:
        raise refused(reply.code, reply.message, arguments[0])


async def _content(client: aiosmtplib.SMTP, mail: Mail) -> aiosmtplib.SMTPResponse:
    """As the client's own `data`, which looks at every line again: all of a composed mail end in CRLF."""
    wire = client.protocol
    if wire is None:
        raise aiosmtplib.SMTPServerDisconnected("the connection has ended")
    reply = await client.execute_command(b"DATA")
    if reply.code != _GO_ON:
        raise aiosmtplib.SMTPDataError(reply.code, reply.message)
    # RFC 5321 §4.5.2; the header, which comes first, begins with no dot.
    wire.write(mail.content.replace(b"\r\n.", b"\r\n..") + b".\r\n")
    reply = await wire.read_response(timeout=client.timeout)
    if reply.code not in _ACCEPTED:
        raise aiosmtplib.SMTPDataError(reply.code, reply.message)
    return reply


async def _quit(client: aiosmtplib.SMTP) -> None:
    try:
        await client.quit()
    except (aiosmtplib.SMTPException, OSError):
        client.close()


def _queue_id(reply: str) -> str | None:
    """The relay's own name for the message, where it says one as Postfix and most others do."""
    found = _QUEUED.search(reply)
    return found[1] if found else None
