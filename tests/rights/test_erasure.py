"""Erasure (GDPR 17): nothing of the person is found, what must stay is named, proofs verify, and it is for good."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import attrs
import psycopg
import pytest
import structlog
from psycopg import sql
from rights_people import Shelf, add, copy, drop

from placet.access import reads, sessions, staff
from placet.access.codes import Codes, UnsafeDemoSender
from placet.access.staff import Role
from placet.bootstrap import Application, build, erase, merge, rebuild_erasures
from placet.catalogue import store as catalogue_store
from placet.catalogue.render import render
from placet.consents import actions as consents
from placet.consents.model import Actor, Recorded, Wish
from placet.kernel.errors import Conflict, NotFound, Tampered
from placet.kernel.ids import PurposeId, StaffId, SubjectId
from placet.ledger.keeper import start_epoch
from placet.ledger.keys import LogSigner
from placet.ledger.slices import Sources
from placet.ledger.verify import verify
from placet.rights import erasure
from placet.subjects.model import Alias, Subject

PHONE, MAIL, CODE = "+37126123457", "zane.ozola.slepens@example.lv", "161175-19997"
NAME, BORN, PROOF = "Zane Ozola-Slepenā", date(1999, 2, 3), "notary 4711/Z"
WISH, REASON, RECORDING = "Mans tālrunis ir slepens z-7781", "caller sounded like Zane", b"recording/zane/z-7781.wav"
PLANTED = [PHONE, PHONE[1:], PHONE[4:], MAIL, CODE.replace("-", ""), CODE, NAME, "Slepen", BORN.isoformat(), PROOF,
           WISH, "z-7781", REASON, RECORDING.decode()]  # fmt: skip
"""Whatever of this is found anywhere after the erasure is found too much."""


EMPTIED = {
    "access.challenge",
    "access.member_customer",
    "access.passkey",
    "access.session",
    "consents.assisted",
    "consents.evidence",
    "consents.state",
    "delivery.call",
    "delivery.inbox",
    "delivery.message",
    "delivery.muted",
    "delivery.slowed",
    "offers.click_answer",
    "offers.counted",
    "offers.ended",
    "offers.greeted",
    "offers.greeting_wish",
    "offers.heard",
    "offers.pick",
    "offers.survey_reply",
    "offers.wish",
    "rights.words",
    "sources.forgotten",
    "subjects.address",
    "subjects.contact",
    "subjects.line_role",
    "subjects.mandate",
    "subjects.name_token",
}
"""The tables of which an erasure leaves nothing of the person."""


@pytest.fixture
def copies(placet: Application, server_url: str) -> Iterator[list[str]]:
    """Names of databases to drop in the end."""
    names: list[str] = []
    yield names
    for name in names:
        drop(server_url, name)


@pytest.fixture
def shelf() -> Shelf:
    return Shelf(PurposeId("loyalty"))


@pytest.fixture
def house(placet: Application, shelf: Shelf) -> Application:
    return attrs.evolve(placet, duties=(shelf,))


@pytest.fixture
def zane(house: Application, now: datetime) -> Subject:
    """Somebody who has left something in every room."""
    with house.database.transaction() as connection:
        aliases = [Alias.msisdn(PHONE), Alias.email(MAIL), Alias.personal_code(CODE)]
        person = house.subjects.add(connection, aliases=aliases, name=NAME, birth_date=BORN, now=now)
        house.subjects.add_line(connection, aliases[0], since=now)
        house.subjects.add_role(connection, aliases[0], person.id, "holder", since=now)
    parent = add(house, "+37126000002", now)
    codes = Codes(house.database, house.subjects, house.master, UnsafeDemoSender())
    codes.request(f"msisdn:{PHONE}", address="192.0.2.1", language="lv", now=now)
    with house.database.transaction() as connection:
        house.subjects.add_mandate(
            connection, representative=parent.id, subject=person.id, kind="power-of-attorney",
            purposes=[PurposeId("offers")], proof=PROOF, since=now,
        )  # fmt: skip
        sessions.open_session(connection, person.id, "lv", now=now)
        member = staff.add(connection, "anna", name="Anna", roles=[Role.AGENT], by=None, now=now)
        reads.note(connection, staff=member.id, what="record", reason=REASON, subject=person.id, now=now)
        house.requests.file(
            connection, person.id, "access", text=WISH, route="portal", filed_by=Actor("subject"), now=now
        )
        house.requests.file(
            connection, person.id, "erasure", text=WISH, route="portal", filed_by=Actor("subject"), now=now
        )
        say(house, connection, person, now)
        plant(connection, person, member.id, now)
    return person


def plant(connection: psycopg.Connection, person: Subject, member: StaffId, now: datetime) -> None:
    """Rows that other rooms write in long ceremonies."""
    values = {"id": uuid4(), "subject": person.id, "number": person.number, "member": member, "now": now}
    connection.execute("INSERT INTO access.member_customer (member, subject) VALUES (%(member)s, %(subject)s)", values)
    connection.execute(
        "INSERT INTO access.passkey (id, credential, subject, public_key, counter, transports, syncable, backed_up,"
        " name, created_at) VALUES (%(id)s, 'c', %(subject)s, 'k', 0, '{}', true, true, 'Zane Slepen phone', %(now)s)",
        values,
    )
    connection.execute(
        "INSERT INTO consents.assisted (id, number, subject, purpose, grants, route, language, shown, opening,"
        " first_by, first_at, expires_at) VALUES (%(id)s, %(number)s, %(subject)s, 'offers', '{sms}', 'desk', 'lv',"
        " sha256('x'), %(id)s, %(member)s, %(now)s, %(now)s + interval '1 hour')",
        values,
    )


def say(house: Application, connection: psycopg.Connection, person: Subject, now: datetime) -> None:
    """A yes by telephone, with the reference of its recording."""
    shown = render(house.catalogue(connection), purpose="offers", language="lv", route="phone")
    catalogue_store.remember_shown(connection, shown, now)
    wish = Wish(
        person.id, PurposeId("offers"), "given", "phone", Actor("agent", "anna"), language="lv", shown=shown.sha256,
        evidence=RECORDING,
    )  # fmt: skip
    (outcome,) = consents.record(connection, [wish], rulebook=house.rulebook, now=now)
    assert isinstance(outcome, Recorded), outcome


def dump(url: str) -> Iterator[tuple[str, str]]:
    """Every row of every table, as text in which bytes are readable."""
    with psycopg.connect(url) as connection:
        tables = connection.execute(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        for schema, table in tables:
            names = (sql.Identifier(schema), sql.Identifier(table))
            for row in connection.execute(sql.SQL("SELECT * FROM {}.{}").format(*names)):
                cells = [bytes(cell).decode("latin-1") if isinstance(cell, bytes) else str(cell) for cell in row]
                yield f"{schema}.{table}", "\n".join(cells)


def found(house: Application, needles: list[str]) -> set[tuple[str, str]]:
    """Where in the database one of *needles* stands, in clear or as UTF-8 bytes."""
    spelled = {needle: (needle, needle.encode().decode("latin-1")) for needle in needles}
    assert house.config.database_url is not None
    return {
        (table, needle)
        for table, text in dump(house.config.database_url)
        for needle, spellings in spelled.items()
        if any(spelling in text for spelling in spellings)
    }


def hashes(house: Application) -> list[str]:
    aliases = [Alias.msisdn(PHONE), Alias.email(MAIL), Alias.personal_code(CODE)]
    return [house.vault.alias_hash(alias).decode("latin-1") for alias in aliases]


def restored(house: Application, server_url: str, backup: str) -> None:
    """Put the database *backup* in the place of the house's own, as a restore does."""
    house.close()
    assert house.config.database_url is not None
    name = urlsplit(house.config.database_url).path[1:]
    drop(server_url, name)
    copy(server_url, backup, name)


def backed_up(house: Application, server_url: str, copies: list[str]) -> str:
    """A copy of the database as it is; whoever is connected must have ended."""
    assert house.config.database_url is not None
    name = urlsplit(house.config.database_url).path[1:]
    copies.append(f"{name}_backup")
    copy(server_url, name, copies[-1])
    return copies[-1]


def whole(house: Application) -> bool:
    """Whether every row is as it was signed."""

    @contextlib.contextmanager
    def sources() -> Iterator[Sources]:
        log = LogSigner(house.config.log_origin, house.keys.checkpoint)
        yield Sources(house.database, house.subjects.keys, log, house.outside)

    return verify(sources).is_intact


def test_of_an_erased_person_nothing_is_found_in_any_table_file_or_log(
    house: Application, zane: Subject, now: datetime, tmp_path: Path
) -> None:
    aliases = hashes(house)
    before = {needle for _, needle in found(house, [*PLANTED, *aliases])}
    assert set(aliases) <= before, "the scan must find what it looks for"
    assert REASON in before
    with structlog.testing.capture_logs() as logged, house.database.transaction() as connection:
        erased = erasure.erase(house, connection, zane.id, now=now + timedelta(days=1))
    assert erased.forgotten == (zane.id,)
    assert found(house, [*PLANTED, *aliases]) == set()
    said = json.dumps(logged, default=str) + str(erased)
    files = "".join(file.read_bytes().decode("latin-1") for file in tmp_path.rglob("*") if file.is_file())
    assert [needle for needle in PLANTED if needle in said or needle in files] == []
    with house.database.transaction() as connection:
        for name in (f"msisdn:{PHONE}", f"email:{MAIL}", f"personal-code:{CODE}"):
            assert house.subjects.find(connection, name) is None
        assert house.subjects.search(connection, NAME).found == ()
        assert house.subjects.contacts(connection, zane.id) == []
        with pytest.raises(NotFound):
            house.subjects.key(connection, zane.id)


def test_the_ids_of_an_erased_person_stand_only_where_the_list_of_what_is_kept_says(
    house: Application, zane: Subject, now: datetime
) -> None:
    with house.database.transaction() as connection:
        erase(house, connection, zane.id, now=now)
    listed = {table for row in erasure.kept_table() for table in row["tables"]}
    left = {table for table, column, who in places(house, zane) if stands(house, table, column, who)}
    assert left <= listed
    assert {"ledger.record", "rights.erasure", "rights.request", "access.read_log"} <= left


def test_every_table_with_somebodys_id_is_emptied_or_listed_as_kept(house: Application, zane: Subject) -> None:
    """A new table must be put on one of the two lists: `EMPTIED` above, or rights/kept.yaml, with its law."""
    listed = {table for row in erasure.kept_table() for table in row["tables"]}
    assert not EMPTIED & listed
    assert {table for table, _, _ in places(house, zane)} == EMPTIED | listed


def places(house: Application, person: Subject) -> list[tuple[str, str, object]]:
    """Every column of every table that may name a person, with what this person is called there."""
    assert house.config.database_url is not None
    with psycopg.connect(house.config.database_url) as connection:
        columns = connection.execute(
            "SELECT table_schema || '.' || table_name, column_name, data_type FROM information_schema.columns"
            " JOIN information_schema.tables USING (table_schema, table_name)"
            " WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema', 'store')"
            " AND (column_name IN ('subject', 'actor_id') OR (column_name IN ('number', 'representative')))"
        ).fetchall()
    called = {"integer": person.number, "uuid": person.id, "text": str(person.id)}
    return [(table, column, called[kind]) for table, column, kind in columns]


def stands(house: Application, table: str, column: str, who: object) -> bool:
    assert house.config.database_url is not None
    query = sql.SQL("SELECT 1 FROM {} WHERE {} = %s LIMIT 1")
    with psycopg.connect(house.config.database_url) as connection:
        named = query.format(sql.Identifier(*table.split(".")), sql.Identifier(column))
        return connection.execute(named, [who]).fetchone() is not None


def test_what_must_stay_by_law_is_named_before_and_after_with_its_end(
    house: Application, shelf: Shelf, zane: Subject, now: datetime
) -> None:
    shelf.liked[zane.id] = [{"name": "likes", "value": "bicycles"}] * 2
    shelf.invoices[zane.id] = [{"name": "invoice", "value": "12.00"}]
    with house.database.transaction() as connection:
        outlook = erasure.outlook(house, connection, zane.id)
        erased = erasure.erase(house, connection, zane.id, now=now)
    assert erased.kept == outlook
    assert erased.gone == {"loyalty": 2}
    first = erased.kept[0]
    assert (first.name, first.basis, first.rows) == ("loyalty.invoices", "legal-obligation", 1)
    for one in erased.kept:
        assert {*one.why} == {*one.until} == {"lv", "ru", "en"}
        assert one.law is not None or one.name.startswith("loyalty")


def test_a_purpose_that_keeps_what_rests_on_consent_stops_the_erasure_whole(
    house: Application, shelf: Shelf, zane: Subject, now: datetime
) -> None:
    shelf.forgetful = False
    shelf.liked[zane.id] = [{"name": "likes", "value": "bicycles"}]
    with pytest.raises(Tampered, match=r"loyalty\.liked") as refused, house.database.transaction() as connection:
        erasure.erase(house, connection, zane.id, now=now)
    assert refused.value.code == "erasure-incomplete"
    with house.database.transaction() as connection:
        assert house.subjects.find(connection, f"msisdn:{PHONE}") == zane
    assert house.journal.entries() == []


def test_erasing_answers_the_request_for_it_and_ends_the_others(
    house: Application, zane: Subject, now: datetime
) -> None:
    with house.database.transaction() as connection:
        erase(house, connection, zane.id, now=now + timedelta(days=1))
        asked = house.requests.of_subject(connection, zane.id)
        assert {(one.kind, one.state, one.text) for one in asked} == {
            ("erasure", "done", None),
            ("access", "withdrawn", None),
        }
        assert [step.kind for step in house.requests.steps(connection, asked[0].id)] == ["filed", "erased"]
        with pytest.raises(Conflict):
            house.requests.file(
                connection, zane.id, "access", text=None, route="portal", filed_by=Actor("subject"), now=now
            )


def test_erasing_twice_changes_nothing_and_every_proof_verifies(
    house: Application, zane: Subject, now: datetime
) -> None:
    house.keeper.run_once(now)
    with house.database.transaction() as connection:
        assert erase(house, connection, zane.id, now=now) == [zane.id]
        assert erase(house, connection, zane.id, now=now) == []
    house.keeper.run_once(now + timedelta(seconds=1))
    assert [entry.subject for entry in house.journal.entries()] == [zane.id]
    assert whole(house)


def test_an_erasure_takes_every_identity_that_was_merged_into_the_person(
    house: Application, zane: Subject, now: datetime
) -> None:
    twin = add(house, "+37126000008", now, name="Zane O.")
    with house.database.transaction() as connection:
        merge(house, connection, zane.id, twin.id, now=now)
        assert set(erase(house, connection, twin.id, now=now)) == {zane.id, twin.id}
    assert {entry.subject for entry in house.journal.entries()} == {zane.id, twin.id}
    assert found(house, [*PLANTED, "26000008", "Zane O."]) == set()


def test_a_backup_that_brings_somebody_back_is_erased_again_before_anything_is_served(
    house: Application, zane: Subject, now: datetime, server_url: str, copies: list[str]
) -> None:
    house.keeper.run_once(now)
    house.close()
    backup = backed_up(house, server_url, copies)
    house = build(house.config)
    other = add(house, "+37126000010", now)
    with house.database.transaction() as connection:
        erase(house, connection, zane.id, now=now)
    house.keeper.run_once(now + timedelta(seconds=2))
    restored(house, server_url, backup)

    again = build(house.config)
    try:
        assert found(again, [*PLANTED, *hashes(again)]) == set()
        with again.database.transaction() as connection:
            assert again.subjects.find(connection, f"msisdn:{PHONE}") is None
            assert again.subjects.get(connection, zane.id).erased_at is not None
            # What was signed has positions that the restored log lost: nothing is written over them.
            events = connection.execute("SELECT count(*) FROM ledger.entered WHERE decision = 'erased'").fetchone()
            assert events == (0,)
            with pytest.raises(NotFound):
                again.subjects.get(connection, other.id)
        start_epoch(again.database, again.outside, reason="a disk was lost", now=now)
        with again.database.transaction() as connection:
            assert erasure.settle(again, connection, now=now) == 1
            assert erasure.settle(again, connection, now=now) == 0
        again.keeper.run_once(now + timedelta(seconds=9))
        assert whole(again)
    finally:
        again.close()


def test_a_crash_between_the_journal_and_the_commit_is_healed_at_the_next_start(
    house: Application, zane: Subject, now: datetime
) -> None:
    with house.database.transaction() as connection, connection.transaction(force_rollback=True):
        erase(house, connection, zane.id, now=now)
    with house.database.transaction() as connection:
        assert house.subjects.find(connection, f"msisdn:{PHONE}") == zane
    again = build(house.config)
    try:
        assert found(again, PLANTED) == set()
        again.keeper.run_once(now)
        assert whole(again)
        assert [entry.subject for entry in again.journal.entries()] == [zane.id]
    finally:
        again.close()


@pytest.mark.parametrize("harm", ["gone", "cut", "forged"])
def test_without_its_journal_nothing_is_served_until_it_is_made_anew(
    house: Application, zane: Subject, now: datetime, harm: str
) -> None:
    twin = add(house, "+37126000011", now)
    known_elsewhere = add(house, "+37126000012", now)
    with house.database.transaction() as connection:
        erase(house, connection, zane.id, now=now)
    with house.database.transaction() as connection:
        erase(house, connection, twin.id, now=now)
    lines = house.journal.file.read_bytes().splitlines(keepends=True)
    match harm:
        case "gone":
            house.journal.file.unlink()
        case "cut":
            house.journal.file.write_bytes(lines[0])
        case "forged":
            house.journal.file.write_bytes(lines[0].replace(str(zane.id).encode(), str(uuid4()).encode()) + lines[1])
    with pytest.raises(Tampered) as refused:
        build(house.config)
    assert refused.value.code == "erasure-journal"

    rebuilt = rebuild_erasures(house.config, [known_elsewhere.id], now=now)
    assert [entry.subject for entry in rebuilt][-1] == known_elsewhere.id
    assert {entry.subject for entry in rebuilt} == {zane.id, twin.id, known_elsewhere.id}
    again = build(house.config)
    try:
        with again.database.transaction() as connection:
            assert again.subjects.get(connection, known_elsewhere.id).erased_at is not None
            erase(again, connection, add(again, "+37126000013", now).id, now=now)
        assert len(again.journal.entries()) == 4
    finally:
        again.close()


def test_an_id_that_was_never_anybodys_erases_nobody(house: Application, now: datetime) -> None:
    with pytest.raises(NotFound), house.database.transaction() as connection:
        erase(house, connection, SubjectId(uuid4()), now=now)
    assert house.journal.entries() == []
