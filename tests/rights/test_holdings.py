"""Everything that is held about a person is found, in words, once, and nothing of anybody else."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from datetime import timedelta
from uuid import uuid4

import attrs
import jsonschema_rs
import pytest
from holdings_life import Life, begin, lived
from rights_people import Shelf

from placet.bootstrap import Application, erase, merge
from placet.delivery.model import Kind, Message
from placet.delivery.notes import Filled
from placet.kernel.errors import NotFound
from placet.kernel.ids import ActivityId, ChannelId, PurposeId, new_subject_id
from placet.rights import export, holdings
from placet.rights.holdings import Holdings
from placet.subjects import postal
from placet.subjects.model import LANGUAGES, Alias, Subject

VALIDATOR = jsonschema_rs.validator_for(json.loads(export.schema()))


@pytest.fixture
def anna(placet: Application) -> tuple[Life, Subject]:
    return lived(placet)


def held(life: Life, person: Subject, read=lambda found: {table.name: list(table.rows()) for table in found.tables}):
    with life.placet.database.transaction() as connection:
        return read(holdings.everything(life.placet, connection, person.id, now=life.now))


def test_everything_that_was_put_in_is_found_again(anna: tuple[Life, Subject]) -> None:
    life, person = anna
    found = held(life, person)
    assert found["subject"][0]["name"] == "Анна Kalniņa"
    assert found["subject"][0]["birth_date"] == "1990-02-28"
    assert [row["value"] for row in found["contacts"]] == ["a37120000301@example.lv", "+37120000301"]
    assert [(row["number"], row["role"]) for row in found["lines"]] == [("+37120000301", "holder")]
    assert [(row["purpose"], row["decision"]) for row in found["decisions"]] == [
        ("usage", "given"),
        ("offers", "refused"),
        ("usage", "withdrawn"),
    ]
    assert {row["purpose"]: row["decision"] for row in found["states"]} == {"usage": "withdrawn", "offers": "refused"}
    assert [row["outcome"] for row in found["uses"]] == ["a cheaper tariff found"] * 2
    assert [row["network"] for row in found["sign_ins"]] == ["85.254.0.0/16"]
    assert [(row["role"], row["shop"], row["reason"]) for row in found["staff_access"]] == [
        ("agent", "riga-1", "a question")
    ]
    assert [(row["kind"], row["text"]) for row in found["requests"]] == [("access", "=what do you hold?")]


def test_what_was_sent_is_listed_without_its_words(anna: tuple[Life, Subject]) -> None:
    life, person = anna
    message = Message(
        subject=person.id, key="code/1", kind=Kind.SERVICE, activity=ActivityId("contract.service-message"),
        channel=ChannelId("sms"), template="code/sign-in", language="lv", values={"code": "482193"},
        not_before=life.now, not_after=life.now + timedelta(minutes=5),
    )  # fmt: skip
    with life.placet.database.transaction() as connection:
        life.placet.delivery.plan(connection, [message], now=life.now)
    (row,) = (row for row in held(life, person)["messages"] if row["channel"] == "sms")
    assert (row["kind"], row["channel"], row["became"], row["reason"]) == ("service", "sms", "planned", None)
    assert "482193" not in str(row)


def test_inbox_calls_and_address_are_listed_and_fit_the_schema(anna: tuple[Life, Subject]) -> None:
    life, person = anna
    message = Message(
        subject=person.id, key="spring", kind=Kind.OFFER, activity=ActivityId("offers.app-campaign"),
        channel=ChannelId("app"), template="spring", language="lv", topic="phones",
        not_before=life.now, not_after=life.now + timedelta(minutes=5),
    )  # fmt: skip
    placet = life.placet
    with placet.database.transaction() as connection:
        (id,) = placet.delivery.plan(connection, [message], now=life.now).fresh
        placet.inbox.put(connection, person.id, id, Filled("Hello", ("One.", "Two.")), now=life.now)
        home = postal.address("Brīvības iela 1", "Rīga", "1010")
        placet.subjects.move(connection, person.id, home, now=life.now)
        connection.execute(
            "INSERT INTO delivery.call (message, attempt, number, staff, opened_at, outcome, ended_at)"
            " VALUES (%s, 1, %s, %s, %s, 'no-answer', %s)",
            [id, person.number, uuid4(), life.now, life.now],
        )
    found = held(life, person)
    (row,) = found["inbox"]
    assert (row["title"], row["text"], row["topic"], row["read_at"]) == ("Hello", "One.\n\nTwo.", "phones", None)
    addresses = [row["value"] for row in found["contacts"] if row["kind"] == "address"]
    assert addresses == ["Brīvības iela 1, Rīga, LV-1010"]
    (call,) = found["calls"]
    assert (call["attempt"], call["call_outcome"]) == (1, "no-answer")
    made = export.document(placet, person.id, now=life.now)
    VALIDATOR.validate(json.loads(made.read()))
    made.file.close()


def test_sealed_evidence_is_opened_for_its_own_person(anna: tuple[Life, Subject]) -> None:
    life, person = anna
    found = held(life, person)
    (letter,) = found["evidence"]
    assert letter["content"] == "letter 17 of 2026"
    assert letter["hash"] in [row["record"]["evidence"] for row in found["decisions"]]


def test_a_use_tells_what_was_read_and_on_which_basis(anna: tuple[Life, Subject]) -> None:
    life, person = anna
    use = held(life, person)["uses"][0]
    assert (use["activity"], use["purposes"], use["basis"], use["permitted"]) == (
        "usage.tariff-advice",
        ["usage"],
        "consent",
        True,
    )
    assert use["data"] == ["call minutes, number of SMS and megabytes"]


def test_neither_tokens_nor_keys_nor_the_names_of_staff_are_in_it(anna: tuple[Life, Subject]) -> None:
    life, person = anna
    with life.placet.database.transaction() as connection:
        secret = connection.execute("SELECT encode(hash, 'hex') FROM access.session").fetchone()
    said = json.dumps(held(life, person))
    assert secret is not None
    assert secret[0] not in said
    assert "Ilze" not in said


def test_nothing_of_anybody_else_is_in_it(anna: tuple[Life, Subject]) -> None:
    life, person = anna
    other = life.person("+37120000302", name="Bruno Other")
    life.say(other, "usage", "given", evidence=b"the letter of another")
    life.use(other, outcome="the use of another")
    said = json.dumps(held(life, person))
    for foreign in (str(other.id), "20000302", "Bruno", "of another"):
        assert foreign not in said


def test_a_mandate_is_told_to_both_and_its_document_to_whom_it_is_over(placet: Application) -> None:
    life = begin(placet)
    parent, child = life.person(), life.person("+37120000303", name="Child")
    with placet.database.transaction() as connection:
        placet.subjects.add_mandate(
            connection,
            representative=parent.id,
            subject=child.id,
            kind="power-of-attorney",
            purposes=[PurposeId("usage")],
            proof="deed 5",
            since=life.now,
        )
    assert [(row["representative"], row["proof"]) for row in held(life, parent)["mandates"]] == [(str(parent.id), None)]
    assert [(row["subject"], row["proof"]) for row in held(life, child)["mandates"]] == [(str(child.id), "deed 5")]


def test_what_was_recorded_under_a_merged_identity_is_still_the_persons(placet: Application) -> None:
    life = begin(placet)
    old, new = life.person(), life.person("+37120000304")
    life.say(old, "usage", "given", evidence=b"letter of the old id")
    life.use(old)
    with placet.database.transaction() as connection:
        merge(placet, connection, new.id, old.id, now=life.tick())
    found = held(life, new)
    assert [row["record"]["subject"] for row in found["decisions"]][:1] == [str(old.id)]
    assert [row["content"] for row in found["evidence"]] == ["letter of the old id"]
    assert len(found["uses"]) == 1
    assert found["subject"][0]["also_known_as"] == [str(old.id)]
    assert held(life, old)["subject"][0]["id"] == str(new.id)


def test_what_a_purpose_holds_stands_in_its_own_section(anna: tuple[Life, Subject]) -> None:
    life, person = anna
    shelf = Shelf(PurposeId("usage"), liked={person.id: [{"name": "phone", "value": "small"}]})
    life.placet = attrs.evolve(life.placet, duties=(shelf,))

    def section(found: Holdings) -> list[tuple[str, str, list[object]]]:
        return [
            (table.name, table.basis, list(table.rows()))
            for part in found.sections
            if part.purpose == "usage"
            for table in part.tables
        ]

    assert held(life, person, section) == [
        ("usage.liked", "consent", [{"name": "phone", "value": "small"}]),
        ("usage.invoices", "legal-obligation", []),
    ]


def test_only_what_was_provided_or_observed_on_consent_or_contract_is_portable(anna: tuple[Life, Subject]) -> None:
    life, person = anna
    shelf = Shelf(PurposeId("usage"), liked={person.id: [{"name": "phone", "value": "small"}]})
    life.placet = attrs.evolve(life.placet, duties=(shelf,))
    names = held(life, person, lambda found: {table.name for table in found.tables if table.is_portable})
    assert names == {"subject", "contacts", "lines", "passkeys", "usage.liked"}


def test_every_table_has_its_words_in_every_language(anna: tuple[Life, Subject]) -> None:
    life, person = anna

    def lacking(found: Holdings) -> list[str]:
        words = [
            (table.name, said)
            for table in found.tables
            for said in (table.title, table.why, table.until, *table.columns.values())
        ]
        words += [(section.id, section.title) for section in found.sections]
        return [name for name, said in words if set(said) != set(LANGUAGES) or not all(said.values())]

    assert held(life, person, lacking) == []


def test_rows_have_the_columns_that_are_described_and_no_others(anna: tuple[Life, Subject]) -> None:
    life, person = anna
    with life.placet.database.transaction() as connection:
        found = holdings.everything(life.placet, connection, person.id, now=life.now)
        for table in found.tables:
            for row in table.rows():
                assert set(row) == set(table.columns), table.name
            assert table.quiet <= set(table.columns), table.name


def test_of_an_erased_person_no_name_contact_or_word_is_left(anna: tuple[Life, Subject]) -> None:
    life, person = anna
    with life.placet.database.transaction() as connection:
        erase(life.placet, connection, person.id, now=life.tick())
    found = held(life, person)
    said = json.dumps(found, ensure_ascii=False)
    for word in ("Анна", "20000301", "example.lv", "letter 17", "what do you hold", "a question", "85.254"):
        assert word not in said
    assert len(found["decisions"]) == 3
    assert found["subject"][0]["erased_at"] is not None


def test_nobody_is_told_about_who_is_not_there(placet: Application) -> None:
    life = begin(placet)
    with pytest.raises(NotFound), placet.database.transaction() as connection:
        holdings.everything(placet, connection, new_subject_id(), now=life.now)


def test_uses_are_read_as_they_are_asked_for(anna: tuple[Life, Subject]) -> None:
    life, person = anna
    life.say(person, "usage", "given")
    life.many_uses(person, 1_500)
    with life.placet.database.transaction() as connection:
        uses = holdings.everything(life.placet, connection, person.id, now=life.now).table("uses")
        rows = iter(uses.rows())
        assert isinstance(rows, Iterator)
        first = [row["id"] for row in itertools.islice(rows, 3)]
        assert first == sorted(first, reverse=True)
        assert sum(1 for _ in uses.rows()) == 1_502


def test_a_table_that_is_not_there_is_not_found(anna: tuple[Life, Subject]) -> None:
    life, person = anna
    with pytest.raises(NotFound):
        held(life, person, lambda found: found.table("nothing.such"))


def test_an_alias_finds_the_same_holdings(anna: tuple[Life, Subject]) -> None:
    life, person = anna
    with life.placet.database.transaction() as connection:
        found = life.placet.subjects.find(connection, Alias.msisdn("+37120000301"))
    assert found is not None
    assert found.id == person.id
