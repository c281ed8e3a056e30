"""
Grants that a member of staff writes down: the first half waits here until the person, or another member, completes it.

Completing is one transaction under the ledger's head: of two who complete at once the second finds it settled. What is
recorded commits to both halves (`halves.evidence`); a signature's image is sealed beside it, named by its keyed hash.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import attrs
from psycopg import Connection

from placet.access.codes import Codes
from placet.consents import actions
from placet.consents.evidence import CONTEXT
from placet.consents.halves import (
    LASTS,
    FirstHalf,
    Half,
    HalfState,
    SecondHalf,
    Way,
    evidence,
    may_complete,
)
from placet.consents.model import Decision, Outcome, Recorded, Refused, Wish
from placet.consents.rules import admit
from placet.kernel.errors import BadInput, NotFound
from placet.kernel.ids import ChannelId, MandateId, Number, PurposeId, RecordId, StaffId, SubjectId
from placet.kernel.seal import keyed_hash, seal
from placet.ledger.append import ending, lock_head
from placet.store.database import Database
from placet.store.queries import queries
from placet.subjects.actions import Subjects
from placet.subjects.model import Alias
from placet.subjects.vault import open_field, seal_field

SQL = queries("placet.consents", "assisted.sql")
KEEP = timedelta(days=90)
"""How long what became of a first half can be looked up; the ledger keeps what it led to."""
LONGEST_REFERENCE = 120
_NOBODY = UUID(int=0)


@attrs.frozen
class Assisted:
    """First and second halves of one installation. Thread-safe."""

    database: Database
    subjects: Subjects
    rulebook: actions.Rulebook
    codes: Codes

    # The first half

    def begin(self, connection: Connection, first: FirstHalf, *, now: datetime) -> Half | Refused:
        """Keep the first half, unless a rule would refuse the grant anyway."""
        refused = self._refused(connection, first, now)
        if refused is not None:
            return refused
        person = self.subjects.get(connection, first.subject)
        half = Half(uuid4(), person.number, first, now, now + LASTS[first.route])
        key = self.subjects.key(connection, person.id)
        connection.execute(SQL["add_half"], _row(half, key))
        return half

    def send_code(self, id: UUID, contact: Alias, *, by: StaffId, language: str, now: datetime) -> None:
        """Send the person a code that completes this grant and nothing else."""
        challenge = self.codes.request(str(contact), address=f"desk/{by}", language=language, now=now, use="grant")
        with self.database.transaction() as connection:
            if connection.execute(SQL["set_challenge"], {"id": id, "challenge": challenge}).fetchone() is None:
                raise NotFound("this grant waits for nothing any more; nothing was changed", code="half-settled")

    # The second half

    def complete_by_code(self, id: UUID, code: str, *, now: datetime) -> list[Outcome]:
        """The person told the code that came to them; a wrong, used or late one changes nothing."""
        with self.database.transaction() as connection:
            half = self.get(connection, id)
        if not half.waits(now) or half.challenge is None:
            return self._complete(id, SecondHalf("code", now), now)
        if self.codes.verify(half.challenge, code, now=now, use="grant") != half.first.subject:
            return [Refused("wrong-code", "this code is wrong, used or too old; nothing was recorded")]
        return self._complete(id, SecondHalf("code", now), now)

    def complete_by_signature(self, id: UUID, image: bytes, *, now: datetime) -> list[Outcome]:
        """The person signed; *image* was judged before (`interfaces.web.images`) and is sealed as evidence."""
        with self.database.transaction() as connection:
            lock_head(connection)
            half = self._locked(connection, id)
            hashed = self._keep(connection, half, image, now) if half.waits(now) else None
            return self._settle(connection, half, SecondHalf("signature", now, image=hashed), now)

    def complete_by_member(self, id: UUID, member: StaffId, *, now: datetime) -> list[Outcome]:
        """Another member heard the recording or saw the scan: the person says yes to this text."""
        with self.database.transaction() as connection:
            way: Way = "recording" if self.get(connection, id).first.route == "phone" else "scan"
        return self._complete(id, SecondHalf(way, now, by=member), now)

    def reject(self, connection: Connection, id: UUID, member: StaffId, *, why: str, now: datetime) -> None:
        """Another member finds that recording or scan does not bear it out; nothing is recorded."""
        half = self._locked(connection, id)
        way: Way = "recording" if half.first.route == "phone" else "scan"
        if (refused := may_complete(half, SecondHalf(way, now, by=member))) is not None:
            raise BadInput(refused.message, code=refused.code)
        _settled(connection, half, "rejected", SecondHalf(way, now, by=member), told=why)

    def cancel(self, connection: Connection, number: Number, purpose: PurposeId) -> None:
        """The person said no since: what waits for this purpose is void."""
        connection.execute(SQL["cancel_halves"], {"number": number, "purpose": purpose})

    def void(self, connection: Connection, number: Number) -> None:
        """This identity goes on as another: what waits for it is void, and is asked anew."""
        connection.execute(SQL["void_halves"], {"number": number})

    # Reading

    def get(self, connection: Connection, id: UUID) -> Half:
        return self._half(connection, connection.execute(SQL["half"], {"id": id}).fetchone())

    def waiting(
        self, connection: Connection, *, now: datetime, after: Half | None = None, limit: int = 25
    ) -> list[Half]:
        """What waits for a second member, what runs out first at the top, behind *after*."""
        behind = (now, _NOBODY) if after is None else (after.expires_at, after.id)
        values = {"now": now, "after": behind[0], "id": behind[1], "limit": limit}
        return [self._half(connection, row) for row in connection.execute(SQL["waiting"], values).fetchall()]

    def count_waiting(self, connection: Connection, member: StaffId, *, now: datetime) -> int:
        """How many of them *member* could complete."""
        row = connection.execute(SQL["count_waiting"], {"member": member, "now": now}).fetchone()
        return 0 if row is None else int(row[0])

    def waiting_of(self, connection: Connection, number: Number, *, now: datetime) -> list[Half]:
        """What waits for one person."""
        rows = connection.execute(SQL["waiting_of"], {"number": number, "now": now}).fetchall()
        return [self._half(connection, row) for row in rows]

    def every_of(self, connection: Connection, number: Number) -> list[Half]:
        """All that is kept of one person's, whatever became of it, newest first."""
        rows = connection.execute(SQL["halves_of"], {"number": number}).fetchall()
        return [self._half(connection, row) for row in rows]

    # Within

    def _refused(self, connection: Connection, first: FirstHalf, now: datetime) -> Refused | None:
        """What the rules would answer today; the same rules decide again when it is completed."""
        wishes = _wishes(first, None)
        batch = actions.gather(connection, actions.Asked.by(wishes), self.rulebook, now, partial(ending, connection))
        for wish in wishes:
            person = batch.people.get(wish.subject)
            standing = {} if person is None else batch.standings.get((person.number, wish.purpose), {})
            refused = admit(wish, actions.facts_for(batch, wish), standing, now=now, rest=self.rulebook.rest)
            if refused is not None:
                return refused
        return None

    def _complete(self, id: UUID, second: SecondHalf, now: datetime) -> list[Outcome]:
        with self.database.transaction() as connection:
            lock_head(connection)
            return self._settle(connection, self._locked(connection, id), second, now)

    def _settle(self, connection: Connection, half: Half, second: SecondHalf, now: datetime) -> list[Outcome]:
        """Record what was granted, or say why not; the head is locked and so is the half."""
        if (refused := may_complete(half, second)) is not None:
            return [refused]
        wishes = _wishes(half.first, evidence(half, second))
        outcomes = actions.record(connection, wishes, rulebook=self.rulebook, now=now)
        recorded = [outcome.record for outcome in outcomes if isinstance(outcome, Recorded)]
        told = next((outcome.code for outcome in outcomes if isinstance(outcome, Refused)), None)
        _settled(connection, half, "recorded" if recorded else "not-admitted", second, recorded, told)
        return outcomes

    def _keep(self, connection: Connection, half: Half, image: bytes, now: datetime) -> str:
        """Seal the image as evidence; its keyed hash (hex)."""
        subject = half.first.subject
        key = self.subjects.key(connection, subject)
        digest = keyed_hash(key, actions.EVIDENCE + image)
        sealed = seal(key, image, context=subject.bytes + CONTEXT)
        connection.execute(SQL["keep_image"], {"hash": digest, "number": half.number, "sealed": sealed, "now": now})
        return digest.hex()

    def _locked(self, connection: Connection, id: UUID) -> Half:
        return self._half(connection, connection.execute(SQL["lock_half"], {"id": id}).fetchone())

    def _half(self, connection: Connection, row: Sequence[Any] | None) -> Half:
        if row is None:
            raise NotFound("there is no such grant; nothing was changed", code="unknown-half")
        return _half(row, self.subjects.key(connection, SubjectId(row[2])))


def closings(first: FirstHalf, decisions: Sequence[tuple[ChannelId | None, str]], *, now: datetime) -> list[Wish]:
    """The wishes of a no: it needs no second half, and acts at once (GDPR 7(3))."""
    half = Half(uuid4(), Number(0), first, now, now + LASTS[first.route])
    return [
        attrs.evolve(_wish(first, channel, evidence(half, None)), decision=decision, shown=None)
        for channel, decision in decisions
    ]


def sweep(connection: Connection, *, now: datetime) -> int:
    """Delete halves that were settled or ran out long ago; returns how many."""
    return connection.execute(SQL["sweep_halves"], {"before": now - KEEP}).rowcount


def reference_of(text: str) -> str:
    """The reference of a recording or a scan as it is kept; nothing, or too much, raises `BadInput`."""
    words = " ".join(text.split())
    if not words or len(words) > LONGEST_REFERENCE or not words.isprintable():
        raise BadInput(
            f"give the reference of the recording or scan, 1 to {LONGEST_REFERENCE} characters; nothing was recorded",
            code="no-reference",
        )
    return words


def _wishes(first: FirstHalf, sealed: bytes | None) -> list[Wish]:
    return [_wish(first, channel, sealed) for channel in first.grants]


def _wish(first: FirstHalf, channel: ChannelId | None, sealed: bytes | None) -> Wish:
    return Wish(
        subject=first.subject,
        purpose=first.purpose,
        channel=channel,
        decision=Decision.GIVEN,
        route=first.route,
        actor=first.actor,
        language=first.language,
        shown=first.shown,
        occurred_at=first.said_at,
        mandate=first.mandate,
        evidence=sealed,
    )


def _row(half: Half, key: bytes) -> dict[str, Any]:
    first = half.first
    reference = None
    if first.reference is not None:
        reference = seal_field(key, first.subject, f"assisted:{half.id}", first.reference)
    return {
        "id": half.id,
        "number": half.number,
        "subject": first.subject,
        "purpose": first.purpose,
        "grants": [channel or "" for channel in first.grants],
        "route": first.route,
        "language": first.language,
        "shown": first.shown,
        "reference": reference,
        "said_at": first.said_at,
        "representative": first.representative,
        "mandate": first.mandate,
        "opening": first.opening,
        "first_by": first.by,
        "first_at": half.first_at,
        "expires_at": half.expires_at,
    }


def _half(row: Sequence[Any], key: bytes) -> Half:
    (id, number, subject, purpose, grants, route, language, shown, reference, said_at, representative, mandate, opening,
     first_by, first_at, expires_at, challenge, state, way, second_by, second_at, records, told) = row  # fmt: skip
    first = FirstHalf(
        subject=SubjectId(subject),
        purpose=PurposeId(purpose),
        grants=tuple(ChannelId(channel) if channel else None for channel in grants),
        route=route,
        language=language,
        shown=bytes(shown),
        by=StaffId(first_by),
        opening=opening,
        reference=None
        if reference is None
        else open_field(key, SubjectId(subject), f"assisted:{id}", bytes(reference)),
        said_at=said_at,
        representative=None if representative is None else SubjectId(representative),
        mandate=None if mandate is None else MandateId(mandate),
    )
    return Half(
        id=id,
        number=Number(number),
        first=first,
        first_at=first_at,
        expires_at=expires_at,
        challenge=challenge,
        state=state,
        way=way,
        second_by=None if second_by is None else StaffId(second_by),
        second_at=second_at,
        records=tuple(RecordId(record) for record in records),
        told=told,
    )


def _settled(
    connection: Connection,
    half: Half,
    state: HalfState,
    second: SecondHalf,
    records: Sequence[RecordId] = (),
    told: str | None = None,
) -> None:
    values = {
        "id": half.id,
        "state": state,
        "way": second.way,
        "second_by": second.by,
        "second_at": second.at,
        "records": list(records),
        "told": told,
    }
    connection.execute(SQL["settle_half"], values)
