"""What `offers` brings to its examination: wishes, and messages in the queue. Its other rooms have tests of
their own parts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import attrs
from psycopg import Connection

from placet.duties import Correction, Person
from placet.kernel.ids import ChannelId
from placet.purposes.offers.duties import OffersDuties
from placet.purposes.offers.wish_duties import WISHES, WishDuties

_MESSAGE = """
INSERT INTO delivery.message (id, number, key, kind, activity, channel, topic, template, language, not_before,
                              not_after, state, permit, reference, lease_until, started_at, planned_at, changed_at)
VALUES (%(id)s, %(number)s, %(id)s::text, 'offer', 'offers.email-campaign', %(channel)s, 'travel', 'campaign/1', 'lv',
        %(at)s, %(end)s, %(state)s, 'permit', %(id)s::text, %(end)s, %(started)s, %(at)s, %(at)s)
"""


@attrs.frozen
class OffersGround:
    duties: OffersDuties = attrs.field(factory=lambda: OffersDuties((WishDuties(),)))
    channels: tuple[ChannelId, ...] = (ChannelId("email"), ChannelId("sms"))

    def plant(self, connection: Connection, person: Person, word: str, *, now: datetime) -> int:
        for topic in ("travel", "phones"):
            connection.execute(
                "INSERT INTO offers.wish (number, topic, state, by, since, reason)"
                " VALUES (%s, %s, 'never', 'learner', %s, %s)",
                [person.number, topic, now, word],
            )
        return 2

    def queue(self, connection: Connection, person: Person, channel: ChannelId | None, *, now: datetime) -> None:
        _message(connection, person, channel or "email", "planned", now)

    def waiting(self, connection: Connection, person: Person) -> int:
        row = connection.execute(
            "SELECT count(*) FROM delivery.message WHERE number = %s AND state = 'planned'", [person.number]
        ).fetchone()
        assert row is not None
        return int(row[0])

    def begin(self, connection: Connection, person: Person, *, now: datetime) -> Callable[[], None]:
        id = _message(connection, person, "email", "sending", now)

        def end() -> None:
            connection.execute("UPDATE delivery.message SET state = 'sent' WHERE id = %s", [id])

        return end

    def bring(self, connection: Connection, person: Person, *, at: datetime) -> None:
        _message(connection, person, "email", "sent", at)

    def correction(self, word: str, new: str) -> Correction:
        return Correction(WISHES, "reason", word, new)


def _message(connection: Connection, person: Person, channel: str, state: str, at: datetime) -> UUID:
    values = {
        "id": uuid4(), "number": person.number, "channel": channel, "state": state, "at": at,
        "end": at + timedelta(days=1), "started": None if state == "planned" else at,
    }  # fmt: skip
    connection.execute(_MESSAGE, values)
    id: UUID = values["id"]
    return id
