"""The desk as one ASGI application: its parts, wired, and the address of every page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

from starlette.applications import Starlette
from starlette.routing import BaseRoute, Route

from placet.access.staff import Role
from placet.bootstrap import Application
from placet.consents.signatures import LONGEST
from placet.gate.replica import Replica
from placet.interfaces.desk.asking import Asking
from placet.interfaces.desk.calling import Calling
from placet.interfaces.desk.carrying_out import CarryingOut
from placet.interfaces.desk.completing import Completing
from placet.interfaces.desk.correcting import Correcting
from placet.interfaces.desk.deciding import Deciding
from placet.interfaces.desk.finding import WATCH, Finding
from placet.interfaces.desk.mailing import MailingPages
from placet.interfaces.desk.opening import OpeningPages
from placet.interfaces.desk.record import RecordPages
from placet.interfaces.desk.record_door import RecordDoor, RecordPage
from placet.interfaces.desk.requesting import Requesting
from placet.interfaces.desk.watching import Watching
from placet.interfaces.staff.door import DESK, Door, StaffPage, staff_shell
from placet.interfaces.web.shell import Shell
from placet.kernel import clock
from placet.rights.answering import ERASERS

REQUESTS = (*DESK, Role.DPO)
RECORD = "/desk/records/{subject}"
_FORM_AROUND = 16 * 1024
"""What a form needs beside its file."""


def desk(application: Application, _replica: Replica, *, now: Callable[[], datetime] = clock.now) -> Starlette:
    """The pages of the desk over *application*; every one of them asks the database, none the replica."""
    shell = staff_shell(application, {"desk": "placet.interfaces.desk"}, now=now)
    door = Door(application, shell)
    return shell.site([*_open_to_all(application, shell, door), *_behind_an_opening(application, shell, door)])


def _open_to_all(application: Application, shell: Shell, door: Door) -> Sequence[BaseRoute]:
    """Pages that show no record: finding, checking, the queues."""
    page = partial(_page, shell, door)
    finding, opening = Finding(application, shell), OpeningPages(application, shell)
    record_door = RecordDoor(application, shell)
    records = RecordPages(application, record_door)
    completing = Completing(application, shell, record_door, records)
    requesting, watching = Requesting(application, shell, record_door), Watching(application, shell)
    carrying_out, asking = CarryingOut(application, shell, requesting), Asking(application, shell)
    calling = Calling(application, shell, asking)
    mailing = MailingPages(application, shell)
    return [
        page("GET", "/desk/post", (Role.REVIEWER,), mailing.overview),
        page("POST", "/desk/post", (Role.REVIEWER,), mailing.make),
        page("POST", "/desk/post/{mailing}", (Role.REVIEWER,), mailing.settle),
        page("GET", "/desk/calls", DESK, calling.queue),
        page("GET", "/desk/calls/{message}", DESK, calling.call),
        page("POST", "/desk/calls/{message}", DESK, calling.open),
        page("POST", "/desk/calls/{message}/outcome", DESK, calling.end),
        page("GET", "/desk/calls/{message}/questions", DESK, asking.start),
        page("GET", "/desk/calls/{message}/questions/{question}", DESK, asking.question),
        page("POST", "/desk/calls/{message}/questions/{question}", DESK, asking.answer),
        page("GET", "/desk/calls/{message}/answers", DESK, asking.look_over),
        page("POST", "/desk/calls/{message}/answers", DESK, asking.send),
        page("POST", "/desk/calls/{message}/asking", DESK, asking.stop),
        page("GET", "/desk", DESK, finding.start),
        page("POST", "/desk/find", DESK, finding.find),
        page("GET", "/desk/keys", REQUESTS, finding.keys),
        page("POST", "/desk/own", DESK, finding.own),
        page("GET", f"{RECORD}/open", DESK, opening.ask),
        page("POST", f"{RECORD}/open", DESK, opening.check),
        page("GET", f"{RECORD}/open/code", DESK, opening.code),
        page("POST", f"{RECORD}/open/code", DESK, opening.enter_code),
        page("GET", "/desk/confirm", DESK, completing.queue),
        page("GET", "/desk/confirm/{half}", DESK, completing.opened),
        page("POST", "/desk/confirm/{half}", DESK, completing.settle),
        page("GET", "/desk/requests", REQUESTS, requesting.queue),
        page("GET", "/desk/requests/{request}", REQUESTS, requesting.request),
        page("POST", "/desk/requests/{request}", REQUESTS, requesting.step),
        page("GET", "/desk/requests/{request}/letter", REQUESTS, requesting.letter),
        page("POST", "/desk/requests/{request}/restriction", REQUESTS, carrying_out.restrict),
        page("POST", "/desk/requests/{request}/restriction/{restriction}", REQUESTS, carrying_out.lifting),
        page("POST", "/desk/requests/{request}/objection", REQUESTS, carrying_out.object),
        page("GET", "/desk/requests/{request}/erasure", ERASERS, carrying_out.ask_erasure),
        page("POST", "/desk/requests/{request}/erasure", ERASERS, carrying_out.erase),
        page("GET", "/desk/agents", WATCH, watching.agents),
    ]


def _behind_an_opening(application: Application, shell: Shell, door: Door) -> Sequence[BaseRoute]:
    """Pages of one record; each demands an opening that holds (`RecordDoor`)."""
    record_door = RecordDoor(application, shell)
    page = partial(_record_page, shell, door, record_door)
    records, opening = RecordPages(application, record_door), OpeningPages(application, shell)
    deciding = Deciding(application, record_door, records)
    completing = Completing(application, shell, record_door, records)
    requesting = Requesting(application, shell, record_door)
    correcting = Correcting(application, record_door)
    sign = door.upload(record_door.open("half")(completing.sign), *DESK, most_bytes=LONGEST + _FORM_AROUND)
    return [
        page("GET", "", "record", records.overview),
        page("POST", "/close", "record", opening.close),
        page("GET", "/choices/{purpose}", "script", deciding.script),
        page("POST", "/choices/{purpose}", "script", deciding.answer),
        page("GET", "/halves/{half}", "half", completing.half),
        page("POST", "/halves/{half}/code", "half", completing.send_code),
        page("POST", "/halves/{half}", "half", completing.enter_code),
        Route(f"{RECORD}/halves/{{half}}/signature", sign, methods=["POST"]),
        page("GET", "/done", "record", records.done),
        page("GET", "/history", "history", records.history),
        page("GET", "/history/{record}", "history", records.entry),
        page("GET", "/correct", "correction", correcting.overview),
        page("POST", "/correct", "correction", correcting.correct),
        page("POST", "/correct/contact", "correction", correcting.propose),
        page("POST", "/correct/contact/code", "correction", correcting.confirm),
        page("GET", "/requests/new", "record", requesting.form),
        page("POST", "/requests/new", "record", requesting.file),
    ]  # fmt: skip


def _page(shell: Shell, door: Door, method: str, address: str, roles: Sequence[Role], handler: StaffPage) -> Route:
    return Route(address, shell.page(door.needs(*roles)(handler)), methods=[method])


def _record_page(
    shell: Shell, door: Door, record: RecordDoor, method: str, address: str, what: str, handler: RecordPage
) -> Route:
    guarded = door.needs(*DESK)(record.open(what)(handler))
    return Route(RECORD + address, shell.page(guarded), methods=[method])
