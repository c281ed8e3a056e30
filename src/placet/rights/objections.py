"""
Objection (GDPR Art. 21).

To direct marketing it acts at once, and nobody weighs anything (21(2), (3)): it is recorded as `objected`. So it is for
everything else that rests on a consent: an objection there is a no, and a no is never put off. To an activity on our
legitimate interest it is a request, which a member answers by showing grounds that weigh more, or by ending it (21(1)).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

import attrs
from psycopg import Connection

from placet.catalogue.model import Activity, Catalogue, Purpose
from placet.consents import actions as consents
from placet.consents.actions import Rulebook
from placet.consents.model import Actor, Decision, Outcome, Recorded, Refused, Wish
from placet.kernel.errors import BadInput
from placet.kernel.ids import ActivityId, ChannelId, MandateId, PurposeId, SubjectId, parse_uuid
from placet.rights.model import Request, Route
from placet.rights.requests import Requests
from placet.subjects.actions import Subjects

MARKETING = frozenset({"dpv:DirectMarketing", "dpv:PersonalisedAdvertising", "dpv:Advertising", "dpv:Marketing"})
"""What a purpose says of itself in the Data Privacy Vocabulary when it is direct marketing."""

ALL_MARKETING = "marketing"
"""What an objection to all direct marketing concerns, as a page and a request name it."""

_RECORDED: dict[Route, str] = {"portal": "portal", "desk": "desk", "phone": "phone", "post": "post", "email": "post"}
"""The route of the record; a letter is a letter, on paper or not."""


@attrs.frozen
class Objection:
    """What a person objects to: a purpose, one of its channels, an activity, or (None) all direct marketing."""

    subject: SubjectId
    target: PurposeId | ActivityId | None
    channel: ChannelId | None = None


@attrs.frozen
class Stopped:
    """It holds already: one outcome for each purpose that it ended."""

    outcomes: tuple[Outcome, ...]


@attrs.frozen
class Filed:
    """A member must answer it."""

    request: Request


Answer: TypeAlias = Stopped | Filed


def object_to(
    connection: Connection,
    objection: Objection,
    *,
    catalogue: Catalogue,
    rulebook: Rulebook,
    requests: Requests,
    text: str | None = None,
    route: Route,
    actor: Actor,
    opening: UUID | None = None,
    received_at: datetime | None = None,
    key: bytes | None = None,
    now: datetime,
) -> Answer:
    """
    Let an objection act; the caller has asked whether the log agrees with its past. A representative needs a mandate
    that covers each purpose; where nothing could be recorded at all, that is said, not dropped.

    *received_at* and *key* are of the request that is filed where a member must weigh it (`Requests.file`).

    What rests on contract or law cannot be objected to, which raises `BadInput`
    (`no-objection`) and says what can be done instead.
    """
    activity = _activity(catalogue, objection.target)
    if activity is not None and not activity.needs:
        _demand_interest(activity)
        request = requests.file(
            connection, objection.subject, "objection", text=text, route=route, filed_by=actor, concerns=activity.id,
            opening=opening, received_at=received_at, key=key, now=now,
        )  # fmt: skip
        return Filed(request)
    wishes = [
        Wish(
            objection.subject,
            purpose,
            Decision.OBJECTED,
            _RECORDED[route],
            actor,
            channel=channel,
            mandate=_mandate(connection, requests.subjects, objection.subject, actor, purpose, now),
        )
        for purpose, channel in _ended(catalogue, objection, activity)
    ]
    outcomes = consents.record(connection, wishes, rulebook=rulebook, now=now)
    if not any(isinstance(outcome, Recorded) for outcome in outcomes):
        (first, *_) = (outcome for outcome in outcomes if isinstance(outcome, Refused))
        raise BadInput(first.message, code=first.code)
    return Stopped(tuple(outcomes))


def is_marketing(purpose: Purpose) -> bool:
    """Whether *purpose* is direct marketing (GDPR 21(2)): its catalogue says so."""
    return not MARKETING.isdisjoint(purpose.dpv)


def marketing(catalogue: Catalogue) -> list[PurposeId]:
    """The purposes that an objection to direct marketing ends."""
    return [purpose.id for purpose in catalogue.purposes.values() if is_marketing(purpose)]


def purposes_of(catalogue: Catalogue, concerns: str) -> list[PurposeId]:
    """What an objection to *concerns* (a purpose, or `marketing`) ends at once; nothing where it must be weighed."""
    if concerns == ALL_MARKETING:
        return marketing(catalogue)
    return [PurposeId(concerns)] if concerns in catalogue.purposes else []


def may_object(catalogue: Catalogue) -> list[ActivityId]:
    """The activities on our legitimate interest: those that a member must weigh."""
    return [activity.id for activity in catalogue.activities.values() if activity.legal_basis == "legitimate-interest"]


def _activity(catalogue: Catalogue, target: str | None) -> Activity | None:
    return None if target is None or "." not in target else catalogue.activity(target)


def _ended(
    catalogue: Catalogue, objection: Objection, activity: Activity | None
) -> Iterable[tuple[PurposeId, ChannelId | None]]:
    if objection.target is None:
        return [(purpose, None) for purpose in marketing(catalogue)]
    if activity is None:
        return [(catalogue.purpose(objection.target).id, objection.channel)]
    # The activity's own purpose; others that it needs go on opening what else they open.
    own = catalogue.purposes.get(PurposeId(activity.id.partition(".")[0]))
    needed = catalogue.needs_of(activity)
    return [need for need in needed if own is not None and need[0] == own.id] or needed[:1]


def _mandate(
    connection: Connection, subjects: Subjects, subject: SubjectId, actor: Actor, purpose: PurposeId, now: datetime
) -> MandateId | None:
    """By what a representative speaks on *purpose*; nobody else needs one."""
    if actor.kind != "representative" or actor.id is None:
        return None
    representative = SubjectId(parse_uuid(actor.id, what="the representative's id"))
    held = subjects.mandate_for(connection, representative, subject, purpose, now)
    return None if held is None else held.id


def _demand_interest(activity: Activity) -> None:
    if activity.legal_basis != "legitimate-interest":
        raise BadInput(
            f"{activity.id} rests on {activity.legal_basis}, which cannot be objected to (GDPR 21(1)); file a"
            " complaint, or a request for restriction or erasure. Nothing was changed",
            code="no-objection",
        )
