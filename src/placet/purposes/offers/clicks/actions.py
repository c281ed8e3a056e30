"""
Learning from the links that a person presses: only while they allow it, and forgotten when they do not any more.

The answer that stands is one row. A message that starts reads it under a share lock, in the transaction that makes the
message `sending`, and waits for nobody; who takes the permission back changes that row first, and deletes then. So no
message that started before is missed, and none that starts after has a counted link.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

import attrs
import msgspec
from psycopg import Connection

from placet.consents.model import Decision
from placet.delivery.model import MessageId
from placet.gate.actions import Allowed, Gate
from placet.kernel.errors import BadInput, NotFound
from placet.kernel.ids import ActivityId, ChannelId, Number, SubjectId, new_record_id
from placet.purposes.offers.clicks import questions, rules
from placet.purposes.offers.clicks.links import SECRET, Link
from placet.purposes.offers.clicks.model import Answer, Counted, Opening, Pressed, Said, Table, Verdict
from placet.store.database import Database
from placet.store.queries import queries

SQL = queries("placet.purposes.offers.clicks")

SMART = ActivityId("offers.smart-email")
EMAIL = ChannelId("email")
KEPT_AFTER_WITHDRAWAL = timedelta(days=30)
"""As the catalogue says of `offers`."""
_NOTED = frozenset({Verdict.PRESSED, Verdict.AGAIN, Verdict.TOO_SOON, Verdict.BURST})
"""After which it is known which link was opened last."""


@attrs.frozen
class Clicks:
    """Methods with a connection join its transaction. Thread-safe."""

    database: Database
    gate: Gate
    url: str
    """Where counted links lead first."""
    table: Table = attrs.field(factory=questions.standard, repr=False)

    # What a person says

    def answer(self, connection: Connection, subject: SubjectId) -> Answer | None:
        """What they said last; None: nothing, and so nothing is counted."""
        row = connection.execute(SQL["standing"], {"subject": subject}).fetchone()
        return None if row is None else Answer(Decision(row[0]), cast(Said, row[1]), row[2])

    def allow(self, connection: Connection, subject: SubjectId, *, shown: bytes, now: datetime) -> bool:
        """They said yes to the text with the hash *shown*. False: that stood already."""
        return self._say(connection, subject, Decision.GIVEN, shown, now)

    def decline(self, connection: Connection, subject: SubjectId, *, shown: bytes, now: datetime) -> bool:
        """They said no to it, or took their yes back: what was noted is deleted."""
        return self._say(connection, subject, Decision.REFUSED, shown, now)

    def end(self, connection: Connection, number: Number, *, now: datetime) -> int:
        """The consent that it stood on is gone, and the permission with it; returns how many rows went."""
        closed = connection.execute(SQL["close_answer"], {"number": number, "given_only": True, "now": now}).fetchone()
        if closed is not None:
            self._write(connection, number, Decision.WITHDRAWN, "with-consent", None, now)
        return self._forget(connection, number)

    def forget(self, connection: Connection, subject: SubjectId) -> int:
        """Delete what they pressed, and what was learned from it; the permission stays. Returns how many rows went."""
        return self._forget(connection, self._number(connection, subject))

    # What is sent

    def addresses(
        self,
        connection: Connection,
        campaign: UUID,
        messages: Mapping[SubjectId, MessageId],
        places: Mapping[str, int],
        *,
        now: datetime,
    ) -> Mapping[SubjectId, Mapping[int, str]]:
        """
        The counted addresses of these messages, which start now and whose persons allow it: by the place of each link.
        *places*: how many links the letter has in each language.
        """
        rows = [{"id": id, "secret": secrets.token_bytes(SECRET).hex()} for id in messages.values()]
        values = {"campaign": campaign, "messages": msgspec.json.encode(rows).decode(), "now": now}
        made = {
            MessageId(id): (secret, language)
            for id, secret, language in connection.execute(SQL["count_links"], values)
            if places.get(language)
        }
        return {
            subject: {
                place: Link(campaign, made[id][1], place, made[id][0]).address(self.url)
                for place in range(1, 1 + places[made[id][1]])
            }
            for subject, id in messages.items()
            if id in made
        }

    # What is pressed

    def opened(self, connection: Connection, link: Link, opening: Opening) -> Verdict | None:
        """Note that *link* was opened; None where nobody allows it (any more), and nothing is noted."""
        row = connection.execute(SQL["opened"], {"secret": link.secret, "campaign": link.campaign}).fetchone()
        if row is None:
            return None
        counted = Counted(MessageId(row[0]), SubjectId(row[1]), Number(row[2]), *row[3:])
        answers = self.gate.check_each(connection, [counted.subject], SMART, channel=EMAIL, now=opening.at)
        if not isinstance(answers[counted.subject], Allowed):
            return None
        verdict = rules.judge(opening, counted, self.table)
        if verdict in _NOTED:
            values = {
                "message": counted.message, "now": opening.at, "place": opening.place,
                "pressed_at": rules.pressed_at(verdict, opening, counted, self.table),
            }  # fmt: skip
            connection.execute(SQL["note"], values)
        return verdict

    def pressed(
        self, connection: Connection, subject: SubjectId, *, before: MessageId | None = None, limit: int
    ) -> list[Pressed]:
        """What they pressed, newest first; *before* is the last one of the page before."""
        rows = connection.execute(SQL["pressed"], {"subject": subject, "before": before, "limit": limit})
        return [Pressed(MessageId(id), *rest) for id, *rest in rows]

    # What becomes of it

    def round(self, now: datetime) -> None:
        """Forget what is old."""
        values = {"withdrawn": now - KEPT_AFTER_WITHDRAWAL}
        with self.database.transaction() as connection:
            connection.execute(SQL["forget_hits"], {"before": now - self.table.hit_kept})
            connection.execute(SQL["forget_counted"], {"before": now - self.table.kept})
            connection.execute(SQL["forget_answers"], values)

    def inherit(self, connection: Connection, number: Number, merged: Number, *, now: datetime) -> None:
        """Two identities were one person: what the one that remains has said stands, and a no of either ends it."""
        values = {"number": number, "merged": merged, "now": now}
        gone = connection.execute(SQL["close_answer"], {"number": merged, "given_only": False, "now": now}).fetchone()
        connection.execute(SQL["inherit_answers"], values)
        connection.execute(SQL["inherit_counted"], values)
        stands = connection.execute(SQL["stands"], {"number": number}).fetchone()
        if (gone is not None and gone[0] != Decision.GIVEN) or stands is None:
            self.end(connection, number, now=now)

    # Inside

    def _say(self, connection: Connection, subject: SubjectId, said: Decision, shown: bytes, now: datetime) -> bool:
        question = questions.shown(shown)
        if question is None:
            raise BadInput("the text has changed since; open the page again. Nothing was changed", code="bad-form")
        before = self.answer(connection, subject)
        if before is not None and before.allows == (said is Decision.GIVEN):
            return False
        number = self._number(connection, subject)
        connection.execute(SQL["close_answer"], {"number": number, "given_only": False, "now": now})
        connection.execute(SQL["keep_question"], {"sha256": question.sha256, "document": question.document, "now": now})
        taken_back = before is not None and before.allows
        self._write(connection, number, Decision.WITHDRAWN if taken_back else said, "portal", question.sha256, now)
        if said is not Decision.GIVEN:
            self._forget(connection, number)
        return True

    def _write(
        self, connection: Connection, number: Number, decision: Decision, said: Said, text: bytes | None, now: datetime
    ) -> None:
        values = {
            "id": new_record_id(now), "number": number, "decision": decision, "said": said, "sha256": text, "now": now,
        }  # fmt: skip
        connection.execute(SQL["answer"], values)

    def _forget(self, connection: Connection, number: Number) -> int:
        forgotten = ("erase_counted", "forget_ended", "forget_reasons")
        return sum(connection.execute(SQL[name], {"number": number}).rowcount for name in forgotten)

    def _number(self, connection: Connection, subject: SubjectId) -> Number:
        row = connection.execute(SQL["number"], {"subject": subject}).fetchone()
        if row is None:
            raise NotFound("there is no such person", code="unknown-subject")
        return Number(row[0])
