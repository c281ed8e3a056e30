"""
The rows of what the lower rooms hold about a person: who they are, what they said, what was done.

Everything is read under every id that the person is and was known by; uses, of which there may be thousands, as they
are asked for.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from functools import cache, partial
from typing import Any

from placet.catalogue.model import Activity, Catalogue, Purpose
from placet.consents import evidence as sealed
from placet.consents import store as consents
from placet.consents.model import State, as_json
from placet.duties import Json
from placet.gate.uses import Use, every_use_of
from placet.kernel.ids import ActivityId, PurposeId
from placet.kernel.periods import Period, format_instant
from placet.rights.reading import Reading, instant


def subject(reading: Reading) -> Iterator[Json]:
    person = reading.person
    profile = reading.rooms.subjects.profile(reading.connection, person.id)
    yield {
        "id": str(person.id),
        "language": person.language,
        "name": profile.name,
        "birth_date": None if profile.birth_date is None else profile.birth_date.isoformat(),
        "created_at": format_instant(person.created_at),
        "erased_at": instant(person.erased_at),
        "also_known_as": [str(identity.id) for identity in reading.identities if identity.id != person.id],
    }


def contacts(reading: Reading) -> Iterator[Json]:
    for contact in reading.rooms.subjects.contacts(reading.connection, reading.person.id):
        yield {"kind": contact.alias.kind, "value": contact.alias.value, **_period(contact.period)}
    lives = reading.rooms.subjects.residences(reading.connection, [reading.person.id]).get(reading.person.id)
    if lives is not None:
        yield {"kind": "address", "value": ", ".join(lives.address.lines), **_period(Period(lives.since, None))}


def lines(reading: Reading) -> Iterator[Json]:
    for number, role in reading.rooms.subjects.lines(reading.connection, reading.person.id):
        yield {"line": str(role.line), "number": number.value, "role": role.role, **_period(role.period)}


def mandates(reading: Reading) -> Iterator[Json]:
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


def states(reading: Reading) -> Iterator[Json]:
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
        "expires_at": instant(state.expires_at),
    }


def decisions(reading: Reading) -> Iterator[Json]:
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


def evidence(reading: Reading) -> Iterator[Json]:
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


def uses(reading: Reading) -> Iterator[Json]:
    describe = cache(partial(_described, reading))
    for use in every_use_of(reading.connection, reading.person.id):
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


def processing(reading: Reading) -> Iterator[Json]:
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


def _period(period: Period) -> dict[str, str | None]:
    return {"from": format_instant(period.start), "to": instant(period.end)}
