"""
The SMS channel: texts cut into parts and handed to an SMSC over SMPP 3.4, receipts and answers taken back.

* throttled or queue full (0x58, 0x14): that part was not taken; the whole channel slows down, twice as long each time;
* refused for good: failed, and a number that cannot exist is suppressed;
* written and never answered: `unknown`. A receipt that repeats our `user_message_reference` settles it later.

The carrier is told until when it may deliver (`validity_period`): otherwise it would try again in the middle of the
night.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence, Set
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

import attrs

from placet.delivery.addresses import mobile_number
from placet.delivery.leases import seconds_left
from placet.delivery.model import Deferred, Failed, Kind, MessageId, Outcome, Outgoing, Sent, Started, Unknown
from placet.delivery.pdu import Pdu, Short, Status, Tag
from placet.delivery.segments import Parts, cut, fold
from placet.delivery.smpp import Closed, Lost, Session, Smsc, bound
from placet.delivery.sms_returns import Receipt, Reply, number_of, outcome_of, returned
from placet.delivery.wording import Wording, in_all_languages, read
from placet.kernel.errors import BadInput
from placet.kernel.ids import ChannelId

_PAUSE = timedelta(minutes=5)
_FIRST_BACK_OFF, _LONGEST_BACK_OFF = 0.05, 5.0
_SLOWER = frozenset({Status.THROTTLED, Status.QUEUE_FULL})
_NO_SUCH_NUMBER = frozenset({Status.INVALID_DESTINATION})
_PASSING = frozenset({0x08, 0x45})
"""System error, submission failed: the carrier's trouble, not the message's."""

_USER_DATA_HEADER = 0x40


@attrs.frozen
class Text:
    """A published SMS in one language. *folded*: Latvian letters give way to what they are built on, to cost less."""

    wording: Wording
    folded: bool

    def fill(self, values: Mapping[str, str], *, below: str = "") -> Parts:
        """`KeyError` if a value is missing, `BadInput` if it has become too long; *below* ends the text."""
        text = self.wording.fill(values) + below
        return cut(fold(text) if self.folded else text)


Texts: TypeAlias = Callable[[str, str], Text | None]
"""The published text of a template and a language."""


def publish(sources: Mapping[str, str], *, declared: Set[str]) -> Mapping[str, Text]:
    """The texts of *sources* by language as written, all or none."""
    return {language: Text(wording, folded=False) for language, wording in _read(sources, declared).items()}


def publish_folded(sources: Mapping[str, str], *, declared: Set[str]) -> Mapping[str, Text]:
    """As `publish`, with the Latvian letters folded when it is sent."""
    return {language: Text(wording, folded=True) for language, wording in _read(sources, declared).items()}


def answerable(sender: str) -> bool:
    """Letters as a sender cannot be answered (3GPP TS 23.040 §9.1.2.5)."""
    return sender.removeprefix("+").isdigit()


class Sms:
    """
    Fulfils `Channel`. *on_receipt* and *on_reply* are awaited before the carrier is told that we have it; they raise
    `Unavailable` to get it again later. The session belongs to the event loop that `send` runs in.
    """

    id = ChannelId("sms")
    needs_address = True

    def __init__(
        self,
        smsc: Smsc,
        texts: Texts,
        *,
        clock: Callable[[], datetime],
        on_receipt: Callable[[Receipt], Awaitable[None]],
        on_reply: Callable[[Reply], Awaitable[None]],
        stop_link: Callable[[MessageId], str] | None = None,
    ) -> None:
        """*stop_link*: where a message is stopped, needed if nobody can answer to the sender."""
        self._stop_link = None if answerable(smsc.sender) else stop_link
        self._smsc, self._texts, self._clock = smsc, texts, clock
        self._on_receipt, self._on_reply = on_receipt, on_reply
        self._session: Session | None = None
        self._connecting = asyncio.Lock()
        self._resume_at = 0.0
        self._back_off = _FIRST_BACK_OFF
        # The numbers of messages that are being submitted; only the event loop's thread touches it.
        self._under_way: set[int] = set()

    @property
    def width(self) -> int:
        return self._smsc.window

    async def send(self, batch: Sequence[Outgoing]) -> Mapping[MessageId, Outcome]:
        outcomes = await asyncio.gather(*(self._send(message) for message in batch))
        return dict(zip((message.id for message in batch), outcomes, strict=True))

    async def find(self, started: Sequence[Started]) -> Mapping[MessageId, Outcome]:
        """Ask the carrier about those that it has given a name (`query_sm`)."""
        found: dict[MessageId, Outcome] = {}
        for message in started:
            if message.carrier_id is None:
                continue
            try:
                state = await (await self._bound()).query(message.carrier_id)
            except ConnectionError:
                return found
            if state is not None and (outcome := outcome_of(state)) is not None:
                found[message.id] = outcome
        return found

    async def listen(self) -> None:
        """Be bound, so that receipts and answers come in while nothing is sent; `Closed` if the carrier is away."""
        await self._bound()

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def _send(self, message: Outgoing) -> Outcome:
        text = self._texts(message.template, message.language)
        if text is None:
            return Failed("no-template")
        try:
            number, parts = mobile_number(message.address), text.fill(message.values, below=self._below(message))
        except KeyError:
            return Failed("no-value")
        except BadInput as error:
            return Failed(error.code, suppress=error.code == "unreachable-address")
        left = seconds_left(message, self._clock())
        if left <= 0:
            return self._ended(0, "too-slow")
        reference = number_of(message.reference)
        self._under_way.add(reference)
        try:
            return await self._submit_all(message, number, parts, asyncio.get_running_loop().time() + left)
        finally:
            self._under_way.discard(reference)

    def _below(self, message: Outgoing) -> str:
        """An offer says where it is stopped (Information Society Services Law, s. 9(4)): by STOP, or by its link."""
        if message.kind is Kind.SERVICE or self._stop_link is None:
            return ""
        return f"\n{self._stop_link(message.id)}"

    async def _submit_all(self, message: Outgoing, number: str, parts: Parts, deadline: float) -> Outcome:
        """One part after the other: when one is refused, none is sent after it."""
        reference, carrier_id = number_of(message.reference), None
        for place in range(parts.count):
            short = _short(message, self._smsc.sender, number, parts, place, reference)
            try:
                answer = await self._submit(short, deadline)
            except Closed:
                return self._ended(place, "carrier-away")
            except Lost:
                return Unknown("answer-lost")
            if answer is None:
                return self._ended(place, "throttled")
            if answer.status != Status.OK:
                return self._refused(place, answer.status)
            carrier_id = answer.body.split(b"\0")[0].decode("latin-1")
        # The last part's: what becomes of it stands for the message.
        return Sent(carrier_id)

    async def _submit(self, short: Short, deadline: float) -> Pdu | None:
        """The carrier's answer, or None if it was still too busy at *deadline*."""
        loop = asyncio.get_running_loop()
        while max(self._resume_at, loop.time()) < deadline:
            await asyncio.sleep(self._resume_at - loop.time())
            answer = await (await self._bound()).submit(short, deadline=deadline)
            if answer.status not in _SLOWER:
                self._back_off = _FIRST_BACK_OFF
                return answer
            if loop.time() >= self._resume_at:
                # The first of those that were under way slows all down, the others say the same thing.
                self._resume_at = loop.time() + self._back_off
                self._back_off = min(self._back_off * 2, _LONGEST_BACK_OFF)
        return None

    async def _bound(self) -> Session:
        async with self._connecting:
            if self._session is None or not self._session.open:
                self._session = await bound(self._smsc, self._deliver)
            return self._session

    async def _deliver(self, short: Short) -> None:
        found = returned(short)
        if isinstance(found, Reply):
            await self._on_reply(found)
        elif found is not None:
            # Of a message that is not whole yet its first part's receipt says nothing.
            known = found.number not in self._under_way
            await self._on_receipt(found if known else attrs.evolve(found, number=None))

    def _refused(self, place: int, status: int) -> Outcome:
        if status in _NO_SUCH_NUMBER:
            return Failed("no-such-number", suppress=True)
        return self._ended(place, "carrier-busy") if status in _PASSING else Failed("carrier-refused")

    def _ended(self, place: int, why: str) -> Outcome:
        """Nothing was taken of the part at *place*; what went before it cannot be called back."""
        return Failed("cut-off") if place else Deferred(why, self._clock() + _PAUSE)


def _read(sources: Mapping[str, str], declared: Set[str]) -> dict[str, Wording]:
    in_all_languages(sources, what="the SMS")
    found = {
        language: read(text, declared=declared, what=f"the SMS ({language})") for language, text in sources.items()
    }
    for wording in found.values():
        cut("".join(wording.pieces[::2]) or " ")
    return found


def _short(message: Outgoing, sender: str, number: str, parts: Parts, place: int, reference: int) -> Short:
    several = parts.count > 1
    # TS 23.040 §9.2.3.24.1: five bytes follow; concatenated short messages, three bytes.
    header = bytes((5, 0, 3, reference & 0xFF, parts.count, place + 1)) if several else b""
    return Short(
        sender,
        number,
        header + parts.parts[place],
        data_coding=parts.encoding.data_coding,
        esm_class=_USER_DATA_HEADER if several else 0,
        validity=_instant(message.until),
        registered=1,
        options={Tag.USER_MESSAGE_REFERENCE: reference.to_bytes(2, "big")},
    )


def _instant(moment: datetime) -> str:
    """An absolute time in UTC (§7.1.1)."""
    return moment.astimezone(UTC).strftime("%y%m%d%H%M%S") + "000+"
