"""Two halves of a grant: nobody completes both alone, each counts once, and a no needs none."""

from __future__ import annotations

import json
import struct
import threading
import zlib
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import uuid4

import attrs
import pytest

from placet.access.codes import Codes, Message
from placet.access.staff import Member, Role
from placet.bootstrap import Application, erase
from placet.catalogue import store as catalogue_store
from placet.catalogue.render import render
from placet.consents import actions, evidence, store
from placet.consents.assisted import Assisted, closings, reference_of
from placet.consents.halves import FirstHalf, Half, SecondHalf, may_complete
from placet.consents.model import Decision, Outcome, Recorded, Refused, Wish
from placet.consents.signatures import LONGEST, judged
from placet.kernel.errors import BadInput, NotFound
from placet.kernel.ids import ChannelId, PurposeId
from placet.subjects.model import Alias, Subject
from staff.staff_people import hired

OFFERS = PurposeId("offers")
SMS = ChannelId("sms")
MARK = b"\x89PNG\r\n\x1a\n"


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width: int = 300, height: int = 100, *, more: bytes = b"", bits: int = 1, colour: int = 0) -> bytes:
    """A black picture; *more* is put before its end."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0))
    drawn = chunk(b"IDAT", zlib.compress(bytes((width // 8 + 2) * min(height, 100))))
    return MARK + header + drawn + more + chunk(b"IEND", b"")


class Postbox:
    def __init__(self) -> None:
        self.sent: list[Message] = []

    def send(self, _connection: object, message: Message, *, now: datetime) -> None:
        self.sent.append(message)


@pytest.fixture
def postbox() -> Postbox:
    return Postbox()


@pytest.fixture
def assisted(placet: Application, postbox: Postbox) -> Assisted:
    codes = Codes(placet.database, placet.subjects, placet.master, postbox)
    return attrs.evolve(placet.assisted, codes=codes)


@pytest.fixture
def anna(placet: Application, now: datetime) -> Subject:
    with placet.database.transaction() as connection:
        aliases = [Alias.msisdn("20000001")]
        return placet.subjects.add(connection, aliases=aliases, name="Anna", language="lv", now=now)


@pytest.fixture
def ilze(placet: Application) -> Member:
    return hired(placet, "ilze", Role.AGENT)


@pytest.fixture
def peteris(placet: Application) -> Member:
    return hired(placet, "peteris", Role.AGENT)


@pytest.fixture
def first(placet: Application, anna: Subject, ilze: Member, now: datetime) -> Callable[..., FirstHalf]:
    def write(route: str = "phone", **more: object) -> FirstHalf:
        with placet.database.transaction() as connection:
            rendered = render(placet.catalogue(connection), purpose=OFFERS, language="lv", route=route)  # type: ignore[arg-type]
            catalogue_store.remember_shown(connection, rendered, now)
        half = FirstHalf(
            subject=anna.id, purpose=OFFERS, grants=(None, SMS), route=route, language="lv", shown=rendered.sha256,  # type: ignore[arg-type]
            by=ilze.id, opening=uuid4(), reference=None if route == "desk" else "REC-2026-77",
            said_at=None if route == "desk" else now,
        )  # fmt: skip
        return attrs.evolve(half, **more)  # type: ignore[arg-type]

    return write


@pytest.fixture
def begun(placet: Application, assisted: Assisted, now: datetime) -> Callable[[FirstHalf], Half]:
    def begin(half: FirstHalf) -> Half:
        with placet.database.transaction() as connection:
            found = assisted.begin(connection, half, now=now)
        assert isinstance(found, Half)
        return found

    return begin


def states(placet: Application, person: Subject) -> dict[str, str]:
    with placet.database.transaction() as connection:
        found = store.standing_of(connection, person.number).get(OFFERS, {})
    return {channel or "-": state.decision.value for channel, state in found.items()}


def codes_of(outcomes: list[Outcome]) -> list[str]:
    return [outcome.code if isinstance(outcome, Refused) else "recorded" for outcome in outcomes]


def test_first_half_alone_gives_nothing(
    placet: Application, anna: Subject, first: Callable[..., FirstHalf], begun: Callable[[FirstHalf], Half]
) -> None:
    half = begun(first())
    assert half.state == "pending"
    assert states(placet, anna) == {}


def test_colleague_completes_a_grant_by_phone_and_it_was_said_when_it_was_said(
    placet: Application, assisted: Assisted, anna: Subject, ilze: Member, peteris: Member,
    first: Callable[..., FirstHalf], begun: Callable[[FirstHalf], Half], now: datetime,
) -> None:  # fmt: skip
    half = begun(first())
    later = now + timedelta(days=2)
    outcomes = assisted.complete_by_member(half.id, peteris.id, now=later)
    assert states(placet, anna) == {"-": "given", "sms": "given"}
    with placet.database.transaction() as connection:
        record = actions.history(connection, anna.id)[0]
        key = placet.subjects.key(connection, anna.id)
        kept = {
            each.hash: json.loads(each.content) for each in evidence.of_person(connection, anna.number, anna.id, key)
        }
        settled = assisted.get(connection, half.id)
    assert (record.route, record.actor.kind, record.actor.id) == ("phone", "agent", str(ilze.id))
    assert (record.occurred_at, record.language) == (now, "lv")
    halves = kept[record.evidence or ""]
    assert halves["reference"] == "REC-2026-77"
    assert (halves["first"]["by"], halves["second"]["by"]) == (str(ilze.id), str(peteris.id))
    assert halves["second"]["way"] == "recording"
    assert settled.state == "recorded"
    assert settled.records == tuple(outcome.record for outcome in outcomes if isinstance(outcome, Recorded))


@pytest.mark.parametrize("route", ["phone", "post"])
def test_who_wrote_it_down_cannot_complete_it(
    placet: Application, assisted: Assisted, anna: Subject, ilze: Member, first: Callable[..., FirstHalf],
    begun: Callable[[FirstHalf], Half], route: str, now: datetime,
) -> None:  # fmt: skip
    half = begun(first(route))
    assert codes_of(assisted.complete_by_member(half.id, ilze.id, now=now)) == ["same-person"]
    assert states(placet, anna) == {}


def test_database_itself_refuses_one_member_for_both_halves(
    placet: Application,
    ilze: Member,
    first: Callable[..., FirstHalf],
    begun: Callable[[FirstHalf], Half],
    now: datetime,
) -> None:
    half = begun(first())
    with pytest.raises(Exception, match="assisted_check"), placet.database.transaction() as connection:
        connection.execute("UPDATE consents.assisted SET second_by = first_by WHERE id = %s", [half.id])


def test_customer_completes_by_code_once_and_no_other_code_fits(
    placet: Application, assisted: Assisted, postbox: Postbox, anna: Subject, ilze: Member,
    first: Callable[..., FirstHalf], begun: Callable[[FirstHalf], Half], now: datetime,
) -> None:  # fmt: skip
    half, other = begun(first("desk")), begun(first("desk"))
    for each in (half, other):
        assisted.send_code(each.id, Alias.msisdn("20000001"), by=ilze.id, language="lv", now=now)
    mine, theirs = (message.code or "" for message in postbox.sent)
    assert {message.use for message in postbox.sent} == {"grant"}
    assert assisted.codes.verify(postbox.sent[0].challenge, mine, now=now) is None
    if mine != theirs:
        assert codes_of(assisted.complete_by_code(half.id, theirs, now=now)) == ["wrong-code"]
    assert codes_of(assisted.complete_by_code(half.id, mine, now=now)) == ["recorded", "recorded"]
    assert codes_of(assisted.complete_by_code(half.id, mine, now=now)) == ["half-settled"]
    assert states(placet, anna) == {"-": "given", "sms": "given"}
    late = now + timedelta(minutes=5)
    assert codes_of(assisted.complete_by_code(other.id, theirs, now=late)) == ["wrong-code"]


def test_desk_half_runs_out_after_thirty_minutes_to_the_instant(
    assisted: Assisted, first: Callable[..., FirstHalf], begun: Callable[[FirstHalf], Half], now: datetime
) -> None:
    half = begun(first("desk"))
    assert half.waits(now + timedelta(minutes=30) - timedelta(microseconds=1))
    at = now + timedelta(minutes=30)
    assert codes_of(assisted.complete_by_signature(half.id, png(), now=at)) == ["half-expired"]


def test_signature_is_sealed_and_named_by_its_keyed_hash(
    placet: Application, assisted: Assisted, anna: Subject, first: Callable[..., FirstHalf],
    begun: Callable[[FirstHalf], Half], now: datetime,
) -> None:  # fmt: skip
    image = png()
    half = begun(first("desk"))
    assert codes_of(assisted.complete_by_signature(half.id, image, now=now)) == ["recorded", "recorded"]
    with placet.database.transaction() as connection:
        key = placet.subjects.key(connection, anna.id)
        kept = {each.hash: each.content for each in evidence.of_person(connection, anna.number, anna.id, key)}
        record = actions.history(connection, anna.id)[0]
        stored = connection.execute("SELECT sealed FROM consents.evidence").fetchall()
    halves = json.loads(kept[record.evidence or ""])
    assert halves["second"]["by"] == "customer"
    assert kept[halves["second"]["image"]] == image
    assert all(b"PNG" not in bytes(sealed) for (sealed,) in stored)


def test_grant_that_was_rejected_or_runs_out_is_never_recorded(
    placet: Application, assisted: Assisted, anna: Subject, ilze: Member, peteris: Member,
    first: Callable[..., FirstHalf], begun: Callable[[FirstHalf], Half], now: datetime,
) -> None:  # fmt: skip
    rejected, expired = begun(first()), begun(first())
    with placet.database.transaction() as connection:
        with pytest.raises(BadInput):
            assisted.reject(connection, rejected.id, ilze.id, why="not-heard", now=now)
        assisted.reject(connection, rejected.id, peteris.id, why="not-heard", now=now)
    assert codes_of(assisted.complete_by_member(rejected.id, peteris.id, now=now)) == ["half-settled"]
    week = now + timedelta(days=7)
    assert codes_of(assisted.complete_by_member(expired.id, peteris.id, now=week)) == ["half-expired"]
    with placet.database.transaction() as connection:
        assert assisted.waiting(connection, now=week) == []
    assert states(placet, anna) == {}


def test_parallel_completions_record_once(
    placet: Application, assisted: Assisted, anna: Subject, peteris: Member, first: Callable[..., FirstHalf],
    begun: Callable[[FirstHalf], Half], now: datetime,
) -> None:  # fmt: skip
    half = begun(first())
    others = [peteris, *(hired(placet, f"member{count}", Role.AGENT) for count in range(3))]
    answers: list[list[str]] = []
    threads = [
        threading.Thread(target=lambda member=member: answers.append(  # type: ignore[misc]
            codes_of(assisted.complete_by_member(half.id, member.id, now=now))))
        for member in others
    ]  # fmt: skip
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [["half-settled"]] * 3 + [["recorded", "recorded"]]
    with placet.database.transaction() as connection:
        assert len(actions.history(connection, anna.id)) == 2


def test_no_said_after_the_call_stands_against_the_yes_of_the_call(
    placet: Application, assisted: Assisted, anna: Subject, peteris: Member, first: Callable[..., FirstHalf],
    begun: Callable[[FirstHalf], Half], now: datetime,
) -> None:  # fmt: skip
    half = begun(first())
    placet.sequencer.start()
    said = Wish(anna.id, OFFERS, "withdrawn", "portal", attrs.evolve(half.first.actor, kind="subject"))
    placet.sequencer.record([said])
    assisted.complete_by_member(half.id, peteris.id, now=now + timedelta(hours=1))
    assert states(placet, anna)["-"] == "withdrawn"


def test_no_written_down_by_an_agent_acts_at_once_and_no_representative_lifts_it(
    placet: Application, assisted: Assisted, anna: Subject, first: Callable[..., FirstHalf], now: datetime
) -> None:
    placet.sequencer.start()
    (outcome,) = placet.sequencer.record(closings(first("phone"), [(None, Decision.REFUSED)], now=now))
    assert isinstance(outcome, Recorded)
    with placet.database.transaction() as connection:
        state = store.standing_of(connection, anna.number)[OFFERS][None]
        mother = placet.subjects.add(connection, aliases=[], language="lv", now=now)
        mandate = placet.subjects.add_mandate(
            connection, representative=mother.id, subject=anna.id, kind="power-of-attorney",
            purposes=[OFFERS], proof="notary 7", since=now,
        )  # fmt: skip
        half = assisted.begin(connection, first(representative=mother.id, mandate=mandate.id), now=now)
    assert state.closed_by_self
    assert isinstance(half, Refused)
    assert half.code == "own-no-wins"


def test_text_that_is_out_of_force_is_refused_before_anybody_waits(
    placet: Application, assisted: Assisted, first: Callable[..., FirstHalf], now: datetime
) -> None:
    with placet.database.transaction() as connection:
        refused = assisted.begin(connection, first(shown=b"\x01" * 32), now=now)
    assert isinstance(refused, Refused)
    assert refused.code == "notice-not-shown"


def test_no_to_the_purpose_voids_what_waits_for_it(
    placet: Application, assisted: Assisted, anna: Subject, peteris: Member, first: Callable[..., FirstHalf],
    begun: Callable[[FirstHalf], Half], now: datetime,
) -> None:  # fmt: skip
    half = begun(first())
    with placet.database.transaction() as connection:
        assisted.cancel(connection, anna.number, OFFERS)
        assert assisted.waiting_of(connection, anna.number, now=now) == []
    assert codes_of(assisted.complete_by_member(half.id, peteris.id, now=now)) == ["half-settled"]


def test_erased_person_leaves_no_half_and_no_signature(
    placet: Application, assisted: Assisted, anna: Subject, first: Callable[..., FirstHalf],
    begun: Callable[[FirstHalf], Half], now: datetime,
) -> None:  # fmt: skip
    assisted.complete_by_signature(begun(first("desk")).id, png(), now=now)
    half = begun(first())
    with placet.database.transaction() as connection:
        erase(placet, connection, anna.id, now=now)
        with pytest.raises(NotFound):
            assisted.get(connection, half.id)
        counts = connection.execute(
            "SELECT (SELECT count(*) FROM consents.assisted), (SELECT count(*) FROM consents.evidence)"
        ).fetchone()
    assert counts == (0, 0)


def test_reference_of_a_recording_is_in_no_table_in_clear(
    placet: Application, first: Callable[..., FirstHalf], begun: Callable[[FirstHalf], Half]
) -> None:
    begun(first())
    with placet.database.transaction() as connection:
        rows = str(connection.execute("SELECT a::text FROM consents.assisted a").fetchall())
    assert "REC-2026" not in rows
    assert b"REC-2026".hex() not in rows


def test_only_a_fitting_second_half_completes(
    first: Callable[..., FirstHalf], begun: Callable[[FirstHalf], Half], peteris: Member, now: datetime
) -> None:
    desk, phone = begun(first("desk")), begun(first())
    for half, second in (
        (desk, SecondHalf("recording", now, by=peteris.id)),
        (desk, SecondHalf("code", now, by=peteris.id)),
        (phone, SecondHalf("code", now)),
        (phone, SecondHalf("recording", now)),
        (phone, SecondHalf("scan", now, by=peteris.id)),
    ):
        refused = may_complete(half, second)
        assert refused is not None
        assert refused.code == "other-way"


@pytest.mark.parametrize("text", ["", "   ", "x" * 121, "a\x07b"])
def test_reference_is_words_of_a_sane_length(text: str) -> None:
    with pytest.raises(BadInput):
        reference_of(text)


def test_plain_drawing_is_taken() -> None:
    size = judged(png(640, 200))
    assert (size.width, size.height) == (640, 200)


@pytest.mark.parametrize(
    "image",
    [
        b"",
        b"GIF89a" + bytes(100),
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        MARK,
        MARK + chunk(b"IEND", b""),
        png()[:-1],
        png() + b"PK\x03\x04",
        png()[:60] + b"Z" + png()[61:],
        png(50_000, 50_000),
        png(10, 10),
        png(2001, 100),
        png(0, 0),
        png(bits=16),
        png(colour=7),
        png(more=chunk(b"zTXt", b"x\0\0" + zlib.compress(bytes(10**6)))),
        png(more=chunk(b"tEXt", b"Author\0Anna")),
        png(more=chunk(b"iCCP", b"x")),
        png(more=chunk(b"acTL", bytes(8))),
        png(more=chunk(b"IHDR", bytes(13))),
        png(more=chunk(b"IDAT", bytes(LONGEST))),
    ],
    ids=lambda image: str(len(image)),
)
def test_bomb_or_anything_but_a_plain_drawing_is_refused(image: bytes) -> None:
    with pytest.raises(BadInput) as refused:
        judged(image)
    assert refused.value.code == "bad-image"
