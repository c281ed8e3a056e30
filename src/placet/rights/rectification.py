"""
Rectification (GDPR Art. 16): what is wrong about a person is put right in every room that holds a copy.

The rooms are reached through `Subjects` and the duties of the purposes. The old value is overwritten, except of a
contact: that one ends, and stays with its period until an erasure, since it explains who was reached when. The receipt
says where something changed, never what it was.

A phone number or e-mail address becomes a person's by a code that was sent to it (`propose`, `confirm`): before that
nobody signs in by it, and nobody learns whose it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Protocol, TypeAlias
from uuid import UUID

import attrs
from psycopg import Connection

from placet.access.codes import Codes
from placet.access.openings import Proof
from placet.consents.model import Actor
from placet.delivery.service import News, ServiceMessages, What
from placet.duties import Correction, Duties, Person
from placet.kernel.errors import BadInput, Conflict, Denied
from placet.kernel.ids import SubjectId, new_record_id
from placet.rights.store import SQL
from placet.subjects.actions import Subjects
from placet.subjects.model import Alias, Profile
from placet.subjects.postal import PostalAddress

HERE = "subjects"
"""The room that identifies persons, as a receipt names it."""
PERSON = "person"
"""The holding that a purpose keeps a copy of a person's own data under, as `Correction` names it."""

_REACHING = frozenset({"msisdn", "email"})


class Rooms(Protocol):
    """What a correction reaches: `bootstrap.Application` is one."""

    @property
    def subjects(self) -> Subjects: ...
    @property
    def duties(self) -> Sequence[Duties]: ...
    @property
    def service(self) -> ServiceMessages: ...


@attrs.frozen(repr=False)
class Name:
    """What the person is called."""

    new: str


@attrs.frozen(repr=False)
class BirthDate:
    """When the person was born; mandates of parents follow it."""

    new: date


@attrs.frozen(repr=False)
class Language:
    """In which language the person is spoken to."""

    new: str


@attrs.frozen(repr=False)
class Address:
    """Where the person's post goes; None: nowhere that is known."""

    new: PostalAddress | None


@attrs.frozen(repr=False)
class Confirmed:
    """A contact that *subject* has confirmed by the code sent to it; only `confirm` makes one."""

    subject: SubjectId
    alias: Alias


@attrs.frozen(repr=False)
class NewContact:
    """A confirmed contact; *replaces* ends with it."""

    confirmed: Confirmed
    replaces: Alias | None = None


@attrs.frozen(repr=False)
class OldContact:
    """A contact that is the person's no longer."""

    alias: Alias


Change: TypeAlias = Name | BirthDate | Language | Address | NewContact | OldContact | Correction
"""A `Correction` is of what a purpose holds."""


@attrs.frozen
class Corrected:
    """That *rows* rows of *field* were put right in *place*: `subjects`, or a purpose."""

    place: str
    field: str
    rows: int


@attrs.frozen
class Receipt:
    """Where something was put right. Empty: nothing was wrong anywhere."""

    subject: SubjectId
    at: datetime
    corrected: tuple[Corrected, ...]


@attrs.frozen
class Past:
    """An earlier correction."""

    at: datetime
    corrected: Corrected


def propose(codes: Codes, subject: SubjectId, contact: Alias, *, address: str, language: str, now: datetime) -> UUID:
    """Send a code to a contact that the person says is theirs; returns the challenge. A transaction of its own."""
    return codes.confirm(contact, subject, address=address, language=language, now=now)


def confirm(
    codes: Codes, subject: SubjectId, contact: Alias, challenge: UUID, code: str, *, now: datetime
) -> Confirmed:
    """The contact is the person's; a wrong or late code raises `Denied` (`wrong-code`). A transaction of its own."""
    if not codes.confirmed(challenge, contact, subject, code, now=now):
        raise Denied("this code does not fit, or no longer; ask for a new one. Nothing was changed", code="wrong-code")
    return Confirmed(subject, contact)


def demand_proof(change: Change, proof: Proof) -> None:
    """
    Whether a member may make *change* under an opening of the record by *proof*; raises `Denied`.

    A birth date follows the person's own document, because it decides who may decide for whom. Nobody who came for the
    person changes how the person signs in.
    """
    if isinstance(change, BirthDate) and proof != "document":
        raise Denied("see the person's own document first; nothing was changed", code="document-needed")
    if isinstance(change, NewContact | OldContact) and proof == "mandate":
        raise Denied("contacts change at the person's own word; nothing was changed", code="not-theirs")


def rectify(
    rooms: Rooms, connection: Connection, subject: SubjectId, change: Change, *, by: Actor, now: datetime
) -> Receipt:
    """Put *change* right in every room that holds it, and keep where (`of_subject`)."""
    person = rooms.subjects.get(connection, subject)
    reached = _reached_at(rooms.subjects, connection, person.id)
    corrected = tuple(one for one in _changed(rooms, connection, person.id, change, now) if one.rows)
    for one in corrected:
        values = {"subject": person.id, "at": now, "actor": by.kind, "actor_id": by.id}
        connection.execute(SQL["add_correction"], values | {"place": one.place, "field": one.field, "rows": one.rows})
    if corrected and isinstance(change, NewContact | OldContact):
        what = What.CONTACT_ADDED if isinstance(change, NewContact) else What.CONTACT_ENDED
        news = News(what=what, key=f"contact/{new_record_id(now)}", path="/data/correct", at=now)
        rooms.service.tell_at(connection, person.id, reached, news, now=now)
    return Receipt(person.id, now, corrected)


def of_subject(connection: Connection, subject: SubjectId, *, limit: int = 50) -> list[Past]:
    """What was put right for a person, newest first."""
    rows = connection.execute(SQL["corrections_of"], {"subject": subject, "limit": limit})
    return [Past(at, Corrected(place, field, count)) for at, place, field, count in rows]


def _changed(
    rooms: Rooms, connection: Connection, subject: SubjectId, change: Change, now: datetime
) -> Iterator[Corrected]:
    if isinstance(change, Correction):
        yield from _at_purposes(rooms, connection, subject, change, now)
        return
    correction = _here(rooms.subjects, connection, subject, change, now)
    if correction is None:
        return
    yield Corrected(HERE, correction.field, 1)
    if correction.old is not None and correction.new:
        yield from _at_purposes(rooms, connection, subject, correction, now)


def _here(
    subjects: Subjects, connection: Connection, subject: SubjectId, change: Change, now: datetime
) -> Correction | None:
    """Change it where persons are kept; returns what the copies must follow, None when it was right already."""
    match change:
        case Name(new):
            profile = subjects.profile(connection, subject)
            subjects.rectify(connection, subject, attrs.evolve(profile, name=new), now=now)
            return _unless_same("name", profile.name, new)
        case BirthDate(new):
            return _born(subjects, connection, subject, new, now)
        case Language(new):
            old = subjects.get(connection, subject).language
            subjects.speak(connection, subject, new)
            return _unless_same("language", old, new)
        case Address(new):
            return _moved(subjects, connection, subject, new, now)
        case NewContact(confirmed, replaces):
            return _reached(subjects, connection, subject, confirmed, replaces, now)
        case OldContact(alias):
            _demand_another(subjects, connection, subject, alias)
            subjects.end_contact(connection, subject, alias, now=now)
            return Correction(PERSON, alias.kind, alias.value, "")
    raise TypeError(change)


def _born(
    subjects: Subjects, connection: Connection, subject: SubjectId, new: date, now: datetime
) -> Correction | None:
    profile: Profile = subjects.profile(connection, subject)
    subjects.rectify(connection, subject, attrs.evolve(profile, birth_date=new), now=now)
    old = None if profile.birth_date is None else profile.birth_date.isoformat()
    return _unless_same("birth_date", old, new.isoformat())


def _moved(
    subjects: Subjects, connection: Connection, subject: SubjectId, new: PostalAddress | None, now: datetime
) -> Correction | None:
    known = subjects.residences(connection, [subject]).get(subject)
    subjects.move(connection, subject, new, now=now)
    return _unless_same("address", None if known is None else known.address.value, "" if new is None else new.value)


def _reached(
    subjects: Subjects,
    connection: Connection,
    subject: SubjectId,
    confirmed: Confirmed,
    replaces: Alias | None,
    now: datetime,
) -> Correction | None:
    if subjects.get(connection, confirmed.subject).id != subject:
        raise Denied("this contact was confirmed by somebody else; nothing was changed", code="wrong-code")
    if replaces == confirmed.alias:
        return None
    if replaces is not None and replaces.kind != confirmed.alias.kind:
        raise BadInput("a contact is replaced by one of its kind; nothing was changed", code="bad-contact")
    subjects.add_contact(connection, subject, confirmed.alias, now=now)
    if replaces is not None:
        subjects.end_contact(connection, subject, replaces, now=now)
    return Correction(PERSON, confirmed.alias.kind, None if replaces is None else replaces.value, confirmed.alias.value)


def _reached_at(subjects: Subjects, connection: Connection, subject: SubjectId) -> list[Alias]:
    """Where the person can be reached now: each of these hears of a contact that comes or goes (ASVS 6.3.7)."""
    return [
        contact.alias
        for contact in subjects.contacts(connection, subject)
        if contact.period.end is None and contact.alias.kind in _REACHING
    ]


def _demand_another(subjects: Subjects, connection: Connection, subject: SubjectId, alias: Alias) -> None:
    """Whoever ends their last contact could not sign in to mend it."""
    left = [other for other in _reached_at(subjects, connection, subject) if other != alias]
    if alias.kind in _REACHING and not left:
        raise Conflict(
            "this is the only contact to sign in with; add another one first. Nothing was changed", code="last-contact"
        )


def _at_purposes(
    rooms: Rooms, connection: Connection, subject: SubjectId, correction: Correction, now: datetime
) -> Iterator[Corrected]:
    for duties in rooms.duties:
        rows = sum(
            duties.rectify(connection, Person(identity.id, identity.number), correction, now=now)
            for identity in rooms.subjects.identities(connection, subject)
            if identity.key is not None
        )
        yield Corrected(duties.purpose, correction.field, rows)


def _unless_same(field: str, old: str | None, new: str) -> Correction | None:
    return None if old == new else Correction(PERSON, field, old, new)
