"""
What customers are asked: the editions, one beside another, and the way of a new one from a draft to its publication.

Every step writes a row that names who took it (`catalogue.approvals`); what is decided is decided there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

import attrs
from psycopg import Connection
from starlette.responses import Response

from placet.access import staff
from placet.access.staff_sessions import StaffSession
from placet.bootstrap import publish_draft
from placet.catalogue import approvals, archive
from placet.catalogue import store as catalogue_store
from placet.catalogue.approvals import Draft
from placet.catalogue.difference import compare
from placet.catalogue.files import BadCatalogue
from placet.catalogue.model import Catalogue
from placet.catalogue.publishing import Plan, planned
from placet.catalogue.rules import Change, classify
from placet.consents.shares import Released
from placet.interfaces.console.office import Office, download, release_for, see_other
from placet.interfaces.web.shell import Visit
from placet.kernel.errors import BadInput, Denied, NotFound
from placet.kernel.ids import PurposeId, StaffId, parse_uuid

Step = Callable[[Connection, UUID], Draft]


@attrs.frozen
class Touched:
    """What a change does to one purpose, and for how many people a yes would lapse (None: not known just now)."""

    change: Change
    people: Released | None


@attrs.frozen
class Texts:
    """The pages under `/console/catalogue`."""

    office: Office

    def listing(self, visit: Visit, session: StaffSession) -> Response:
        with self.office.application.database.transaction() as connection:
            editions = catalogue_store.listing(connection)
            drafts = approvals.drafts(connection)
            names = _names(connection, drafts)
        return self.office.render(visit, session, "catalogue", editions=editions, drafts=drafts, members=names)

    def compared(self, visit: Visit, session: StaffSession) -> Response:
        """Two editions side by side."""
        query = visit.request.query_params
        with self.office.application.database.transaction() as connection:
            known = catalogue_store.listing(connection)
            new = _edition(connection, query.get("to") or str(known[0].position))
            earlier = known[1] if len(known) > 1 else known[0]
            old = _edition(connection, query.get("from") or str(earlier.position))
        language = _language(visit, new)
        return self.office.render(
            visit,
            session,
            "compare",
            editions=known,
            chosen=(query.get("from") or str(earlier.position), query.get("to") or str(known[0].position)),
            language=language,
            languages_of=new.languages,
            comparisons=[each for each in compare(old, new, language) if each.is_changed],
            changes={change.purpose: change for change in classify(old, new)},
        )

    def packed(self, visit: Visit, session: StaffSession) -> Response:  # noqa: ARG002 - every role may
        """An edition or a draft as a ZIP of YAML files, to be edited and proposed."""
        name = visit.request.path_params["name"]
        with self.office.application.database.transaction() as connection:
            catalogue = _edition(connection, name) if name.isdigit() else _draft(connection, name).catalogue
        file = f"{catalogue.id}-{catalogue.version}.zip"
        return download(archive.pack(catalogue), name=file, media_type="application/zip")

    def ask(self, visit: Visit, session: StaffSession) -> Response:
        return self._ask(visit, session)

    def propose(self, visit: Visit, session: StaffSession) -> Response:
        """Keep what was uploaded as a draft; what cannot be read is said, file by file, and nothing is kept."""
        why = visit.form.get("why", "")
        try:
            with self.office.application.database.transaction() as connection:
                in_force = catalogue_store.in_force(connection)
                catalogue = archive.assemble(_files(visit), onto=in_force)
                draft = approvals.propose(connection, catalogue, why=why, by=session.member.id, now=visit.now)
        except BadCatalogue as error:
            return self._ask(visit, session, problems=error.problems)
        except BadInput as error:
            return self._ask(visit, session, code=error.code)
        return see_other(f"/console/catalogue/drafts/{draft.id}")

    def draft(self, visit: Visit, session: StaffSession) -> Response:
        return self._draft(visit, session, visit.request.path_params["draft"])

    def act(self, visit: Visit, session: StaffSession) -> Response:
        """Approve, refuse, withdraw or publish a draft; the page says why where that cannot be."""
        id = visit.request.path_params["draft"]
        step = self._step(visit, session, visit.form.get("step", ""))
        try:
            with self.office.application.database.transaction() as connection:
                step(connection, _draft(connection, id).id)
        except NotFound:
            raise
        except (BadInput, Denied) as error:
            return self._draft(visit, session, id, code=error.code)
        return see_other(f"/console/catalogue/drafts/{id}")

    def _step(self, visit: Visit, session: StaffSession, step: str) -> Step:
        by, now = session.member.id, visit.now
        reason = visit.form.get("reason", "")
        steps: Mapping[str, Step] = {
            "approve": lambda connection, id: approvals.approve(connection, id, by=by, now=now),
            "refuse": lambda connection, id: approvals.refuse(connection, id, reason=reason, by=by, now=now),
            "withdraw": lambda connection, id: approvals.withdraw(connection, id, by=by, now=now),
            "publish": lambda connection, id: publish_draft(connection, id, by=by, now=now),
        }
        if step not in steps:
            raise BadInput("the form names no step of a draft; nothing was changed", code="bad-form")
        return steps[step]

    def _ask(
        self, visit: Visit, session: StaffSession, *, problems: Sequence[str] = (), code: str | None = None
    ) -> Response:
        wrong = bool(problems) or code is not None
        with self.office.application.database.transaction() as connection:
            position = catalogue_store.latest_position(connection)
        return self.office.render(
            visit,
            session,
            "propose",
            status=400 if wrong else 200,
            problems=problems,
            code=code,
            why=visit.form.get("why", ""),
            in_force=position,
            most_bytes=archive.MOST_BYTES,
        )

    def _draft(self, visit: Visit, session: StaffSession, id: str, *, code: str | None = None) -> Response:
        with self.office.application.database.transaction() as connection:
            draft = _draft(connection, id)
            in_force = catalogue_store.current(connection)
            base = in_force if draft.is_open else _base(connection, draft, in_force)
            plan = planned(connection, draft.catalogue) if draft.is_open else None
            members = _names(connection, [draft])
        language = _language(visit, draft.catalogue)
        comparisons = compare(base, draft.catalogue, language)
        findings = () if plan is None else plan.findings
        return self.office.render(
            visit,
            session,
            "draft",
            status=200 if code is None else 400,
            code=code,
            draft=draft,
            members=members,
            findings=findings,
            touched=self._touched(session, plan, base, draft.catalogue),
            has_errors=any(finding.level == "error" for finding in findings),
            comparisons=[each for each in comparisons if each.is_changed],
            titles={each.purpose: each.title for each in comparisons},
            language=language,
            languages_of=draft.catalogue.languages,
            is_own=session.member.id == draft.proposed_by,
            is_stale=draft.state == "approved" and draft.steps[-1].base != in_force.digest,
            longest=approvals.LONGEST_REASON,
        )

    def _touched(self, session: StaffSession, plan: Plan | None, old: Catalogue, new: Catalogue) -> list[Touched]:
        """Each change with the people whose yes it ends; after a publication nobody's does any more."""
        changes = classify(old, new) if plan is None else plan.changes
        ended = {purpose for purpose, _ in (() if plan is None else plan.lapsed)}
        return [Touched(change, self._open_for(session, change.purpose, ended)) for change in changes]

    def _open_for(self, session: StaffSession, purpose: PurposeId, ended: set[PurposeId]) -> Released | None:
        release = release_for(session)
        if purpose not in ended:
            return release(0)
        many = self.office.replica.count(purpose, time.monotonic())
        return None if many is None else release(many)


def _files(visit: Visit) -> dict[str, bytes]:
    """What was uploaded, by name; a ZIP is opened, and stands alone."""
    sent = visit.files.get("files", ())
    packed = [upload for upload in sent if upload.name.lower().endswith(".zip")]
    if packed and len(sent) > 1:
        raise BadCatalogue(["choose one ZIP, or YAML files; not both"])
    return archive.unpack(packed[0].data) if packed else {upload.name: upload.data for upload in sent}


def _edition(connection: Connection, position: str) -> Catalogue:
    found = catalogue_store.edition(connection, int(position)) if position.isdigit() and len(position) < 16 else None
    if found is None:
        raise NotFound("there is no such edition", code="unknown-edition")
    return found


def _draft(connection: Connection, id: str) -> Draft:
    try:
        return approvals.get(connection, parse_uuid(id, what="a draft"))
    except NotFound:
        raise
    except BadInput:
        raise NotFound("there is no such draft", code="unknown-draft") from None


def _base(connection: Connection, draft: Draft, in_force: Catalogue) -> Catalogue:
    """What a draft that is closed was proposed over."""
    found = None if draft.base is None else catalogue_store.by_digest(connection, draft.base)
    return in_force if found is None else found


def _language(visit: Visit, catalogue: Catalogue) -> str:
    """The language of the texts: what the address says, else the reader's, else the catalogue's first."""
    wanted = visit.request.query_params.get("text", visit.words.language)
    return wanted if wanted in catalogue.languages else catalogue.languages[0]


def _names(connection: Connection, drafts: Sequence[Draft]) -> dict[StaffId, str]:
    """The names of all who did something to *drafts*."""
    ids = {draft.proposed_by for draft in drafts} | {step.by for draft in drafts for step in draft.steps}
    return {id: staff.get(connection, id).name for id in ids}
