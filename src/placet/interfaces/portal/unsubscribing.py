"""
The page behind the link in a message: what it belongs to, and stopping it in one press (RFC 8058; GDPR 7(3)).

The link is the key: no sign-in, no cookie, no token of a form. GET changes nothing, for programs that look at mail
follow links. Any POST that is not a button of the page is a mail program's one click, whatever its body is.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import attrs
from psycopg import Connection
from starlette.responses import Response

from placet.bootstrap import Application
from placet.catalogue import store as catalogue_store
from placet.catalogue.model import Catalogue
from placet.catalogue.render import Rendered, render
from placet.consents.model import Decision, Outcome, Recorded, Wish
from placet.delivery.model import Belonging, Kind
from placet.delivery.unsubscribing import SEVERAL, Nothing, Unsubscribing
from placet.interfaces.web.forms import shown_digest
from placet.interfaces.web.languages import Words, language_of
from placet.interfaces.web.shell import Shell, Visit
from placet.kernel.errors import BadInput, NotFound
from placet.kernel.ids import PurposeId, RecordId
from placet.purposes.offers import topics
from placet.purposes.offers.learning.model import Sign
from placet.purposes.offers.topics import TopicId
from placet.purposes.offers.wishes import Frequency, State


@attrs.frozen
class Link:
    """What the templates may know of the message that was clicked in."""

    kind: str
    title: str
    """What we do under it, in the catalogue's words."""
    purposes: str
    channel: str
    topic: str | None
    """What it was about, in words; None where its kind has no topics."""
    at: datetime
    data: tuple[str, ...]
    """What is used for it."""
    why: Sequence[str]
    """Why it came to this person, as that was fixed when it was picked."""


@attrs.frozen
class Undo:
    """The way back from what was just taken back: its text, and the keys that its form carries."""

    key: str
    text: Rendered


@attrs.frozen
class Unsubscribe:
    """The two addresses are one: `/u/{token}`, read and posted."""

    application: Application
    shell: Shell

    def ask(self, visit: Visit) -> Response:
        """What the link belongs to, and what can be stopped by it."""
        with self.application.database.transaction() as connection:
            to = self._found(connection, visit)
            if to is None:
                return self._nothing(visit)
            visit = _spoken(visit, to)
            link = self._link(connection, visit, to)
        return self.shell.render(visit, "portal/unsubscribe.html", link=link)

    def act(self, visit: Visit) -> Response:
        """One click, or one of the page's buttons."""
        with self.application.database.transaction() as connection:
            to = self._found(connection, visit)
        if to is None:
            return self._nothing(visit)
        visit = _spoken(visit, to)
        match visit.form.get("do"):
            case "topic":
                return self._muted(visit, to)
            case "topic-again":
                return self._unmuted(visit, to)
            case "want" | "neutral" | "never" as wish if to.topic is not None and to.kind is Kind.OFFER:
                return self._wished(visit, to, wish)
            case "fewer" | "fewer-again" as told if to.topic is not None and to.kind is Kind.OFFER:
                return self._told(visit, to, told)
            case "less" | "usual" as pace:
                return self._paced(visit, to, pace)
            case "all":
                return self._withdrawn(visit, to, "all")
            case "again":
                return self._given_again(visit, to)
            case _:
                return self._withdrawn(visit, to, "channel")

    def _withdrawn(self, visit: Visit, to: Belonging, what: str) -> Response:
        with self.application.database.transaction() as connection:
            if what == "all":
                wishes = self._links.everything(connection, to)
            else:
                wishes = self._links.channel(connection, to, decision=Decision.WITHDRAWN, route="portal")
        outcomes = self._record(wishes)
        with self.application.database.transaction() as connection:
            self._links.arrived(connection, to, now=visit.now)
            undo = self._undo(connection, visit, to, wishes, outcomes) if what == "channel" else None
        return self._answer(visit, to, what if wishes else "already", undo=undo)

    def _muted(self, visit: Visit, to: Belonging) -> Response:
        with self.application.database.transaction() as connection:
            lately = self._links.mute(connection, to, now=visit.now)
            self._links.arrived(connection, to, now=visit.now)
        return self._answer(visit, to, "topic", several=lately >= SEVERAL, back="topic-again")

    def _unmuted(self, visit: Visit, to: Belonging) -> Response:
        with self.application.database.transaction() as connection:
            self._links.unmute(connection, to)
        return self._answer(visit, to, "topic-again")

    def _wished(self, visit: Visit, to: Belonging, wish: State) -> Response:
        """What the person wants of the message's topic, by every channel; undone by what they had said before."""
        topic, wishes = TopicId(to.topic or ""), self.application.offers.wishes
        with self.application.database.transaction() as connection:
            before = wishes.of(connection, to.subject).get(topic)
            wishes.set(connection, to.subject, topic, wish, by="person", now=visit.now)
            if wish != "never":
                self._links.unmute(connection, to)
            if wish == "want":
                self.application.offers.learning.tell(connection, to.message, Sign.MORE, now=visit.now)
            else:
                self.application.offers.learning.untell(connection, to.message)
            self._links.arrived(connection, to, now=visit.now)
        back = "neutral" if before is None or before.by == "learner" else before.state
        return self._answer(visit, to, wish, back=back)

    def _told(self, visit: Visit, to: Belonging, told: str) -> Response:
        """Less of the message's topic: the learner weighs it, and may end the topic; undone as if it was never said."""
        offers, topic = self.application.offers, TopicId(to.topic or "")
        with self.application.database.transaction() as connection:
            if told == "fewer":
                offers.learning.tell(connection, to.message, Sign.LESS, now=visit.now)
            else:
                offers.learning.untell(connection, to.message)
                if (wish := offers.wishes.of(connection, to.subject).get(topic)) is not None and wish.stopped:
                    offers.wishes.set(connection, to.subject, topic, "neutral", by="person", now=visit.now)
            self._links.arrived(connection, to, now=visit.now)
        return self._answer(visit, to, told, back="fewer-again")

    def _paced(self, visit: Visit, to: Belonging, pace: Frequency) -> Response:
        with self.application.database.transaction() as connection:
            self.application.offers.wishes.frequency(connection, to.subject, pace, now=visit.now)
            self._links.arrived(connection, to, now=visit.now)
        return self._answer(visit, to, pace, back="usual" if pace == "less" else None)

    def _given_again(self, visit: Visit, to: Belonging) -> Response:
        shown, undo = shown_digest(visit.form.get("shown", "")), visit.form.get("undo", "")
        with self.application.database.transaction() as connection:
            wish = self._links.again(connection, to, undo=undo, shown=shown, now=visit.now)
        outcomes = [] if wish is None else self.application.sequencer.record([wish])
        given = any(isinstance(outcome, Recorded) and not outcome.ignored for outcome in outcomes)
        return self._answer(visit, to, "again" if given else "too-late")

    def _record(self, wishes: Sequence[Wish]) -> Sequence[Outcome]:
        """A second click that comes at the same time finds it closed: whatever the outcomes are, it is closed now."""
        return self.application.sequencer.record(wishes) if wishes else ()

    def _undo(
        self, connection: Connection, visit: Visit, to: Belonging, wishes: Sequence[Wish], outcomes: Sequence[Outcome]
    ) -> Undo | None:
        """Where one purpose was taken back, its text is what the way back asks about."""
        recorded = [
            (wish, outcome) for wish, outcome in zip(wishes, outcomes, strict=True) if isinstance(outcome, Recorded)
        ]
        if len(recorded) != 1:
            return None
        wish, outcome = recorded[0]
        return self._undo_of(connection, visit, to, wish.purpose, outcome.record)

    def _undo_of(
        self, connection: Connection, visit: Visit, to: Belonging, purpose: PurposeId, record: RecordId
    ) -> Undo:
        catalogue = self.application.catalogue(connection)
        text = render(catalogue, purpose=purpose, language=visit.words.language, route="portal")
        catalogue_store.remember_shown(connection, text, visit.now)
        return Undo(self._links.tokens.make_undo(to.message, record), text)

    def _answer(
        self,
        visit: Visit,
        to: Belonging,
        done: str,
        *,
        several: bool = False,
        undo: Undo | None = None,
        back: str | None = None,
    ) -> Response:
        """What is *done*; *back* is the button that undoes a wish, *undo* the way back from a withdrawal."""
        with self.application.database.transaction() as connection:
            link = self._link(connection, visit, to)
        return self._done(visit, link, done, several=several, undo=undo, back=None if back == done else back)

    def _found(self, connection: Connection, visit: Visit) -> Belonging | None:
        """Whose link it is; None where nothing is held under it any more."""
        found = self._links.belonging(connection, visit.request.path_params["token"])
        if found is None:
            raise NotFound("no such link", code="not-found")
        return None if isinstance(found, Nothing) else found

    def _nothing(self, visit: Visit) -> Response:
        return self._done(visit, None, "nothing", several=False, undo=None, back=None)

    def _done(
        self, visit: Visit, link: Link | None, done: str, *, several: bool, undo: Undo | None, back: str | None
    ) -> Response:
        return self.shell.render(
            visit, "portal/unsubscribed.html", link=link, done=done, several=several, undo=undo, back=back
        )

    def _link(self, connection: Connection, visit: Visit, to: Belonging) -> Link:
        found = self.application.offers.why(connection, to.message)
        why = () if found is None else found.sentences[visit.words.language]
        return _link(self.application.catalogue(connection), to, visit.words.language, why)

    @property
    def _links(self) -> Unsubscribing:
        return self.application.unsubscribing


def _spoken(visit: Visit, to: Belonging) -> Visit:
    """The page speaks the message's language, unless another is asked for."""
    asked = language_of(visit.request.query_params.get("lang")) or language_of(to.language)
    return visit if asked is None else attrs.evolve(visit, words=Words(asked, visit.words.zone))


def _link(catalogue: Catalogue, to: Belonging, language: str, why: Sequence[str]) -> Link:
    activity = catalogue.activities.get(to.activity)
    needs = () if activity is None else activity.needs
    return Link(
        kind=to.kind,
        title=to.activity if activity is None else activity.titles[language],
        purposes=", ".join(catalogue.purposes[purpose].notice(language).title for purpose in needs),
        channel=to.channel,
        topic=_title(to.topic, language),
        at=to.at,
        data=tuple(catalogue.data[each].titles[language] for each in (() if activity is None else activity.data)),
        why=why,
    )


def _title(topic: str | None, language: str) -> str | None:
    """The topic in words; one that was never ours stays as it is."""
    if topic is None:
        return None
    try:
        return topics.get(topic).titles[language]
    except BadInput:
        return topic
