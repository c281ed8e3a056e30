"""
One person being read: the rows of each table of `holdings`, made from what the rooms below know.

Everything here reads, page by page where there may be thousands, under every id that the person is and was known by.
"""

from __future__ import annotations

import base64
import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache, partial
from typing import Any

import attrs
from psycopg import Connection

from placet.access import held, openings, reads
from placet.catalogue.model import Activity, Catalogue, Purpose
from placet.consents import evidence as sealed
from placet.consents import store as consents
from placet.consents.model import Record, State, as_json
from placet.duties import Json
from placet.gate.uses import Use, every_use_of
from placet.kernel.ids import ActivityId, PurposeId, SubjectId
from placet.kernel.periods import Period, format_instant
from placet.rights.model import RequestId
from placet.rights.rooms import Editions, Rooms
from placet.subjects.model import LANGUAGES, Identity, Subject

Rows = Callable[[], Iterable[Json]]
"""Each call begins anew."""

_PAGE = 200


@attrs.frozen
class Reading:
    """One person being read, in one transaction, for a reader of *language*."""

    rooms: Rooms
    connection: Connection
    person: Subject
    identities: Sequence[Identity]
    records: Sequence[Record]
    """Every record, oldest first, under whichever id it was made."""
    editions: Editions
    catalogue: Catalogue
    language: str
    now: datetime

    @classmethod
    def begin(
        cls, rooms: Rooms, connection: Connection, subject: SubjectId, *, language: str | None, now: datetime
    ) -> Reading:
        """Read who it is; an unknown one raises `NotFound`. Without *language*, the person's own is taken."""
        person = rooms.subjects.get(connection, subject)
        identities = rooms.subjects.identities(connection, person.id)
        found = [record for identity in identities for record in consents.records(connection, identity.id)]
        return cls(
            rooms,
            connection,
            person,
            identities,
            sorted(found, key=lambda record: record.position or 0),
            Editions(connection),
            rooms.in_force.read(connection),
            language or (person.language if person.language in LANGUAGES else "en"),
            now,
        )

    @property
    def is_erased(self) -> bool:
        return self.person.erased_at is not None

    def tables(self) -> Mapping[str, Rows]:
        """The rows of what the rooms below hold, in the order in which it is read."""
        return {name: partial(rows, self) for name, rows in _TABLES.items()}


def _subject(reading: Reading) -> Iterator[Json]:
    person = reading.person
    profile = reading.rooms.subjects.profile(reading.connection, person.id)
    yield {
        "id": str(person.id),
        "language": person.language,
        "name": profile.name,
        "birth_date": None if profile.birth_date is None else profile.birth_date.isoformat(),
        "created_at": format_instant(person.created_at),
        "erased_at": _instant(person.erased_at),
        "also_known_as": [str(identity.id) for identity in reading.identities if identity.id != person.id],
    }


def _contacts(reading: Reading) -> Iterator[Json]:
    for contact in reading.rooms.subjects.contacts(reading.connection, reading.person.id):
        yield {"kind": contact.alias.kind, "value": contact.alias.value, **_period(contact.period)}


def _lines(reading: Reading) -> Iterator[Json]:
    for number, role in reading.rooms.subjects.lines(reading.connection, reading.person.id):
        yield {"line": str(role.line), "number": number.value, "role": role.role, **_period(role.period)}


def _mandates(reading: Reading) -> Iterator[Json]:
    """Both ways. The document that was seen stands where the mandate is over this person: it is sealed for them."""
    subjects, connection, id = reading.rooms.subjects, reading.connection, reading.person.id
    proofs = {} if reading.is_erased else subjects.proofs(connection, id)
    for mandate in subjects.mandates(connection, id):
        yield {
            "id": str(mandate.id),
            "kind": mandate.kind,
            "representative": str(mandate.representative),
            "subject": str(mandate.subject),
            "purposes": sorted(mandate.purposes),
            "proof": proofs.get(mandate.id),
            **_period(mandate.period),
        }


def _states(reading: Reading) -> Iterator[Json]:
    standing = consents.standing_of(reading.connection, reading.person.number)
    for purpose, channels in sorted(standing.items()):
        known = reading.catalogue.purposes.get(purpose)
        for channel, state in sorted(channels.items(), key=lambda item: item[0] or ""):
            major = None if known is None else known.version.major
            yield _state(purpose, known, reading) | {
                "channel": channel,
                "decision": state.seen_at(reading.now, major_in_force=major).value,
                **_since(state),
            }


def _state(purpose: PurposeId, known: Purpose | None, reading: Reading) -> dict[str, Any]:
    return {"purpose": purpose, "purpose_title": _in(known, purpose, reading.language)}


def _since(state: State) -> dict[str, Any]:
    return {
        "since": format_instant(state.occurred_at),
        "notice_major": state.notice_major,
        "expires_at": _instant(state.expires_at),
    }


def _decisions(reading: Reading) -> Iterator[Json]:
    for record in reading.records:
        purpose = reading.editions.at(record.position).purposes.get(record.purpose)
        notice = record.notice
        yield {
            "position": record.position,
            "decision": record.decision.value,
            "purpose": record.purpose,
            "purpose_title": _in(purpose, record.purpose, reading.language),
            "channel": record.channel,
            "occurred_at": format_instant(record.occurred_at),
            "recorded_at": format_instant(record.recorded_at),
            "route": record.route,
            "actor": record.actor.kind,
            "notice_version": None if notice is None else notice.version,
            "text": None if notice is None else notice.sha256,
            "receipt": None if reading.is_erased else f"receipts/receipt-{record.position}.json",
            "record": as_json(record),
        }


def _evidence(reading: Reading) -> Iterator[Json]:
    for identity in reading.identities:
        if identity.key is None:
            continue
        for found in sealed.of_person(reading.connection, identity.number, identity.id, identity.key):
            text = _as_text(found.content)
            yield {
                "hash": found.hash,
                "content": text,
                "base64": base64.b64encode(found.content).decode() if text is None else None,
                "created_at": format_instant(found.created_at),
            }


def _uses(reading: Reading) -> Iterator[Json]:
    describe = cache(partial(_described, reading))
    streams = [every_use_of(reading.connection, identity.id) for identity in reading.identities]
    for use in heapq.merge(*streams, key=lambda use: -use.id):
        yield _use(use) | describe(use.activity, use.position)


def _use(use: Use) -> dict[str, Any]:
    return {
        "id": use.id,
        "at": format_instant(use.at),
        "activity": use.activity,
        "channel": use.channel,
        "outcome": use.outcome,
        "audience": None if use.audience is None else str(use.audience),
        "token": None if use.epoch is None else f"{use.epoch}.{use.position}",
        "permitted": use.permit is not None or use.audience is not None,
    }


def _described(reading: Reading, activity: ActivityId | PurposeId, position: int | None) -> dict[str, Any]:
    """What the catalogue said of *activity* when it was permitted: its words, and which data it reads."""
    catalogue, language = reading.editions.at(position), reading.language
    if (known := catalogue.activities.get(ActivityId(activity))) is not None:
        return {
            "activity_title": known.titles.get(language, activity),
            "purposes": list(known.needs),
            "basis": known.legal_basis,
            "data": _data(catalogue, known.data, language),
        }
    purpose = catalogue.purposes.get(PurposeId(activity))
    return {
        "activity_title": _in(purpose, activity, language),
        "purposes": [] if purpose is None else [activity],
        "basis": None if purpose is None else "consent",
        "data": [] if purpose is None else _data(catalogue, purpose.data, language),
    }


def _sign_ins(reading: Reading) -> Iterator[Json]:
    for identity in reading.identities:
        for found in held.sign_ins(reading.connection, identity.id):
            yield {
                "opened_at": format_instant(found.opened_at),
                "used_at": format_instant(found.used_at),
                "ended_at": _instant(found.ended_at),
                "language": found.language,
            }


def _codes(reading: Reading) -> Iterator[Json]:
    for identity in reading.identities:
        for found in held.codes(reading.connection, identity.id):
            yield {
                "requested_at": format_instant(found.requested_at),
                "used_at": _instant(found.used_at),
                "attempts": found.attempts,
            }


def _passkeys(reading: Reading) -> Iterator[Json]:
    for identity in reading.identities:
        for found in held.passkeys(reading.connection, identity.id):
            yield {
                "name": found.name,
                "created_at": format_instant(found.created_at),
                "used_at": _instant(found.used_at),
                "syncable": found.syncable,
            }


def _openings(reading: Reading) -> Iterator[Json]:
    """The whole record, opened by somebody at the service desk; a refused or unfinished attempt too."""
    for identity in reading.identities:
        before: datetime | None = None
        while page := openings.of_subject(reading.connection, identity.id, before=before, limit=_PAGE):
            for found in page:
                yield {
                    "asked_at": format_instant(found.asked_at),
                    "opened_at": _instant(found.opened_at),
                    "closed_at": _instant(found.closed_at),
                    "role": found.role,
                    "shop": found.shop,
                    "reason": found.reason,
                    "words": "" if identity.key is None else openings.words_of(found, identity.key),
                    "proof": found.proof,
                }
            before = page[-1].asked_at


def _halves(reading: Reading) -> Iterator[Json]:
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
                "completed_at": _instant(half.second_at),
                "way": half.way,
                "reference": half.first.reference,
                "text": half.first.shown.hex(),
                "records": [str(record) for record in half.records],
            }


def _requests(reading: Reading) -> Iterator[Json]:
    requests = reading.rooms.requests
    before: RequestId | None = None
    while page := requests.of_subject(reading.connection, reading.person.id, before=before, limit=_PAGE):
        for request in page:
            yield {
                "id": str(request.id),
                "kind": request.kind,
                "state": request.state,
                "route": request.route,
                "concerns": request.concerns,
                "received_at": format_instant(request.received_at),
                "due": format_instant(request.due),
                "extended_at": _instant(request.extended_at),
                "closed_at": _instant(request.closed_at),
                "text": request.text,
                "outcome": request.outcome,
                "steps": [
                    {"kind": step.kind, "at": format_instant(step.at), "note": step.note}
                    for step in requests.steps(reading.connection, request.id)
                ],
            }
        before = page[-1].id


def _staff_access(reading: Reading) -> Iterator[Json]:
    """By role and place: which member it was is the member's own data (CJEU C-579/21, 83)."""
    for identity in reading.identities:
        before: int | None = None
        while page := reads.of_subject(reading.connection, identity.id, before=before, limit=_PAGE):
            for read in page:
                yield {
                    "at": format_instant(read.at),
                    "role": read.role,
                    "shop": read.shop,
                    "what": read.what,
                    "reason": read.reason,
                }
            before = page[-1].id


def _processing(reading: Reading) -> Iterator[Json]:
    for activity in reading.catalogue.activities.values():
        yield _activity(reading.catalogue, activity, reading.language)


def _activity(catalogue: Catalogue, activity: Activity, language: str) -> Json:
    recipients = {id: None for need in activity.needs for id in catalogue.purposes[need].recipients}
    return {
        "activity": activity.id,
        "activity_title": activity.titles.get(language, activity.id),
        "basis": activity.legal_basis,
        "law": activity.law,
        "purposes": list(activity.needs),
        "channel": activity.channel,
        "data": _data(catalogue, activity.data, language),
        "recipients": [catalogue.recipients[id].titles.get(language, id) for id in recipients],
        "kept_days": activity.retention.days,
        "kept_after": activity.retention.after,
    }


def _in(purpose: Purpose | None, id: str, language: str) -> str:
    notice = None if purpose is None else purpose.notices.get(language)
    return id if notice is None else notice.title


def _data(catalogue: Catalogue, ids: Sequence[str], language: str) -> list[str]:
    return [catalogue.data[id].titles.get(language, id) for id in ids]


def _as_text(content: bytes) -> str | None:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return None


def _instant(moment: datetime | None) -> str | None:
    return None if moment is None else format_instant(moment)


def _period(period: Period) -> dict[str, str | None]:
    return {"from": format_instant(period.start), "to": _instant(period.end)}


_TABLES: Mapping[str, Callable[[Reading], Iterable[Json]]] = {
    "subject": _subject,
    "contacts": _contacts,
    "lines": _lines,
    "mandates": _mandates,
    "states": _states,
    "decisions": _decisions,
    "evidence": _evidence,
    "pending_grants": _halves,
    "uses": _uses,
    "requests": _requests,
    "openings": _openings,
    "staff_access": _staff_access,
    "sign_ins": _sign_ins,
    "codes": _codes,
    "passkeys": _passkeys,
    "processing": _processing,
}
