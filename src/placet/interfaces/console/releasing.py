"""
Mobility in the console: what was released and what it cost, one release with what can be done about it, and what was
delivered to be counted.

A release becomes public by a second person. Whoever decides that looks at its files first: they are here before the
world has them. What is decided is decided in `purposes.mobility.releasing`, which writes a row that names who did it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from urllib.parse import urlencode

import attrs
from psycopg import Connection
from starlette.responses import FileResponse, Response

from placet.access import staff
from placet.access.staff import Role
from placet.access.staff_sessions import StaffSession
from placet.interfaces.atlas.pages import month
from placet.interfaces.console.office import Office, see_other
from placet.interfaces.web.charts import Bar
from placet.interfaces.web.languages import Words
from placet.interfaces.web.shell import Visit
from placet.kernel.errors import BadInput, Conflict, Denied, NotFound, Tampered
from placet.kernel.ids import StaffId
from placet.purposes.mobility.model import MONTHLY, TILE_HOURS, ReleaseId, Rho
from placet.purposes.mobility.privacy import budget
from placet.purposes.mobility.privacy.accounting import Loss, daily_cost
from placet.purposes.mobility.privacy.budget import Account
from placet.purposes.mobility.quality import Quality
from placet.purposes.mobility.releasing.model import Release, State, report_files

HERE = "/console/mobility"
READERS = (Role.ANALYST, Role.DPO, Role.ADMIN)
"""Who sees what was released, also before it is public."""
PUBLISHERS = (Role.ANALYST, Role.DPO)
"""Who makes a release public, as the second person, or withdraws it."""
_A_PAGE = 20
_MONTH = 30
_LOOKED_BACK = {"7": 7, "31": 31, "92": 92}
_LATEST = "31"


@attrs.frozen
class Can:
    """What whoever looks may do with the release as it stands."""

    publish: bool
    withdraw: bool
    waits: bool
    """It is for another person to make public."""

    @classmethod
    def of(cls, release: Release, session: StaffSession) -> Can:
        publisher, is_own = session.member.has(*PUBLISHERS), release.made_by == session.member.id
        made = release.state is State.MADE
        return cls(
            publish=publisher and made and not is_own,
            withdraw=publisher and release.state is not State.WITHDRAWN,
            waits=made and (is_own or not publisher),
        )


@attrs.frozen
class Releasing:
    """The pages `/console/mobility`, `…/releases/{release}`, `…/quality`."""

    office: Office

    def listing(self, visit: Visit, session: StaffSession) -> Response:
        application = self.office.application
        before = visit.request.query_params.get("before")
        with application.database.transaction() as connection:
            found = application.mobility.releases.listing(
                connection, before=None if before is None else ReleaseId(before), limit=_A_PAGE + 1
            )
            accounts = budget.accounts(connection)[:12]
            members = _members(connection, [release.made_by for release in found])
        return self.office.render(
            visit,
            session,
            "mobility",
            releases=found[:_A_PAGE],
            members=members,
            month=month,
            accounts=accounts,
            account_bars=[_account_bar(account, visit.words) for account in accounts],
            plans=_plans(Rho(application.config.mobility_rho)),
            newest=HERE if before else None,
            older=f"?{urlencode({'before': found[_A_PAGE - 1].id})}" if len(found) > _A_PAGE else None,
        )

    def show(self, visit: Visit, session: StaffSession) -> Response:
        return self._show(visit, session)

    def act(self, visit: Visit, session: StaffSession) -> Response:
        """Make it public, or withdraw it; the page says why where that cannot be."""
        id = _id(visit)
        try:
            with self.office.application.database.transaction() as connection:
                self._step(connection, visit, id, session.member.id)
        except (BadInput, Conflict, Denied, Tampered) as error:
            return self._show(visit, session, code=error.code)
        return see_other(f"{HERE}/releases/{id}")

    def file(self, visit: Visit, session: StaffSession) -> Response:  # noqa: ARG002
        """A file of a release, public or not."""
        releases = self.office.application.mobility.releases
        with self.office.application.database.transaction() as connection:
            release = releases.get(connection, _id(visit))
        name = visit.request.path_params["file"]
        return FileResponse(releases.file(release, name), filename=f"{release.id}-{name}")

    def quality(self, visit: Visit, session: StaffSession) -> Response:
        """What was delivered day by day, and what became of its rows. Exact, and for the house alone."""
        days = visit.request.query_params.get("days", _LATEST)
        chosen = days if days in _LOOKED_BACK else _LATEST
        until = visit.now.astimezone(visit.words.zone).date()
        found = self.office.application.mobility.quality(until - timedelta(days=_LOOKED_BACK[chosen]), until)
        return self.office.render(
            visit,
            session,
            "mobility_quality",
            found=found,
            faults=_faults(found),
            suspects=[(manifest.day, suspect) for manifest in found.days for suspect in manifest.suspects],
            spans=list(_LOOKED_BACK),
            chosen=chosen,
        )

    def _step(self, connection: Connection, visit: Visit, id: ReleaseId, by: StaffId) -> None:
        releases, form = self.office.application.mobility.releases, visit.form
        match form.get("step"):
            case "publish":
                releases.publish(connection, id, by=by, now=visit.now)
            case "withdraw":
                releases.withdraw(connection, id, by=by, notice=form.get("notice", ""), now=visit.now)
            case _:
                raise BadInput("the form names no step", code="bad-form")

    def _show(self, visit: Visit, session: StaffSession, *, code: str | None = None) -> Response:
        releases = self.office.application.mobility.releases
        with self.office.application.database.transaction() as connection:
            release = releases.get(connection, _id(visit))
            members = _members(connection, [release.made_by, release.public_by])
        return self.office.render(
            visit,
            session,
            "mobility_release",
            status=200 if code is None else 400,
            release=release,
            members=members,
            can=Can.of(release, session),
            code=code,
            month=month,
            loss=Loss(release.rho),
            files=sorted(releases.files(release)),
            reports=report_files(releases.files(release)),
        )


def _id(visit: Visit) -> ReleaseId:
    return ReleaseId(visit.request.path_params["release"])


def _members(connection: Connection, who: Sequence[StaffId | None]) -> Mapping[StaffId, str]:
    """Their names, as far as they are still known."""
    found = {}
    for id in {each for each in who if each is not None}:
        try:
            found[id] = staff.get(connection, id).name
        except NotFound:
            continue
    return found


def _account_bar(account: Account, words: Words) -> Bar:
    """What a month has cost of what it may."""
    share = float(account.spent / account.cap) if account.cap else 1.0
    name = f"{words.months[account.month.month - 1]} {account.month.year}"
    cost = f"ρ {words.decimals(account.spent)} / {words.decimals(account.cap)}"
    return Bar(name, share, f"{cost} · ε {words.decimal(Loss(account.spent).epsilon)}")


def _plans(cap: Rho) -> Mapping[str, Loss]:
    """What one may think of, and what it would cost each person in a month: losses add."""
    monthly = Rho(sum((product.rho for product in MONTHLY), Decimal(0)))
    return {
        "cap": Loss(cap),
        "month": Loss(monthly),
        "tile-hours": daily_cost(TILE_HOURS.rho, _MONTH),
        "daily": daily_cost(monthly, _MONTH),
    }


def _faults(found: Quality) -> Sequence[str]:
    """The kinds of faults that there were, the most frequent first."""
    totals: dict[str, int] = {}
    for manifest in found.days:
        for fault, many in manifest.faults.items():
            totals[fault] = totals.get(fault, 0) + many
    return sorted((fault for fault in totals if totals[fault]), key=lambda fault: (-totals[fault], fault))
