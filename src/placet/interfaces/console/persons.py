"""The two pages of the officer that concern single persons: the case file of one, and who looked at whom."""

from __future__ import annotations

import attrs
from psycopg import Connection
from starlette.responses import Response, StreamingResponse

from placet.access import reads
from placet.access.staff import Role
from placet.access.staff_sessions import StaffSession
from placet.interfaces.console.office import Office
from placet.interfaces.web.shell import Visit
from placet.kernel.errors import BadInput, PlacetError
from placet.kernel.ids import SubjectId
from placet.rights import casefile
from placet.subjects.model import Subject

PAGE = 50


@attrs.frozen
class Persons:
    """The pages `/console/case-files` and `/console/reads`."""

    office: Office

    def ask(self, visit: Visit, session: StaffSession) -> Response:
        return self._ask(visit, session)

    def make(self, visit: Visit, session: StaffSession) -> Response:
        """The case file, after the reason is written down: who looked, at whom, why, before anything is handed out."""
        application = self.office.application
        try:
            with application.database.transaction() as connection:
                subject = self._named(visit, connection)
                self._note(visit, session, connection, subject.id)
            bundle = casefile.make(application, subject.id, language=visit.words.language, now=visit.now)
        except PlacetError as error:
            return self._ask(visit, session, code=error.code)
        headers = {
            "content-disposition": f'attachment; filename="{bundle.filename}"',
            "content-length": str(bundle.size),
        }
        return StreamingResponse(bundle.chunks(), media_type=bundle.media_type, headers=headers)

    def reads(self, visit: Visit, session: StaffSession) -> Response:
        """Every privileged read, the newest first; that somebody looked at this page is one too."""
        before = _id(visit.request.query_params.get("before"))
        with self.office.application.database.transaction() as connection:
            found = reads.listing(connection, before=before, limit=PAGE + 1)
            reads.note(
                connection,
                staff=session.member.id,
                what="reads",
                reason="",
                subject=None,
                now=visit.now,
                role=Role.DPO,
            )
        older = found[PAGE - 1].id if len(found) > PAGE else None
        return self.office.render(
            visit, session, "reads", reads=found[:PAGE], older=older, is_later_page=before is not None
        )

    def _named(self, visit: Visit, connection: Connection) -> Subject:
        named = visit.form.get("subject", "").strip()
        found = self.office.application.subjects.find(connection, named) if named else None
        if found is None:
            raise BadInput("nobody is known by this; nothing was made", code="unknown-subject")
        return found

    def _note(self, visit: Visit, session: StaffSession, connection: Connection, subject: SubjectId) -> None:
        reason = visit.form.get("reason", "").strip()
        if not reason:
            raise BadInput("say why; nothing was made", code="bad-reason")
        by, now = session.member.id, visit.now
        reads.note(connection, staff=by, what="case-file", reason=reason, subject=subject, now=now, role=Role.DPO)

    def _ask(self, visit: Visit, session: StaffSession, *, code: str | None = None) -> Response:
        return self.office.render(
            visit,
            session,
            "case_files",
            status=200 if code is None else 400,
            code=code,
            named=visit.form.get("subject", ""),
            reason=visit.form.get("reason", ""),
        )


def _id(text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isdecimal() or len(text) > 18:
        raise BadInput("the address names no page of the log; open it from the start", code="bad-position")
    return int(text)
