"""What a person does not want used for the time being (GDPR 18): begun, shown, ended."""

from __future__ import annotations

import attrs
from psycopg import Connection
from starlette.responses import Response

from placet.bootstrap import Application
from placet.interfaces.portal import reading, views
from placet.interfaces.portal.signing_in import see_other
from placet.interfaces.portal.whom import Whom
from placet.interfaces.web.shell import Visit
from placet.kernel.errors import BadInput, NotFound
from placet.rights import restriction
from placet.rights.model import Request
from placet.rights.restriction import GROUNDS


@attrs.frozen
class Restricting:
    """Each restriction is about the one who is signed in."""

    application: Application

    def begin(self, connection: Connection, visit: Visit, whom: Whom, request: Request) -> None:
        """What is restricted rests at once; the ground is looked into afterwards (GDPR 18(1))."""
        ground = next((ground for ground in GROUNDS if ground == visit.form.get("ground")), None)
        if ground is None:
            raise BadInput("a restriction has one of the grounds of the law; nothing was changed", code="bad-ground")
        purpose = None if request.concerns is None else self.application.catalogue(connection).purpose(request.concerns)
        restriction.restrict(
            connection,
            self.application.subjects,
            whom.subject,
            None if purpose is None else purpose.id,
            ground=ground,
            by=whom.actor,
            request=request.id,
            now=visit.now,
        )

    def lasting(self, connection: Connection, visit: Visit, whom: Whom) -> list[views.Resting]:
        """What is restricted at present."""
        catalogue, language = self.application.catalogue(connection), visit.words.language
        return [
            views.Resting(
                str(each.id),
                None if each.purpose is None else reading.title_of(catalogue, each.purpose, language),
                each.ground,
                each.since,
                each.lifting_at,
            )
            for each in restriction.of_subject(connection, whom.subject)
            if each.lifted_at is None
        ]

    def lift(self, visit: Visit, whom: Whom) -> Response:
        """The person ends a restriction, and what they consented to goes on; twice is once."""
        asked = visit.request.path_params["restriction"]
        with self.application.database.transaction() as connection:
            mine = restriction.of_subject(connection, whom.subject)
            found = next((each for each in mine if str(each.id) == asked), None)
            if found is None:
                raise NotFound("no such restriction of yours", code="unknown-restriction")
            if found.lifted_at is None:
                restriction.lift(connection, self.application.subjects, found.id, by=whom.actor, now=visit.now)
        return see_other("/requests")
