"""
What comes back over SMS: receipts settle their message, and whoever answers STOP has withdrawn, at once.

The carrier is told that we have it only when it is written down; until then it brings it again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime

import attrs
import structlog

from placet.consents import actions as consents
from placet.consents.actions import Rulebook
from placet.consents.model import Decision
from placet.delivery import wishes
from placet.delivery.actions import Delivery
from placet.delivery.model import Kind, Outcome
from placet.delivery.receipts import Receipts
from placet.delivery.rules import Mute
from placet.delivery.sms_returns import Receipt, Reply
from placet.delivery.stop_words import SomethingElse, Stop, meaning
from placet.delivery.unsubscribing import Said, closing
from placet.kernel.errors import BadInput
from placet.kernel.ids import ChannelId
from placet.store.database import Database
from placet.subjects.model import Alias

SMS = ChannelId("sms")

log = structlog.get_logger()


@attrs.frozen
class Answers:
    """Whom the SMS channel tells (`sms.Sms`)."""

    database: Database
    delivery: Delivery
    rulebook: Rulebook
    clock: Callable[[], datetime]
    topic_of: Callable[[str], str | None] = lambda _: None
    """The topic that a person's word means."""
    _receipts: Receipts = attrs.field(init=False, eq=False, repr=False)

    @_receipts.default
    def _together(self) -> Receipts:
        return Receipts(self._report)

    async def receipt(self, found: Receipt) -> None:
        if found.outcome is not None:
            await self._receipts.take(found)

    async def reply(self, found: Reply) -> None:
        """A doubt counts as a wish to stop: nobody reads answers, and silence must not go on sending."""
        meant = meaning(found.text)
        if isinstance(meant, SomethingElse):
            return
        try:
            number = Alias.msisdn(found.source)
        except BadInput:
            log.warning("sms.stop-from-nobody")
            return
        topic = self.topic_of(meant.topic) if isinstance(meant, Stop) and meant.topic is not None else None
        await asyncio.to_thread(self._stop, number, topic)

    def _report(self, together: Sequence[Receipt]) -> list[bool]:
        """The first word on a message counts, should there be two; of which there is a message is told."""
        now = self.clock()
        by_name: dict[str, Outcome] = {}
        for found in together:
            assert found.outcome is not None
            by_name.setdefault(found.carrier_id, found.outcome)
        with self.database.transaction() as connection:
            known = self.delivery.report_carried(connection, SMS, by_name, now=now)
        return [found.carrier_id in known or self._report_unanswered(found, now) for found in together]

    def _report_unanswered(self, found: Receipt, now: datetime) -> bool:
        """
        By our own number, if the carrier repeats it: of a message whose answer was lost we know no name of the
        carrier's. In a transaction of its own: many rows are locked in the order of their ids.
        """
        if found.number is None or found.outcome is None:
            return False
        with self.database.transaction() as connection:
            return self.delivery.report_numbered(connection, SMS, found.number, found.outcome, now=now)

    def _stop(self, number: Alias, topic: str | None) -> None:
        """
        One *topic* of offers, else the channel of every purpose; a number that nobody is known by is not written to
        either.
        """
        now = self.clock()
        with self.database.transaction() as connection:
            person = self.delivery.subjects.find(connection, number)
            if person is None:
                wishes.suppress(
                    connection, self.delivery.subjects.vault, number, "do-not-contact", channel=SMS, now=now
                )
                return
            if topic is not None:
                wishes.mute(connection, person.id, Mute(Kind.OFFER, topic, SMS), now=now)
                return
            said = Said(Decision.WITHDRAWN, "sms", "STOP")
            stopped = closing(connection, person.id, person.number, SMS, among=None, said=said)
            if stopped:
                consents.record(connection, stopped, rulebook=self.rulebook, now=now)
