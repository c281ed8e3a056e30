"""Whether we may learn from the links that the customer presses: their answer, and what they pressed."""

from __future__ import annotations

import attrs
from psycopg import Connection
from starlette.responses import Response

from placet.bootstrap import Application
from placet.consents.model import Decision
from placet.delivery.model import MessageId
from placet.interfaces.portal import wished as views
from placet.interfaces.portal.messages import topic_title
from placet.interfaces.portal.reading import Reader
from placet.interfaces.portal.signing_in import see_other
from placet.interfaces.portal.whom import Whom, show
from placet.interfaces.web.forms import shown_digest
from placet.interfaces.web.shell import Shell, Visit
from placet.kernel.errors import BadInput
from placet.kernel.ids import PurposeId, parse_uuid
from placet.purposes.offers.campaigns.texts import CALLED
from placet.purposes.offers.clicks import questions
from placet.purposes.offers.clicks.actions import EMAIL, Clicks
from placet.purposes.offers.clicks.model import Pressed

OFFERS = PurposeId("offers")
PAGE = 25


@attrs.frozen
class Clicking:
    """Each page is about the one who is signed in."""

    application: Application
    shell: Shell

    def asked(self, connection: Connection, visit: Visit, whom: Whom, reader: Reader) -> views.ClickQuestion | None:
        """What is asked, and what they answered; None while no offers come by e-mail, for then there is no link."""
        if not _by_email(reader):
            return None
        question = questions.question(visit.words.language)
        answer = self._clicks.answer(connection, whom.subject)
        return views.ClickQuestion(
            title=question.title,
            text=question.text,
            answers=(("yes", question.yes), ("no", question.no)),
            shown=question.sha256.hex(),
            said=None if answer is None else views.ClickAnswer(answer.allows, answer.said == "portal", answer.at),
        )

    def answer(self, visit: Visit, whom: Whom) -> Response:
        """A yes or a no, in one press; a no is taken whatever else holds."""
        shown, said = shown_digest(visit.form.get("shown", "")), visit.form.get("answer")
        with self.application.database.transaction() as connection:
            if said == "no":
                self._clicks.decline(connection, whom.subject, shown=shown, now=visit.now)
            elif said != "yes":
                raise BadInput("answer yes or no; nothing was changed", code="bad-form")
            elif _by_email(Reader.of(self.application, connection, visit, whom)):
                self._clicks.allow(connection, whom.subject, shown=shown, now=visit.now)
        return see_other("/offers?saved=clicks#clicks")

    def pressed(self, visit: Visit, whom: Whom) -> Response:
        """What they pressed, newest first."""
        text = visit.request.query_params.get("before")
        before = None if text is None else MessageId(parse_uuid(text, what="a message"))
        with self.application.database.transaction() as connection:
            found = self._clicks.pressed(connection, whom.subject, before=before, limit=PAGE + 1)
            answer = self._clicks.answer(connection, whom.subject)
        return show(
            self.shell,
            visit,
            whom,
            "pressed",
            lines=[self._line(one, visit.words.language) for one in found[:PAGE]],
            older=found[PAGE - 1].message if len(found) > PAGE else None,
            newer=before is not None,
            allows=answer is not None and answer.allows,
            forgotten="forgotten" in visit.request.query_params,
        )

    def forget(self, _visit: Visit, whom: Whom) -> Response:
        """All of it; whether we may learn from the next ones stays as they said."""
        with self.application.database.transaction() as connection:
            self._clicks.forget(connection, whom.subject)
        return see_other("/offers/pressed?forgotten")

    @property
    def _clicks(self) -> Clicks:
        return self.application.offers.clicks

    def _line(self, one: Pressed, language: str) -> views.PressedLine:
        letter = self.application.offers.campaigns.letter(f"campaign/{one.campaign}", language)
        subject = None if letter is None else letter.subject.fill({CALLED: ""})
        return views.PressedLine(subject, topic_title(one.topic, language), one.sent_at, one.pressed_at)


def _by_email(reader: Reader) -> bool:
    standing = reader.standings.get(OFFERS, {}).get(EMAIL)
    return reader.decision(OFFERS) == Decision.GIVEN and standing is not None and standing.decision == Decision.GIVEN
