"""
What comes back over SMS: receipts settle their message, and whoever answers STOP has withdrawn, at once.

The carrier is told that we have it only when it is written down; until then it brings it again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

import attrs
import structlog

from placet.consents import actions as consents
from placet.consents.actions import Rulebook
from placet.consents.model import Actor, Decision, Wish
from placet.consents.store import standing_of
from placet.delivery import wishes
from placet.delivery.actions import Delivery
from placet.delivery.sms_returns import Receipt, Reply
from placet.delivery.stop_words import SomethingElse, meaning
from placet.kernel.errors import BadInput
from placet.kernel.ids import ChannelId
from placet.store.database import Database
from placet.subjects.model import Alias

SMS = ChannelId("sms")
_AGAIN = (0.0, 1.0, 5.0)
"""Seconds before each look: a receipt may be here before the answer to the submission is written down."""

log = structlog.get_logger()


@attrs.frozen
class Answers:
    """Whom the SMS channel tells (`sms.Sms`)."""

    database: Database
    delivery: Delivery
    rulebook: Rulebook
    clock: Callable[[], datetime]

    async def receipt(self, found: Receipt) -> None:
        if found.outcome is None:
            return
        for pause in _AGAIN:
            await asyncio.sleep(pause)
            if await asyncio.to_thread(self._report, found):
                return

    async def reply(self, found: Reply) -> None:
        """A doubt counts as a wish to stop: nobody reads answers, and silence must not go on sending."""
        if isinstance(meaning(found.text), SomethingElse):
            return
        try:
            number = Alias.msisdn(found.source)
        except BadInput:
            log.warning("sms.stop-from-nobody")
            return
        await asyncio.to_thread(self._stop, number)

    def _report(self, found: Receipt) -> bool:
        assert found.outcome is not None
        now = self.clock()
        with self.database.transaction() as connection:
            if found.reference is not None:
                return self.delivery.report(connection, found.reference, found.outcome, now=now)
            return self.delivery.report_carried(connection, SMS, found.carrier_id, found.outcome, now=now)

    def _stop(self, number: Alias) -> None:
        """The channel of every purpose; a number that nobody is known by is not written to either."""
        now = self.clock()
        with self.database.transaction() as connection:
            person = self.delivery.subjects.find(connection, number)
            if person is None:
                wishes.suppress(
                    connection, self.delivery.subjects.vault, number, "do-not-contact", channel=SMS, now=now
                )
                return
            stopped = [
                Wish(person.id, purpose, "withdrawn", "sms", Actor("subject"), channel=SMS)
                for purpose, states in standing_of(connection, person.number).items()
                if SMS in states and states[SMS].decision == Decision.GIVEN
            ]
            if stopped:
                consents.record(connection, stopped, rulebook=self.rulebook, now=now)
