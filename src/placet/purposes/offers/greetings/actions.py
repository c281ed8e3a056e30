"""Greetings as the rest of offers, the portal and the command line know them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime

import attrs
from psycopg import Connection

from placet.delivery import wishes as queue
from placet.delivery.letters import Letter
from placet.delivery.model import Kind
from placet.delivery.notes import Note
from placet.delivery.rules import Mute
from placet.delivery.sms import Text
from placet.kernel.ids import ChannelId, Number, SubjectId
from placet.purposes.offers.greetings import people, rules, store, texts
from placet.purposes.offers.greetings.calendar import YearDay
from placet.purposes.offers.greetings.days import Days
from placet.purposes.offers.greetings.model import CHANNELS, Occasion, Rehearsal, Wished
from placet.purposes.offers.greetings.vocative import called, with_comma
from placet.purposes.offers.ground import Ground


@attrs.frozen
class Greetings:
    """Thread-safe. Methods that take a connection join its transaction; `round` and `rehearse` have their own."""

    days: Days

    @classmethod
    def of(cls, ground: Ground) -> Greetings:
        return cls(Days(ground.config, ground.database, ground.subjects, ground.in_force, ground.gate, ground.delivery))

    # What a person wishes

    def wished(self, connection: Connection, subject: SubjectId, *, now: datetime) -> Wished:
        """Where somebody stands on greetings."""
        number = self.days.subjects.get(connection, subject).number
        (celebrant,) = people.celebrants(connection, self.days.subjects, [number])
        mutes = queue.muted(connection, subject)
        on = frozenset(occasion for occasion in Occasion if not rules.switches(mutes, occasion, now))
        return Wished(on, rules.name_day(celebrant.name, celebrant.picked), celebrant.born is not None)

    def switch_on(self, connection: Connection, subject: SubjectId, occasion: Occasion, *, now: datetime) -> None:
        """They want to be greeted for *occasion* again; what was switched off with it stays off."""
        for mute in rules.switches(queue.muted(connection, subject), occasion, now):
            queue.unmute(connection, subject, mute)
            for other in set(Occasion) - {occasion} if mute.topic is None else ():
                queue.mute(connection, subject, attrs.evolve(mute, topic=other.value), now=now)

    def switch_off(self, connection: Connection, subject: SubjectId, occasion: Occasion, *, now: datetime) -> None:
        """No more greetings for *occasion*; it binds one that is planned already."""
        queue.mute(connection, subject, Mute(Kind.GREETING, occasion), now=now)

    def pick(self, connection: Connection, subject: SubjectId, day: YearDay, *, now: datetime) -> None:
        """They celebrate their name day on *day*."""
        people.pick(connection, self.days.subjects, subject, day, now=now)

    def unpick(self, connection: Connection, subject: SubjectId) -> None:
        """The calendar decides again."""
        people.unpick(connection, self.days.subjects, subject)

    def inherit(self, connection: Connection, number: Number, merged: Number) -> None:
        """Two identities were one person, who is not greeted twice for that."""
        connection.execute(store.SQL["inherit"], {"number": number, "merged": merged})

    # What a greeting says

    def letter(self, template: str, language: str) -> Letter | None:
        return self._texts().letters.get((template, language))

    def text(self, template: str, language: str) -> Text | None:
        return self._texts().texts.get((template, language))

    def note(self, channel: ChannelId, template: str, language: str) -> Note | None:
        return self._texts().notes.get((template, language)) if channel in CHANNELS else None

    def fill(
        self, connection: Connection, _template: str, subjects: Sequence[SubjectId]
    ) -> Mapping[SubjectId, Mapping[str, str]]:
        """How each is addressed (`delivery.model.Filler`)."""
        found = {}
        for subject in subjects:
            name = self.days.subjects.profile(connection, subject).name
            language = self.days.subjects.get(connection, subject).language
            found[subject] = {texts.CALLED: with_comma(called(name, language))}
        return found

    # The day

    def round(self, now: datetime) -> None:
        """A step of today's greetings."""
        self.days.round(now)

    def rehearse(self, day: date, *, now: datetime) -> Rehearsal:
        """Who would be greeted on *day* as things stand: counts. Nothing is planned."""
        return self.days.rehearse(day, now=now)

    def _texts(self) -> texts.Texts:
        with self.days.database.transaction() as connection:
            controller = self.days.in_force.read(connection).controller
        return texts.compiled(texts.senders(controller), self.days.config.smpp_sender)
