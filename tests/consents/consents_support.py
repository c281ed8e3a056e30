"""What the tests of decisions share: a plain rulebook and a way to wish."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import attrs
from psycopg import Connection

from placet.consents.model import Actor, Wish
from placet.consents.rules import Shown, Terms
from placet.kernel.ids import ChannelId, MandateId, PurposeId, SubjectId
from placet.subjects.actions import Subjects
from placet.subjects.model import Subject

OFFERS, USAGE = PurposeId("offers"), PurposeId("usage")
CHANNELS = tuple(map(ChannelId, ("email", "sms", "call", "post", "app")))
TEXT = b"\x07" * 32


@attrs.define
class PlainRulebook:
    """Two purposes in version 1.0, one text each; mandates as the test says."""

    subjects: Subjects
    rest: timedelta = timedelta(days=90)
    valid_for: timedelta | None = None
    mandates: bool = False

    def terms(self, connection: Connection) -> Mapping[PurposeId, Terms]:
        languages = frozenset({"lv", "ru", "en"})
        return {
            OFFERS: Terms(OFFERS, 1, 0, CHANNELS, languages, valid_for=self.valid_for),
            USAGE: Terms(USAGE, 1, 0, (), languages, line_tied=True),
        }

    def unwrap(self, wrapped_key: bytes, subject: SubjectId) -> bytes:
        return self.subjects.key_of(wrapped_key, subject)

    def shown(self, connection: Connection, digest: bytes) -> Shown | None:
        return Shown(OFFERS, 1, 0, "lv") if digest == TEXT else None

    def covers(
        self, connection: Connection, representative: SubjectId, mandate: MandateId, wish: Wish, now: datetime
    ) -> bool:
        return self.mandates


def wish(subject: Subject, decision: str, channel: str | None = None, **more: object) -> Wish:
    """What the subject says about offers on the portal."""
    found = Wish(
        subject=subject.id,
        purpose=OFFERS,
        decision=decision,
        route="portal",
        actor=Actor("subject", str(subject.id)),
        channel=None if channel is None else ChannelId(channel),
        shown=TEXT if decision == "given" else None,
    )
    return attrs.evolve(found, **more)  # type: ignore[arg-type]
