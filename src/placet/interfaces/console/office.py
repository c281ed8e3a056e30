"""What every page of the console stands on: who looks, what they may see, and the line that says how things are."""

from __future__ import annotations

import re
import time
from datetime import datetime

import attrs
from starlette.responses import RedirectResponse, Response

from placet.access.staff import Role
from placet.access.staff_sessions import StaffSession
from placet.bootstrap import Application
from placet.consents import counts, shares
from placet.consents.shares import Release
from placet.gate import audited, stops
from placet.gate.audited import Audited
from placet.gate.replica import Replica
from placet.interfaces.web import charts
from placet.interfaces.web.shell import Shell, Visit
from placet.kernel.ids import PurposeId
from placet.ledger import store as ledger_store
from placet.ledger.append import ending
from placet.ledger.store import Checkpoint, Verification

FIGURES = (Role.MARKETER, Role.ANALYST, Role.DPO, Role.ADMIN)
"""Who sees figures; only the officer sees those of few persons."""
OFFICE = (Role.DPO, Role.ADMIN)
"""Who proposes and approves what customers are asked."""
OFFICER = (Role.DPO,)
"""Who may look at a person, for a reason."""

_WITNESS = re.compile(r"^\N{EM DASH} (\S+) ", re.MULTILINE)


@attrs.frozen
class Health:
    """How the whole stands, in few look-ups whose cost does not grow."""

    position: int
    checkpoint: Checkpoint | None
    cosigned: Checkpoint | None
    verified: Verification | None
    audited: Audited
    closed: frozenset[PurposeId]
    replica_age: float
    """Seconds since the replica of this process last heard the ledger."""
    counted: int

    @property
    def is_signed(self) -> bool:
        """Whether the tree has reached the records, but for those of this second."""
        return self.checkpoint is not None and self.position - self.checkpoint.size <= _BEHIND

    @property
    def witnesses(self) -> tuple[str, ...]:
        """Who cosigned the newest checkpoint that anybody did."""
        lines = () if self.cosigned is None else self.cosigned.cosignatures
        return tuple(match[1] for line in lines if (match := _WITNESS.match(line)))

    @property
    def is_well(self) -> bool:
        """Nothing here that somebody should look at now."""
        intact = self.verified is None or self.verified.is_intact
        return self.is_signed and intact and not self.audited.without_permit and not self.closed

    @property
    def is_proved(self) -> bool:
        """Somebody outside has seen the log, all of it was recomputed, and uses are replayed: well, and shown to be."""
        seen = self.cosigned is not None and self.verified is not None and self.audited.at is not None
        return self.is_well and seen


_BEHIND = 5_000
"""Records that a moment of the busiest hour may bring before the tree follows."""


@attrs.frozen
class Office:
    """The application, the replica and the shell; each page of the console holds one."""

    application: Application
    replica: Replica
    shell: Shell

    def render(
        self, visit: Visit, session: StaffSession, template: str, *, status: int = 200, **values: object
    ) -> Response:
        """A page of the console, with its health line."""
        return self.shell.render(
            visit,
            f"console/{template}.html",
            status=status,
            session=session,
            health=self.health(),
            charts=charts,
            is_officer=session.member.has(*OFFICER),
            is_office=session.member.has(*OFFICE),
            reads_mobility=session.member.has(Role.ANALYST, *OFFICE),
            **values,
        )

    def health(self) -> Health:
        with self.application.database.transaction() as connection:
            end = ending(connection)
            return Health(
                position=end.position,
                checkpoint=ledger_store.latest_checkpoint(connection, end.epoch),
                cosigned=ledger_store.latest_cosigned_checkpoint(connection, end.epoch),
                verified=ledger_store.latest_verification(connection),
                audited=audited.audited(connection),
                closed=frozenset(closure.purpose for closure in stops.closures(connection)),
                replica_age=max(0.0, time.monotonic() - self.replica.memory.view.heard),
                counted=counts.counted_to(connection),
            )


def release_for(session: StaffSession) -> Release:
    """Counts of few persons are for those whose office it is; everybody else gets tens."""
    return shares.exact if session.member.has(*OFFICER) else shares.rounded


def see_other(address: str) -> RedirectResponse:
    """After a form, a page that can be loaded again (RFC 9110 §15.4.4)."""
    return RedirectResponse(address, status_code=303)


def download(data: bytes, *, name: str, media_type: str) -> Response:
    """*data* as a file to keep."""
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(data, media_type=media_type, headers=headers)


def dated(name: str, now: datetime, ending: str) -> str:
    """A file's name with the day on which it was made."""
    return f"placet-{name}-{now:%Y-%m-%d}.{ending}"
