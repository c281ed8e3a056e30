"""
Letters: printed together as a mailing, and started when the mailing is handed over to the post.

1. `make` asks the gate about each letter that is due, since printing it uses the person's data, and what it refuses is
   not printed. The letters then wait with their mailing.
2. `hand_over` asks again, under the lock of a withdrawal, and only what it starts is sent: the pages of everybody who
   said no meanwhile are named, and have to be pulled out.
3. `discard` throws a mailing away: its letters are due again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import attrs
from psycopg import Connection

from placet.delivery.actions import Delivery
from placet.delivery.model import POST, STARTABLE, Deferred, Failed, Kind, MessageId, Outcome, Outgoing, Sent
from placet.delivery.notes import LINK, Filled, Notes
from placet.delivery.tokens import Tokens
from placet.kernel.errors import Conflict
from placet.kernel.ids import ChannelId, new_record_id
from placet.store.queries import queries

SQL = queries("placet.delivery", "post.sql")

MOST = 500
"""Letters of one mailing."""
PRINTED = "printed"
"""The word beside a letter that waits with its mailing."""
STAYS = timedelta(days=14)
"""How long a mailing may lie in the house; afterwards its letters are due again."""
_AT_ONCE = 50
_LEASE = timedelta(seconds=90)


@attrs.frozen(repr=False)
class Page:
    """
    One letter to print: *number* is its page, *name* None where it is not known; *stop* is a link to end it.

    *link*: where the text leads, printed as a code below it.
    """

    number: int
    name: str | None
    address: tuple[str, ...]
    text: Filled
    language: str
    stop: str | None
    link: str | None = attrs.field(default=None, repr=False)


@attrs.frozen
class Mailing:
    """Letters that were printed together; *sent* of them were sent."""

    id: UUID
    made_at: datetime
    made_by: str
    letters: int
    handed_over_at: datetime | None
    discarded_at: datetime | None
    sent: int

    @property
    def is_here(self) -> bool:
        """Printed, and not yet handed over."""
        return self.handed_over_at is None and self.discarded_at is None


@attrs.frozen
class Printed:
    """A mailing as it was made; *id* None: there was nothing to print."""

    id: UUID | None
    pages: tuple[Page, ...]
    refused: int
    """Letters that are not sent; the reasons stand in their rows."""


@attrs.frozen
class HandedOver:
    """What may leave the house: *pulled* pages may not; *open* ones could not be decided on, ask again."""

    sent: int
    pulled: tuple[int, ...]
    open: tuple[int, ...]


@attrs.frozen
class _Letter:
    """A page of a mailing, and where its message stands; of an erased person nothing is left but the page."""

    page: int
    message: MessageId | None
    state: str | None
    is_sent: bool
    """It left the house with this very mailing."""

    @property
    def is_open(self) -> bool:
        return self.message is not None and self.state in STARTABLE


@attrs.frozen
class _Office:
    """What a claim asks of the channel."""

    id: ChannelId = POST
    needs_address: bool = True


@attrs.frozen
class Letters:
    """Every method joins the transaction of its connection."""

    delivery: Delivery
    notes: Notes
    tokens: Tokens = attrs.field(repr=False)
    url: str

    def due(self, connection: Connection, *, now: datetime) -> int:
        """How many letters could be printed now."""
        row = connection.execute(SQL["letters_due"], {"now": now}).fetchone()
        assert row is not None
        return int(row[0])

    def make(self, connection: Connection, *, by: str, most: int = MOST, now: datetime) -> Printed:
        """Take the letters that are due and may be printed, at most *most*, the longest waiting first."""
        claim = self.delivery.claim(connection, _Office(), limit=most, now=now)
        filled = [(one, self._filled(one)) for one in claim.started]
        faults: dict[MessageId, Outcome] = {one.id: text for one, text in filled if isinstance(text, Failed)}
        printable = [(one, text) for one, text in filled if isinstance(text, Filled)]
        until = now + STAYS
        outcomes = faults | {one.id: Deferred(PRINTED, until) for one, _ in printable}
        self.delivery.settle(connection, outcomes, now=now)
        refused = claim.refused + len(faults)
        if not printable:
            return Printed(None, (), refused)
        id = self._keep(connection, [one.id for one, _ in printable], by, now)
        pages = [self._page(connection, number, *each) for number, each in enumerate(printable, start=1)]
        return Printed(id, tuple(pages), refused)

    def hand_over(self, connection: Connection, mailing: UUID, *, now: datetime) -> HandedOver:
        """The mailing leaves the house now: start what may still be sent, and name the pages that may not."""
        self._lock(connection, mailing)
        for some in _parts(_open(self._pages(connection, mailing))):
            claim = self.delivery.claim_these(connection, _Office(), some, lease=_LEASE, now=now)
            self.delivery.settle(connection, {one.id: Sent(str(mailing)) for one in claim.started}, now=now)
        pages = self._pages(connection, mailing)
        left = _open(pages)
        if left:
            connection.execute(SQL["keep_printed"], {"messages": left, "until": now + STAYS, "now": now})
        else:
            connection.execute(SQL["handed_over"], {"id": mailing, "now": now})
        pulled = tuple(each.page for each in pages if not each.is_open and not each.is_sent)
        return HandedOver(
            sum(each.is_sent for each in pages), pulled, tuple(each.page for each in pages if each.is_open)
        )

    def discard(self, connection: Connection, mailing: UUID, *, now: datetime) -> None:
        """The mailing is thrown away; what may still be sent is printed with the next."""
        self._lock(connection, mailing)
        connection.execute(SQL["discarded"], {"id": mailing, "now": now})
        connection.execute(SQL["due_again"], {"mailing": mailing, "now": now})

    def mailings(self, connection: Connection, *, limit: int = 25) -> list[Mailing]:
        """The mailings, newest first."""
        return [Mailing(*row) for row in connection.execute(SQL["mailings"], {"limit": limit})]

    def _lock(self, connection: Connection, mailing: UUID) -> None:
        if connection.execute(SQL["lock_mailing"], {"id": mailing}).fetchone() is None:
            raise Conflict(
                "there is no such mailing in the house: it was handed over or thrown away; nothing was changed",
                code="no-mailing",
            )

    def _pages(self, connection: Connection, mailing: UUID) -> list[_Letter]:
        return [_Letter(*row) for row in connection.execute(SQL["letters_of"], {"mailing": mailing})]

    def _filled(self, outgoing: Outgoing) -> Filled | Failed:
        note = self.notes(POST, outgoing.template, outgoing.language)
        if note is None:
            return Failed("no-template")
        try:
            return note.fill(outgoing.values)
        except KeyError:
            return Failed("no-value")

    def _keep(self, connection: Connection, messages: Sequence[MessageId], by: str, now: datetime) -> UUID:
        id = new_record_id(now)
        connection.execute(SQL["add_mailing"], {"id": id, "by": by, "letters": len(messages), "now": now})
        connection.execute(SQL["add_letters"], {"mailing": id, "messages": list(messages)})
        return id

    def _page(self, connection: Connection, number: int, outgoing: Outgoing, text: Filled) -> Page:
        name = self.delivery.subjects.profile(connection, outgoing.subject).name
        stop = None if outgoing.kind is Kind.SERVICE else f"{self.url}/u/{self.tokens.make(outgoing.id)}"
        link = outgoing.values.get(LINK)
        # What opens speaks the language of the letter, not that of the telephone that reads the code.
        code = None if link is None else f"{link}?lang={outgoing.language}"
        return Page(number, name, tuple(outgoing.address.split("\n")), text, outgoing.language, stop, code)


def _parts(messages: Sequence[MessageId]) -> Sequence[list[MessageId]]:
    return [list(messages[start : start + _AT_ONCE]) for start in range(0, len(messages), _AT_ONCE)]


def _open(pages: Sequence[_Letter]) -> list[MessageId]:
    return [each.message for each in pages if each.message is not None and each.is_open]
