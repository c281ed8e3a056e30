"""Persons: record, find, and everything that is known of one. Aliases come in bodies; URLs carry ids only."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, status

from placet.consents import actions as consents
from placet.consents.model import Standing, State, as_json
from placet.consents.store import standing_of
from placet.interfaces.rest.context import Here, needs
from placet.interfaces.rest.shapes import (
    ChannelStateOut,
    HistoryOut,
    Instant,
    Limit,
    LookupIn,
    Place,
    PurposeStateOut,
    RecordOut,
    StandingOut,
    StateOut,
    SubjectIn,
    SubjectOut,
)
from placet.kernel import clock
from placet.kernel.errors import NotFound
from placet.kernel.ids import SubjectId
from placet.ledger.append import ending
from placet.subjects.model import Alias, Subject

router = APIRouter(prefix="/v1/subjects", tags=["subjects"])

At = Annotated[Instant | None, Query(description="Valid at this instant; left out: now")]
KnownAt = Annotated[Instant | None, Query(description="As recorded by this instant; left out: as known now")]
Before = Annotated[Place | None, Query(description="Only what lies before this position")]
Many = Annotated[Limit, Query()]


@router.post("", status_code=status.HTTP_201_CREATED, dependencies=[needs("subjects:write")])
def add_subject(here: Here, sent: SubjectIn) -> SubjectOut:
    """Record a person. An alias that belongs to somebody else already answers 409 `alias-taken`."""
    with here.application.database.transaction() as connection:
        added = here.application.subjects.add(
            connection,
            aliases=[Alias.parse(alias) for alias in sent.aliases],
            language=sent.language,
            birth_date=sent.birth_date,
            name=sent.name,
            now=clock.now(),
        )
    return _subject(added)


@router.post("/lookup", dependencies=[needs("subjects:read")])
def look_up_subject(here: Here, sent: LookupIn) -> SubjectOut:
    """Whom an alias names. An identity that was merged answers with the one that goes on."""
    with here.application.database.transaction() as connection:
        found = here.application.subjects.find(connection, sent.subject)
    if found is None:
        raise NotFound("no subject is known by this alias; add one with POST /v1/subjects", code="unknown-subject")
    return _subject(found)


@router.get("/{subject}/state", dependencies=[needs("subjects:read")])
def read_state(here: Here, subject: UUID, at: At = None, known_at: KnownAt = None) -> StateOut:
    """Where the person stands on every purpose, now or at any other time (`at`), as known now or then (`known_at`)."""
    now = clock.now()
    application = here.application
    with application.database.transaction() as connection:
        # The token is read first: what follows may be newer than it says, never older.
        head = ending(connection)
        person = application.subjects.get(connection, SubjectId(subject))
        terms = application.in_force.terms(connection)
        if at is None and known_at is None:
            standings = standing_of(connection, person.number)
        else:
            standings = dict(consents.states_as_of(connection, person.id, terms=terms, at=at, known_at=known_at))
    moment = at or now
    return StateOut(
        subject=person.id,
        at=moment,
        known_at=known_at,
        token=f"{head.epoch}.{head.position}",
        purposes=[
            _purpose_state(purpose, standings.get(purpose, {}), moment, major=found.major)
            for purpose, found in terms.items()
        ],
    )


@router.get("/{subject}/history", dependencies=[needs("subjects:read")])
def read_history(here: Here, subject: UUID, before: Before = None, limit: Many = 50) -> HistoryOut:
    """Every decision of the person and what followed from it, newest first."""
    with here.application.database.transaction() as connection:
        person = here.application.subjects.get(connection, SubjectId(subject))
        found = consents.history(connection, person.id, before=before, limit=limit + 1)
    records = [
        RecordOut(position=record.position or 0, record=as_json(record), receipt=f"/v1/receipts/{record.id}")
        for record in found[:limit]
    ]
    more = len(found) > limit
    path = f"/v1/subjects/{subject}/history?before={records[-1].position}&limit={limit}" if more else None
    return HistoryOut(records=records, next=path)


def _subject(subject: Subject) -> SubjectOut:
    return SubjectOut(
        id=subject.id,
        language=subject.language,
        created_at=subject.created_at,
        erased=subject.erased_at is not None,
    )


def _purpose_state(purpose: str, standing: Standing, at: datetime, *, major: int) -> PurposeStateOut:
    channels = [
        ChannelStateOut(channel=channel, **_standing(state, at, major=major))
        for channel, state in sorted(standing.items(), key=lambda item: item[0] or "")
        if channel is not None
    ]
    return PurposeStateOut(purpose=purpose, channels=channels, **_standing(standing.get(None), at, major=major))


def _standing(state: State | None, at: datetime, *, major: int) -> dict[str, Any]:
    """As it counts at *at*; nobody was asked: `unknown`, which opens nothing."""
    if state is None:
        return StandingOut(decision="unknown").model_dump()
    return StandingOut(
        decision=state.seen_at(at, major_in_force=major).value,
        since=state.occurred_at,
        position=state.position,
        notice_major=state.notice_major,
        expires_at=state.expires_at,
    ).model_dump()
