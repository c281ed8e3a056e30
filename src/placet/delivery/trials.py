"""
Trials: a message sent to the operator's own people, before any customer gets one.

It goes straight to the carrier: it is planned for nobody, so there is no consent to ask and no cap to count against.
That is why it goes to the addresses that the settings name, and to no other; its link to stop belongs to no message.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from uuid import uuid4

import attrs

from placet.config import Config
from placet.delivery import channels
from placet.delivery.addresses import mailbox, mobile_number
from placet.delivery.letters import Letter
from placet.delivery.model import Channel, Failed, Kind, MessageId, Outcome, Outgoing
from placet.delivery.sms import Text
from placet.delivery.sms_returns import Receipt, Reply
from placet.kernel.errors import BadInput, Misconfigured, NotFound, Unavailable
from placet.kernel.ids import ActivityId, ChannelId, SubjectId
from placet.kernel.seal import MasterKey

TEMPLATE = "trial"
_ACTIVITY = ActivityId("contract.service-message")
_PATIENCE = timedelta(seconds=20)
"""Whoever pressed the button waits for as long."""


@attrs.frozen
class Trials:
    """Where trials may go, and how to get there."""

    addresses: Mapping[ChannelId, tuple[str, ...]]
    config: Config
    master: MasterKey = attrs.field(repr=False)

    @classmethod
    def of(cls, config: Config, master: MasterKey) -> Trials:
        return cls(addresses(config.trial_addresses), config, master)

    def letter(self, letter: Letter, to: str, *, values: Mapping[str, str], now: datetime) -> Outcome:
        """Send *letter* filled with *values*; what became of it. *to* is one of `addresses`, or nothing is sent."""
        return self._send("email", lambda: self._email(letter, now), letter.language, to, values, now)

    def text(self, text: Text, to: str, *, language: str, values: Mapping[str, str], now: datetime) -> Outcome:
        """As `letter`, an SMS."""
        return self._send("sms", lambda: self._sms(text, now), language, to, values, now)

    def _send(
        self,
        channel: str,
        made: Callable[[], Channel | None],
        language: str,
        to: str,
        values: Mapping[str, str],
        now: datetime,
    ) -> Outcome:
        if to not in self.addresses.get(ChannelId(channel), ()):
            raise NotFound(
                "this is no address for trials (PLACET_TRIAL_ADDRESSES); nothing was sent", code="trial-address"
            )
        opened = made()
        if opened is None:
            raise Unavailable("this channel is not set up; nothing was sent", code="channel-not-set-up")
        return asyncio.run(_sent(opened, _trial(channel, language, to, values, now)))

    def _email(self, letter: Letter, now: datetime) -> Channel | None:
        return channels.email(self.config, self.master, lambda _template, _language: letter, clock=lambda: now)

    def _sms(self, text: Text, now: datetime) -> Channel | None:
        return channels.sms(
            self.config,
            lambda _template, _language: text,
            clock=lambda: now,
            on_receipt=_not_here,
            on_reply=_not_here,
        )


def addresses(said: str) -> Mapping[ChannelId, tuple[str, ...]]:
    """E-mail addresses and mobile numbers of `PLACET_TRIAL_ADDRESSES`, by the channel that reaches them."""
    every = [part.strip() for part in said.split(",") if part.strip()]
    try:
        return {
            ChannelId("email"): tuple(mailbox(part).address for part in every if "@" in part),
            ChannelId("sms"): tuple(mobile_number(part) for part in every if "@" not in part),
        }
    except BadInput as error:
        raise Misconfigured(f"PLACET_TRIAL_ADDRESSES: {error.message}") from None


async def _sent(channel: Channel, message: Outgoing) -> Outcome:
    try:
        return (await channel.send([message])).get(message.id, Failed("no-answer"))
    finally:
        await channel.close()


def _trial(channel: str, language: str, to: str, values: Mapping[str, str], now: datetime) -> Outgoing:
    id = MessageId(uuid4())
    return Outgoing(
        id=id, attempt=1, reference=id.hex, subject=SubjectId(uuid4()), kind=Kind.OFFER, activity=_ACTIVITY,
        channel=ChannelId(channel), topic=None, template=TEMPLATE, language=language, values=values, address=to,
        until=now + _PATIENCE, lease_until=now + _PATIENCE,
    )  # fmt: skip


async def _not_here(_returned: Receipt | Reply) -> None:
    """What comes back for customers' messages is for the worker: the carrier tells it again."""
    raise Unavailable("this session only sends a trial")
