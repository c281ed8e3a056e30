"""The rows of what passed between a person and us: requests, openings of the record, looks of the staff, sign-ins."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from placet.access import held, reads
from placet.access import openings as desk
from placet.delivery.calls import calls_of
from placet.delivery.model import MessageId
from placet.duties import Json
from placet.kernel.periods import format_instant
from placet.rights import restriction
from placet.rights.model import RequestId
from placet.rights.reading import PAGE, Reading, instant


def requests(reading: Reading) -> Iterator[Json]:
    requests = reading.rooms.requests
    before: RequestId | None = None
    while page := requests.of_subject(reading.connection, reading.person.id, before=before, limit=PAGE):
        for request in page:
            yield {
                "id": str(request.id),
                "kind": request.kind,
                "state": request.state,
                "route": request.route,
                "concerns": request.concerns,
                "received_at": format_instant(request.received_at),
                "due": format_instant(request.due),
                "extended_at": instant(request.extended_at),
                "closed_at": instant(request.closed_at),
                "text": request.text,
                "outcome": request.outcome,
                "steps": [
                    {"kind": step.kind, "at": format_instant(step.at), "note": step.note}
                    for step in requests.steps(reading.connection, request.id)
                ],
            }
        before = page[-1].id


def openings(reading: Reading) -> Iterator[Json]:
    """The whole record, opened by somebody at the service desk; a refused or unfinished attempt too."""
    for identity in reading.identities:
        before: datetime | None = None
        while page := desk.of_subject(reading.connection, identity.id, before=before, limit=PAGE):
            for found in page:
                yield {
                    "asked_at": format_instant(found.asked_at),
                    "opened_at": instant(found.opened_at),
                    "closed_at": instant(found.closed_at),
                    "role": found.role,
                    "shop": found.shop,
                    "reason": found.reason,
                    "words": "" if identity.key is None else desk.words_of(found, identity.key),
                    "proof": found.proof,
                }
            before = page[-1].asked_at


def staff_access(reading: Reading) -> Iterator[Json]:
    """By role and place: which member it was is the member's own data (CJEU C-579/21, 83)."""
    for identity in reading.identities:
        before: int | None = None
        while page := reads.of_subject(reading.connection, identity.id, before=before, limit=PAGE):
            for read in page:
                yield {
                    "at": format_instant(read.at),
                    "role": read.role,
                    "shop": read.shop,
                    "what": read.what,
                    "reason": read.reason,
                }
            before = page[-1].id


def messages(reading: Reading) -> Iterator[Json]:
    """What was sent and what was not, with the reason, under every identity; what stood in it is not kept."""
    before: MessageId | None = None
    while page := reading.rooms.delivery.of_subject(reading.connection, reading.person.id, before=before, limit=PAGE):
        for found in page:
            yield {
                "planned_at": format_instant(found.planned_at),
                "kind": found.kind,
                "activity": found.activity,
                "channel": found.channel,
                "topic": found.topic,
                "became": found.state,
                "reason": found.reason,
                "changed_at": format_instant(found.changed_at),
            }
        before = page[-1].id


def inbox(reading: Reading) -> Iterator[Json]:
    """What the app shows, with its words."""
    before: MessageId | None = None
    while page := reading.rooms.inbox.of_subject(reading.connection, reading.person.id, before=before, limit=PAGE):
        for item in page:
            yield {
                "put_at": format_instant(item.put_at),
                "kind": item.kind,
                "topic": item.topic,
                "title": item.title,
                "text": "\n\n".join(item.paragraphs),
                "read_at": instant(item.read_at),
            }
        before = page[-1].message


def calls(reading: Reading) -> Iterator[Json]:
    """Which member called is the member's own data; what came of it is the person's."""
    for identity in reading.identities:
        for made in calls_of(reading.connection, identity.id):
            yield {
                "opened_at": format_instant(made.opened_at),
                "kind": made.kind,
                "activity": made.activity,
                "topic": made.topic,
                "attempt": made.attempt,
                "call_outcome": made.outcome,
                "ended_at": instant(made.ended_at),
            }


def sign_ins(reading: Reading) -> Iterator[Json]:
    for identity in reading.identities:
        for found in held.sign_ins(reading.connection, identity.id):
            yield {
                "opened_at": format_instant(found.opened_at),
                "used_at": format_instant(found.used_at),
                "ended_at": instant(found.ended_at),
                "method": found.method,
                "network": found.network,
                "browser": found.browser,
                "language": found.language,
            }


def codes(reading: Reading) -> Iterator[Json]:
    for identity in reading.identities:
        for found in held.codes(reading.connection, identity.id):
            yield {
                "requested_at": format_instant(found.requested_at),
                "used_at": instant(found.used_at),
                "attempts": found.attempts,
            }


def passkeys(reading: Reading) -> Iterator[Json]:
    for identity in reading.identities:
        for found in held.passkeys(reading.connection, identity.id):
            yield {
                "name": found.name,
                "created_at": format_instant(found.created_at),
                "used_at": instant(found.used_at),
                "syncable": found.syncable,
                "backed_up": found.backed_up,
            }


def pending_grants(reading: Reading) -> Iterator[Json]:
    for identity in reading.identities:
        if identity.key is None:
            continue
        for half in reading.rooms.assisted.every_of(reading.connection, identity.number):
            yield {
                "purpose": half.first.purpose,
                "channels": [channel for channel in half.first.grants if channel is not None],
                "route": half.first.route,
                "language": half.first.language,
                "written_at": format_instant(half.first_at),
                "expires_at": format_instant(half.expires_at),
                "became": half.state,
                "completed_at": instant(half.second_at),
                "way": half.way,
                "reference": half.first.reference,
                "text": half.first.shown.hex(),
                "records": [str(record) for record in half.records],
            }


def restrictions(reading: Reading) -> Iterator[Json]:
    for identity in reading.identities:
        for found in restriction.of_subject(reading.connection, identity.id):
            yield {
                "id": str(found.id),
                "purpose": found.purpose,
                "ground": found.ground,
                "since": format_instant(found.since),
                "lifting_at": instant(found.lifting_at),
                "lifted_at": instant(found.lifted_at),
            }
