"""
Everything that is known of a person, in one document (GDPR 15 access, 20 portability).

The records as they were committed to, the texts that were shown, the person's own data, and every use.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from psycopg import Connection

from placet.bootstrap import Application
from placet.catalogue import store as catalogue
from placet.catalogue.render import parse
from placet.consents.model import Record, as_json
from placet.consents.store import records
from placet.interfaces.rest.uses import every_use
from placet.kernel.ids import SubjectId
from placet.kernel.periods import Period, format_instant

FORMAT = "placet/export/v1"


def everything(
    application: Application, connection: Connection, subject: SubjectId, *, now: datetime
) -> dict[str, Any]:
    """The whole document. Of an erased person what the ledger keeps is left: no contact and no name."""
    people = application.subjects
    person = people.get(connection, subject)
    profile = people.profile(connection, person.id)
    found = records(connection, person.id)
    return {
        "format": FORMAT,
        "made_at": format_instant(now),
        "subject": {
            "id": str(person.id),
            "language": person.language,
            "created_at": format_instant(person.created_at),
            "erased_at": None if person.erased_at is None else format_instant(person.erased_at),
            "name": profile.name,
            "birth_date": _day(profile.birth_date),
        },
        "contacts": [
            {"kind": contact.alias.kind, "value": contact.alias.value, **_period(contact.period)}
            for contact in people.contacts(connection, person.id)
        ],
        "lines": [
            {"line": str(role.line), "number": number.value, "role": role.role, **_period(role.period)}
            for number, role in people.lines(connection, person.id)
        ],
        "mandates": _mandates(application, connection, person.id),
        "decisions": [
            {"position": record.position, "record": as_json(record), "receipt": f"/v1/receipts/{record.id}"}
            for record in found
        ],
        "texts": _texts(connection, found),
        "uses": list(every_use(connection, person.id)),
    }


def _mandates(application: Application, connection: Connection, subject: SubjectId) -> list[dict[str, Any]]:
    return [
        {
            "id": str(mandate.id),
            "kind": mandate.kind,
            "representative": str(mandate.representative),
            "subject": str(mandate.subject),
            "purposes": sorted(mandate.purposes),
            **_period(mandate.period),
        }
        for mandate in application.subjects.mandates(connection, subject)
    ]


def _texts(connection: Connection, found: Sequence[Record]) -> dict[str, Any]:
    """The texts that the records commit to, by their SHA-256."""
    hashes = {
        record.notice.sha256 for record in found if record.notice is not None and record.notice.sha256 is not None
    }
    texts: dict[str, Any] = {}
    for sha256 in sorted(hashes):
        if (shown := catalogue.shown(connection, bytes.fromhex(sha256))) is not None:
            texts[sha256] = parse(shown.document)
    return texts


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _period(period: Period) -> dict[str, str | None]:
    return {"from": format_instant(period.start), "to": None if period.end is None else format_instant(period.end)}
