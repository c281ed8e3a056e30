"""A small town: persons and states written straight into the tables, for tests that are not about recording."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID, uuid4

import attrs
import psycopg

from placet.kernel.ids import SubjectId

NOW = datetime.fromisoformat("2026-03-12T12:00:00Z")


ACTIVITIES = {
    "offers.email": ("consent", "email", [("offers", "email")]),
    "offers.greeting": ("consent", None, [("offers", None)]),
    "credit.care": ("consent", None, [("credit", None), ("usage", None)]),
    "profiling.best-offer-email": ("consent", "email", [("profiling", None), ("offers", "email")]),
    "location.nearby-sms": ("consent", "sms", [("location", "sms"), ("offers", "sms")]),
    "mobility.pigeon": ("consent", "pigeon", [("mobility", None)]),
    "service.billing": ("contract", None, []),
}


@attrs.frozen
class Town:
    """Writes as the owner does; each change moves the ledger's head as a decision would."""

    connection: psycopg.Connection

    def add(self, number: int, *, merged_into: UUID | None = None) -> SubjectId:
        row = self.connection.execute(
            "INSERT INTO subjects.person (number, id, language, wrapped_key, created_at, merged_into)"
            " VALUES (%s, %s, 'lv', ''::bytea, %s, %s)"
            " ON CONFLICT (number) DO UPDATE SET merged_into = coalesce(excluded.merged_into, person.merged_into)"
            " RETURNING id",
            [number, uuid4(), NOW, merged_into],
        ).fetchone()
        assert row is not None
        return SubjectId(row[0])

    def say(
        self,
        number: int,
        purpose: str,
        decision: str,
        *,
        channel: str = "",
        major: int | None = 1,
        until: datetime | None = None,
    ) -> int:
        """
        Person *number*, added if new, says *decision*: state, change and head move in one transaction.

        Returns the position.
        """
        with self.connection.transaction():
            self.add(number)
            position = self._next()
            self.connection.execute(
                "INSERT INTO consents.state (number, purpose, channel, decision, position, occurred_at, recorded_at,"
                " notice_major, expires_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)"
                " ON CONFLICT (number, purpose, channel) DO UPDATE SET decision = excluded.decision,"
                " position = excluded.position, notice_major = excluded.notice_major, expires_at = excluded.expires_at",
                [number, purpose, channel, decision, position, NOW, NOW, major, until],
            )
            self._change(position, number, purpose, channel, decision, major, until)
        return position

    def erase(self, number: int) -> int:
        with self.connection.transaction():
            position = self._next()
            self.connection.execute("DELETE FROM consents.state WHERE number = %s", [number])
            self.connection.execute(
                "UPDATE subjects.person SET erased_at = %s, wrapped_key = NULL, language = 'und' WHERE number = %s",
                [NOW, number],
            )
            self._change(position, number, None, "", "erased", None, None)
        return position

    def publish(self, majors: dict[str, int]) -> int:
        """Put a catalogue with these major versions and the activities below into force."""
        with self.connection.transaction():
            position = self._next()
            self.connection.execute(
                "INSERT INTO catalogue.edition VALUES (%s, 'town', 1, %s, decode(repeat('00', 32), 'hex'), '', %s)",
                [position, position, NOW],
            )
            for item, (purpose, major) in enumerate(majors.items()):
                self.connection.execute(
                    "INSERT INTO catalogue.notice VALUES (%s, %s, %s, 0)", [position, purpose, major]
                )
                self._change(position, None, purpose, "", "published", major, None, item)
            for activity, (basis, channel, needs) in ACTIVITIES.items():
                values = [position, activity, channel, basis, not needs]
                self.connection.execute("INSERT INTO catalogue.activity VALUES (%s, %s, %s, %s, %s)", values)
                for purpose, of_channel in needs:
                    values = [position, activity, purpose, of_channel]
                    self.connection.execute("INSERT INTO catalogue.need VALUES (%s, %s, %s, %s)", values)
        return position

    def restore(self, epoch: str) -> None:
        """What a restored backup looks like: another epoch."""
        self.connection.execute("UPDATE ledger.head SET epoch = %s", [epoch])

    def _next(self) -> int:
        """The next position, with a record at it and a wake-up, as an append leaves them."""
        row = self.connection.execute(
            "WITH head AS (UPDATE ledger.head SET position = position + 1, recorded_at = recorded_at + interval '1 us'"
            "              RETURNING position, recorded_at)"
            " INSERT INTO ledger.record (position, id, recorded_at, body)"
            " SELECT position, gen_random_uuid(), recorded_at, '' FROM head"
            " RETURNING position, pg_notify('placet_ledger', position::text)"
        ).fetchone()
        assert row is not None
        return row[0]

    def _change(self, position, number, purpose, channel, decision, major, until, item=0) -> None:
        self.connection.execute(
            "INSERT INTO consents.outbox (position, item, number, purpose, channel, decision, notice_major, expires_at)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
            [position, item, number, purpose, channel, decision, major, until],
        )
