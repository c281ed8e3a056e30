"""
What other rooms tell a person, as service messages: planned in the transaction of what they are about.

Contract or law ask for them: a receipt of what staff wrote down, how a request stands (GDPR 12(3)), that a way to sign
in has changed (OWASP ASVS 5.0 6.3.7). They hold no offer, and no more than needs to be known: the rest is behind the
link, where one signs in. What they say stands in `service.yaml`, in all languages.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any

import attrs
import yaml
from babel.dates import format_date, format_time
from psycopg import Connection

from placet.catalogue.model import Controller
from placet.delivery import layout, letters, notes, sms
from placet.delivery.actions import Delivery
from placet.delivery.app import APP
from placet.delivery.codes import ACTIVITY
from placet.delivery.layout import Button, Sender
from placet.delivery.letters import Letter
from placet.delivery.model import Kind, Message
from placet.delivery.notes import Note
from placet.delivery.sms import Text
from placet.delivery.wording import LANGUAGES
from placet.kernel.ids import ChannelId, SubjectId
from placet.subjects.model import Alias, AliasKind

VALID = timedelta(days=7)
"""How long such a message may still start: later it would be no news."""

PREFIX = "notice/"
"""What the templates of this room begin with."""

_EMAIL, _SMS = ChannelId("email"), ChannelId("sms")
_BY_KIND: Mapping[AliasKind, ChannelId] = {"email": _EMAIL, "msisdn": _SMS}
_LOCALES = {"lv": "lv_LV", "ru": "ru_RU", "en": "en_GB"}
_DAYS = {"lv": "dd.MM.yyyy."}
"""A day inside a sentence; the Latvian name of a month would have to be declined."""


class What(StrEnum):
    """What a person is told; the strings are stable, they name templates."""

    RECEIPT = "receipt"
    REQUEST_FILED = "request-filed"
    REQUEST_EXTENDED = "request-extended"
    REQUEST_DONE = "request-done"
    REQUEST_REFUSED = "request-refused"
    PASSKEY_ADDED = "passkey-added"
    PASSKEY_REMOVED = "passkey-removed"
    CONTACT_ADDED = "contact-added"
    CONTACT_ENDED = "contact-ended"
    TEXT_CHANGED = "text-changed"


@attrs.frozen(kw_only=True)
class News:
    """Something to tell: *key* is unique for the person, *path* leads to the page about it."""

    what: What
    key: str
    path: str
    at: datetime
    """The instant that it names: when it happened, or until when it is answered."""
    values: Mapping[str, str] = attrs.field(factory=dict, repr=False)


@attrs.frozen
class ServiceMessages:
    """Tells people by *channels*, the ids of those that are set up; without any, nobody is told."""

    delivery: Delivery
    channels: Set[ChannelId]
    url: str

    def tell(self, connection: Connection, subject: SubjectId, news: News, *, now: datetime) -> bool:
        """By e-mail, else by SMS, else in the app; False where no way is set up, or nobody is there any more."""
        channel = self._channel(connection, subject)
        if channel is None:
            return False
        return bool(
            self.delivery.plan(connection, [self._message(connection, subject, channel, news, now)], now=now).fresh
        )

    def tell_at(
        self, connection: Connection, subject: SubjectId, addresses: Iterable[Alias], news: News, *, now: datetime
    ) -> int:
        """At each of *addresses*, also at one that is the person's no longer: whoever reads there must know, too."""
        planned = [
            self._message(
                connection, subject, channel, attrs.evolve(news, key=f"{news.key}/{place}"), now, to=address
            )
            for place, address in enumerate(addresses)
            if (channel := _BY_KIND.get(address.kind)) in self.channels and channel is not None
        ]  # fmt: skip
        return len(self.delivery.plan(connection, planned, now=now).fresh) if planned else 0

    @property
    def widest(self) -> ChannelId | None:
        """By which channel many are told the same: an SMS to everybody would cost more than the news is worth."""
        return next((channel for channel in (_EMAIL, APP) if channel in self.channels), None)

    def _channel(self, connection: Connection, subject: SubjectId) -> ChannelId | None:
        """Where the person can be reached; where they cannot, the row that is refused says so."""
        for kind, channel in _BY_KIND.items():
            if channel in self.channels and self.delivery.subjects.newest(connection, [subject], kind):
                return channel
        return next((channel for channel in (APP, _EMAIL, _SMS) if channel in self.channels), None)

    def _message(
        self,
        connection: Connection,
        subject: SubjectId,
        channel: ChannelId,
        news: News,
        now: datetime,
        *,
        to: Alias | None = None,
    ) -> Message:
        spoken = self.delivery.subjects.get(connection, subject).language
        language = spoken if spoken in LANGUAGES else LANGUAGES[0]
        local, locale = news.at.astimezone(self.delivery.zone), _LOCALES[language]
        return Message(
            subject=subject, key=news.key, kind=Kind.SERVICE, activity=ACTIVITY, channel=channel,
            template=PREFIX + news.what, language=language, to=to, not_before=now, not_after=now + VALID,
            values={
                **news.values,
                "day": format_date(local, _DAYS.get(language, "long"), locale=locale),
                "time": format_time(local, "HH:mm", locale=locale),
                "link": self.url + news.path,
            },
        )  # fmt: skip


@attrs.frozen
class ServiceTexts:
    """The published letters and texts (`smtp.Letters`, `sms.Texts`), signed by who the catalogue says we are."""

    controller: Controller

    def letter(self, template: str, language: str) -> Letter | None:
        what = _what(template)
        return None if what is None else _letters(what, _senders(self.controller))[language]

    def text(self, template: str, language: str) -> Text | None:
        what = _what(template)
        return None if what is None else _texts(what)[language]

    def note(self, channel: ChannelId, template: str, language: str) -> Note | None:
        """In the app alone: nobody is called or written a letter for it."""
        what = _what(template)
        return None if what is None or channel != APP else _notes(what)[language]


def said_of(language: str, section: str, word: str) -> str:
    """How *language* says one of our words, for the values of a message."""
    found: str = said()[section][word][language]
    return found


def _what(template: str) -> What | None:
    name = template.removeprefix(PREFIX).partition("/")[0]
    return What(name) if template.startswith(PREFIX) and name in set(What) else None


def _senders(controller: Controller) -> tuple[tuple[str, Sender], ...]:
    """Who signs, in each language."""
    return tuple(
        (language, Sender(controller.brand, f"{controller.name}, {controller.registration}, {address}"))
        for language, address in controller.address.items()
    )


@cache
def _letters(what: What, senders: tuple[tuple[str, Sender], ...]) -> Mapping[str, Letter]:
    signed, words = dict(senders), said()["letters"][what]
    sources = {
        language: layout.source(
            layout.Words(
                words["subject"][language], words["subject"][language], tuple(words["says"][language]),
                Button(words["button"][language], "{{ link }}"),
            ),
            language=language, kind=Kind.SERVICE, sender=signed.get(language, next(iter(signed.values()))),
        )
        for language in LANGUAGES
    }  # fmt: skip
    return letters.publish(sources, kind=Kind.SERVICE, declared=_declared(what))


@cache
def _texts(what: What) -> Mapping[str, Text]:
    return sms.publish_folded(said()["letters"][what]["sms"], declared=_declared(what))


@cache
def _notes(what: What) -> Mapping[str, Note]:
    words = said()["letters"][what]
    sources = {
        language: notes.Source(words["subject"][language], "\n\n".join(words["says"][language]))
        for language in LANGUAGES
    }
    return notes.publish(sources, declared=_declared(what))


def _declared(what: What) -> Set[str]:
    return {"day", "time", "link", *said()["letters"][what].get("values", ())}


@cache
def said() -> Mapping[str, Any]:
    found: Mapping[str, Any] = yaml.safe_load(files("placet.delivery").joinpath("service.yaml").read_text("utf-8"))
    return found
