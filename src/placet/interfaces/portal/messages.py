"""What we sent the customer and what we did not, with the reason; and the inbox of the app, which is read here, too."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import attrs
from starlette.responses import Response

from placet.bootstrap import Application
from placet.catalogue.model import Catalogue
from placet.delivery.inbox import Item
from placet.delivery.model import MessageId, Shown, State
from placet.interfaces.portal import views
from placet.interfaces.portal.signing_in import see_other
from placet.interfaces.portal.whom import Whom, show
from placet.interfaces.web.shell import Shell, Visit
from placet.kernel.errors import BadInput, Conflict
from placet.kernel.ids import parse_uuid
from placet.purposes.offers import topics
from placet.purposes.offers.greetings.texts import said
from placet.purposes.offers.surveys.handing import Handing, InApp

PAGE = 25
"""Messages on one page."""
SHOWS: Mapping[str, Collection[State] | None] = {
    "all": None,
    "sent": (State.SENDING, State.SENT, State.DELIVERED, State.UNKNOWN),
    "not-sent": (State.REFUSED, State.FAILED),
}
"""What the list may be narrowed to."""


@attrs.frozen
class Messages:
    """Each page is about the one who is signed in."""

    application: Application
    shell: Shell

    def overview(self, visit: Visit, whom: Whom) -> Response:
        """Everything that was meant for the customer, newest first."""
        before = _place_of(visit)
        asked = visit.request.query_params.get("show", "all")
        chosen = asked if asked in SHOWS else "all"
        with self.application.database.transaction() as connection:
            catalogue = self.application.catalogue(connection)
            found = self.application.delivery.of_subject(
                connection, whom.subject, before=before, limit=PAGE + 1, states=SHOWS[chosen]
            )
            unread = self.application.inbox.unread(connection, whom.subject)
        return show(
            self.shell,
            visit,
            whom,
            "messages",
            lines=[_line(one, catalogue, visit.words.language) for one in found[:PAGE]],
            chosen=chosen,
            shows=tuple(SHOWS),
            unread=unread,
            older=found[PAGE - 1].id if len(found) > PAGE else None,
            newer=before is not None,
        )

    def inbox(self, visit: Visit, whom: Whom) -> Response:
        """What the app shows, in full."""
        return self._inbox(visit, whom)

    def questions(self, visit: Visit, whom: Whom) -> Response:
        """The survey that a text invites to: its link is made now, and kept nowhere."""
        try:
            with self.application.database.transaction() as connection:
                item = self.application.inbox.item(connection, whom.subject, _message(visit))
                address = self._handing.take(connection, item.template, whom.subject, now=visit.now)
        except Conflict as error:
            return self._inbox(visit, whom, refused=error.code)
        return see_other(address)

    def _inbox(self, visit: Visit, whom: Whom, *, refused: str | None = None) -> Response:
        before = _place_of(visit)
        with self.application.database.transaction() as connection:
            found = self.application.inbox.of_subject(connection, whom.subject, before=before, limit=PAGE + 1)
            unread = self.application.inbox.unread(connection, whom.subject)
            surveys = [
                self._handing.in_app(connection, one.template, whom.subject, now=visit.now) for one in found[:PAGE]
            ]
        return show(
            self.shell,
            visit,
            whom,
            "inbox",
            status=200 if refused is None else 409,
            items=[_item(one, survey, visit.words.language) for one, survey in zip(found, surveys, strict=False)],
            refused=refused,
            unread=unread,
            older=found[PAGE - 1].message if len(found) > PAGE else None,
            newer=before is not None,
        )

    def read(self, visit: Visit, whom: Whom) -> Response:
        """The customer has read one."""
        with self.application.database.transaction() as connection:
            self.application.inbox.read(connection, whom.subject, _message(visit), now=visit.now)
        return see_other("/messages/inbox")

    @property
    def _handing(self) -> Handing:
        return self.application.offers.surveys.handing


def topic_title(topic: str | None, language: str) -> str | None:
    """A topic, or what a greeting is for, as the customer reads it; one that is known no more is left out."""
    if topic is None:
        return None
    if (occasion := said("titles").get(topic)) is not None:
        return str(occasion[language])
    try:
        return topics.get(topic).titles[language]
    except BadInput:
        return None


def _line(shown: Shown, catalogue: Catalogue, language: str) -> views.MessageLine:
    activity = catalogue.activities.get(shown.activity)
    channel = catalogue.channels.get(shown.channel)
    return views.MessageLine(
        kind=shown.kind,
        title=None if activity is None else activity.titles[language],
        channel=shown.channel if channel is None else channel.titles[language],
        topic=topic_title(shown.topic, language),
        state=shown.state,
        reason=shown.reason,
        planned_at=shown.planned_at,
        changed_at=shown.changed_at,
        not_before=shown.not_before,
    )


def _message(visit: Visit) -> MessageId:
    return MessageId(parse_uuid(visit.request.path_params["message"], what="a message"))


def _item(item: Item, survey: InApp | None, language: str) -> views.InboxItem:
    return views.InboxItem(
        message=str(item.message),
        kind=item.kind,
        topic=topic_title(item.topic, language),
        title=item.title,
        paragraphs=item.paragraphs,
        at=item.put_at,
        is_read=item.read_at is not None,
        stop=item.stop,
        survey=survey,
    )


def _place_of(visit: Visit) -> MessageId | None:
    """The message that the page before ended with."""
    text = visit.request.query_params.get("before")
    return None if text is None else MessageId(parse_uuid(text, what="a message"))
