"""A small town: persons and states written straight into the tables, for tests that are not about recording."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID, uuid4

import attrs
import psycopg
import pytest

from placet.gate.actions import Gate
from placet.kernel.ids import SubjectId

NOW = datetime.fromisoformat("2026-03-12T12:00:00Z")


@attrs.frozen
class Town:
    """Writes as the owner does; each change moves the ledger's head as a decision would."""

    connection: psycopg.Connection

    def add(self, number: int, *, merged_into: UUID | None = None) -> SubjectId:
        id = uuid4()
        self.connection.execute(
            "INSERT INTO subjects.person (number, id, language, wrapped_key, created_at, merged_into)"
            " VALUES (%s, %s, 'lv', ''::bytea, %s, %s)",
            [number, id, NOW, merged_into],
        )
        return SubjectId(id)

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
        """Person *number* says *decision*: state, change and head move in one transaction; returns the position."""
        with self.connection.transaction():
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

    def restore(self, epoch: str) -> None:
        """What a restored backup looks like: another epoch."""
        self.connection.execute("UPDATE ledger.head SET epoch = %s", [epoch])

    def _next(self) -> int:
        row = self.connection.execute(
            "UPDATE ledger.head SET position = position + 1"
            " RETURNING position, pg_notify('placet_ledger', position::text)"
        ).fetchone()
        assert row is not None
        return row[0]

    def _change(self, position, number, purpose, channel, decision, major, until) -> None:
        self.connection.execute(
            "INSERT INTO consents.outbox (position, item, number, purpose, channel, decision, notice_major, expires_at)"
            " VALUES (%s, 0, %s, %s, %s, %s, %s, %s)",
            [position, number, purpose, channel, decision, major, until],
        )


@pytest.fixture
def town(admin_url: str, clone):
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute(f'GRANT CREATE ON DATABASE "{clone[0]}" TO "{clone[1].owner}"')
        connection.execute(f'SET ROLE "{clone[1].owner}"')
        if connection.execute("SELECT to_regclass('catalogue.current_need')").fetchone() == (None,):
            connection.execute(f"""
            CREATE SCHEMA catalogue; GRANT USAGE ON SCHEMA catalogue TO "{clone[1].app}";
            CREATE TABLE catalogue.current_notice (purpose text, major int, minor int);
            CREATE TABLE catalogue.current_need (activity text, purpose text, channel text);
            CREATE TABLE catalogue.current_activity (activity text, legal_basis text, needs_none bool);
            GRANT SELECT ON ALL TABLES IN SCHEMA catalogue TO "{clone[1].app}";
            INSERT INTO catalogue.current_notice VALUES ('offers',1,0),('usage',1,0),('credit',1,0),('mobility',1,0);
            INSERT INTO catalogue.current_need VALUES ('offers.email','offers','email'),('credit.care','credit',NULL),('credit.care','usage',NULL);
            INSERT INTO catalogue.current_activity VALUES ('offers.email','consent',false),('credit.care','consent',false),('service.billing','contract',true);
            """)
        yield Town(connection)


@pytest.fixture
def gate() -> Gate:
    return Gate(bytes(32))
