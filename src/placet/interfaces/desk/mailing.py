"""Letters: printed as one file, handed over to the post, or thrown away. The file alone holds names and addresses."""

from __future__ import annotations

import attrs
from starlette.responses import Response

from placet.access import reads
from placet.access.staff_sessions import StaffSession
from placet.bootstrap import Application
from placet.delivery.post import HandedOver
from placet.interfaces.staff.signing_in import see_other
from placet.interfaces.web.shell import Shell, Visit
from placet.kernel.errors import BadInput
from placet.kernel.ids import parse_uuid


@attrs.frozen
class MailingPages:
    application: Application
    shell: Shell

    def overview(self, visit: Visit, _session: StaffSession) -> Response:
        return self._page(visit)

    def make(self, visit: Visit, session: StaffSession) -> Response:
        """The letters that are due, as one file to print; it is made once."""
        with self.application.database.transaction() as connection:
            printed = self.application.letters.make(connection, by=str(session.member.id), now=visit.now)
            controller = self.application.catalogue(connection).controller
            reads.note(connection, staff=session.member.id, what="letters", reason="", subject=None, now=visit.now)
        if printed.id is None:
            return see_other("/desk/post?said=nothing")
        # What makes PDF is loaded by the first who prints, not by every server that starts.
        from placet.delivery.paper import Sheet, pdf

        day = visit.now.astimezone(visit.words.zone).date()
        made = pdf(printed.pages, Sheet(controller, day, str(printed.id)))
        headers = {"content-disposition": f'attachment; filename="letters-{printed.id}.pdf"'}
        return Response(made, media_type="application/pdf", headers=headers)

    def settle(self, visit: Visit, _session: StaffSession) -> Response:
        """The mailing leaves the house, or is thrown away."""
        mailing = parse_uuid(visit.request.path_params["mailing"], what="a mailing")
        step = visit.form.get("step", "")
        if step not in {"hand-over", "discard"}:
            raise BadInput("a mailing is handed over or thrown away; nothing was changed", code="bad-step")
        with self.application.database.transaction() as connection:
            if step == "discard":
                self.application.letters.discard(connection, mailing, now=visit.now)
                return see_other("/desk/post?said=discarded")
            over = self.application.letters.hand_over(connection, mailing, now=visit.now)
        return self._page(visit, over=over)

    def _page(self, visit: Visit, *, over: HandedOver | None = None) -> Response:
        with self.application.database.transaction() as connection:
            due = self.application.letters.due(connection, now=visit.now)
            mailings = self.application.letters.mailings(connection)
        said = visit.request.query_params.get("said")
        return self.shell.render(
            visit,
            "desk/post.html",
            due=due,
            mailings=mailings,
            over=over,
            said=said if said in {"nothing", "discarded"} else None,
        )
