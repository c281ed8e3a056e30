from __future__ import annotations

import threading
from datetime import datetime, timedelta

import psycopg
import pytest
from catalogue_tables import Edit

from placet.catalogue import store
from placet.catalogue.files import load
from placet.catalogue.model import Catalogue, Version
from placet.catalogue.publishing import Published, Unpublishable, plan, publish
from placet.catalogue.render import render
from placet.kernel import jcs
from placet.kernel.errors import NotFound
from placet.store.database import Database
from placet.store.queries import queries


def published(database: Database, catalogue: Catalogue, now: datetime) -> Published | None:
    with database.transaction() as connection:
        return publish(connection, catalogue, now=now)


@pytest.fixture
def newer(edit: Edit) -> Catalogue:
    """Acme with one minor and one major change, declared as it must be."""
    return load(
        edit(
            [
                {"file": "catalogue.yaml", "find": 'version: "1.0"', "put": 'version: "1.1"'},
                {"file": "purposes/news.yaml", "find": 'version: "1.0"', "put": 'version: "1.1"'},
                {"file": "purposes/news.yaml", "find": "Hear of new services first.", "put": "Hear of more."},
                {"file": "purposes/advice.yaml", "find": 'version: "1.0"', "put": 'version: "2.0"'},
                {"file": "purposes/advice.yaml", "find": "automated: false", "put": "automated: true"},
            ]
        )
    )


def test_nothing_is_in_force_before_the_first_publication(database: Database) -> None:
    with database.transaction() as connection:
        assert store.latest_position(connection) is None
        assert store.in_force(connection) is None
        with pytest.raises(NotFound):
            store.current(connection)


def test_what_is_read_back_equals_what_was_published(database: Database, amigo: Catalogue, now: datetime) -> None:
    first = published(database, amigo, now)
    assert first is not None
    with database.transaction() as connection:
        assert store.current(connection) == amigo
        assert store.current(connection).digest == amigo.digest
        assert store.latest_position(connection) == first.position
    assert (first.changes, first.lapsed) == ((), ())


def test_publishing_twice_changes_nothing(database: Database, acme: Catalogue, now: datetime) -> None:
    assert published(database, acme, now) is not None
    assert published(database, acme, now + timedelta(days=1)) is None
    with database.transaction() as connection:
        assert connection.execute("SELECT count(*) FROM catalogue.edition").fetchone() == (1,)
        assert connection.execute("SELECT count(*) FROM ledger.entered").fetchone() == (1,)


def test_the_ledger_names_the_digest_and_every_text(database: Database, acme: Catalogue, now: datetime) -> None:
    first = published(database, acme, now)
    assert first is not None
    with database.transaction() as connection:
        row = connection.execute("SELECT body FROM ledger.entered WHERE position = %s", [first.position]).fetchone()
    assert row is not None
    event = jcs.parse(row[0])
    assert {key: value for key, value in event.items() if key not in {"id", "recorded_at"}} == {
        "type": "catalogue",
        "catalogue": "acme",
        "version": "1.0",
        "digest": acme.digest.hex(),
        "notices": [
            {
                "purpose": purpose,
                "version": "1.0",
                "language": "en",
                "sha256": render(acme, purpose=purpose, language="en", route="portal").sha256.hex(),
            }
            for purpose in ("news", "advice")
        ],
    }


def test_a_major_change_says_which_consents_lapse(
    database: Database, acme: Catalogue, newer: Catalogue, now: datetime
) -> None:
    published(database, acme, now)
    second = published(database, newer, now)
    assert second is not None
    assert second.lapsed == (("advice", 2),)
    assert [(change.purpose, change.weight) for change in second.changes] == [("news", "minor"), ("advice", "major")]
    with database.transaction() as connection:
        assert store.current(connection) == newer
        rows = connection.execute("SELECT purpose, major, minor FROM catalogue.current_notice ORDER BY purpose")
        assert rows.fetchall() == [("advice", 2, 0), ("news", 1, 1)]


def test_an_older_catalogue_cannot_be_published_again(
    database: Database, acme: Catalogue, newer: Catalogue, now: datetime
) -> None:
    published(database, acme, now)
    published(database, newer, now)
    with pytest.raises(Unpublishable):
        published(database, acme, now)
    with database.transaction() as connection:
        assert store.current(connection) == newer


def test_changed_words_under_the_old_version_are_refused_and_nothing_is_written(
    database: Database, acme: Catalogue, edit: Edit, now: datetime
) -> None:
    published(database, acme, now)
    sly = load(edit([{"file": "purposes/news.yaml", "find": "You get no news.", "put": "You get less news."}]))
    with pytest.raises(Unpublishable) as caught:
        published(database, sly, now)
    assert {finding.where for finding in caught.value.findings} == {
        "purposes/news.yaml: version",
        "catalogue.yaml: version",
    }
    with database.transaction() as connection:
        assert store.current(connection) == acme
        assert connection.execute("SELECT count(*) FROM ledger.entered").fetchone() == (1,)


def test_a_catalogue_with_an_error_is_not_published(database: Database, edit: Edit, now: datetime) -> None:
    faulty = load(edit([{"file": "activities.yaml", "find": "  legal_basis: contract\n", "put": ""}]))
    with pytest.raises(Unpublishable) as caught:
        published(database, faulty, now)
    assert [finding.code for finding in caught.value.findings] == ["no-basis"]
    with database.transaction() as connection:
        assert store.in_force(connection) is None


def test_a_purpose_that_is_gone_lapses_and_comes_back_only_under_a_higher_major(
    database: Database, acme: Catalogue, edit: Edit, now: datetime
) -> None:
    published(database, acme, now)
    without = edit(
        [
            {"file": "catalogue.yaml", "find": 'version: "1.0"', "put": 'version: "1.1"'},
            {"file": "catalogue.yaml", "find": "purposes: [news, advice]", "put": "purposes: [news]"},
            {"file": "activities.yaml", "find": "needs: [advice]", "put": "needs: [news]"},
            {"file": "activities.yaml", "find": "data: [load]", "put": "data: [contact]"},
            {"file": "activities.yaml", "find": "needs: [advice, news]", "put": "needs: [news]"},
            {"file": "activities.yaml", "find": "data: [load, contact]", "put": "data: [contact]"},
        ],
        name="without",
    )  # fmt: skip
    (without / "purposes" / "advice.yaml").unlink()
    second = published(database, load(without), now)
    assert second is not None
    assert second.lapsed == (("advice", 2),)
    back = load(edit([{"file": "catalogue.yaml", "find": 'version: "1.0"', "put": 'version: "1.2"'}]))
    with pytest.raises(Unpublishable) as caught:
        published(database, back, now)
    assert [finding.message for finding in caught.value.findings] == ["it was published before: write 2.0 or higher"]
    with database.transaction() as connection:
        row = connection.execute("SELECT body FROM ledger.entered WHERE position = %s", [second.position]).fetchone()
    assert row is not None
    assert jcs.parse(row[0])["retired"] == ["advice"]


def test_of_two_who_publish_at_once_one_writes(database: Database, acme: Catalogue, now: datetime) -> None:
    answers: list[Published | None] = []
    start = threading.Barrier(4)

    def run() -> None:
        start.wait()
        answers.append(published(database, acme, now))

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(answer is not None for answer in answers) == 1
    assert len(answers) == 4


def test_the_views_show_what_is_in_force(database: Database, acme: Catalogue, newer: Catalogue, now: datetime) -> None:
    published(database, acme, now)
    published(database, newer, now)
    with database.transaction() as connection:
        needs = connection.execute("SELECT activity, purpose, channel FROM catalogue.current_need ORDER BY 1, 2")
        assert needs.fetchall() == [
            ("advice.sms", "advice", None),
            ("advice.sms", "news", "sms"),
            ("advice.tariff", "advice", None),
            ("news.sms", "news", "sms"),
        ]
        activities = connection.execute("SELECT * FROM catalogue.current_activity ORDER BY activity")
        assert activities.fetchall() == [
            ("advice.sms", "sms", "consent", False),
            ("advice.tariff", None, "consent", False),
            ("contract.billing", None, "contract", True),
            ("news.sms", "sms", "consent", False),
        ]
        edition = connection.execute("SELECT catalogue, major, minor, digest FROM catalogue.current_edition")
        assert edition.fetchall() == [("acme", 1, 1, newer.digest)]


def test_a_shown_text_is_kept_once_and_read_back(database: Database, amigo: Catalogue, now: datetime) -> None:
    rendered = render(amigo, purpose="offers", language="lv", route="phone")
    with database.transaction() as connection:
        assert store.shown(connection, rendered.sha256) is None
        store.remember_shown(connection, rendered, now)
        store.remember_shown(connection, rendered, now + timedelta(days=1))
        kept = store.shown(connection, rendered.sha256)
    assert kept == store.Shown(rendered.sha256, rendered.document, rendered.purpose, Version(1, 0), "lv", "phone", now)


def test_a_text_under_a_hash_that_is_not_its_own_is_refused(database: Database, now: datetime) -> None:
    with pytest.raises(psycopg.errors.CheckViolation), database.transaction() as connection:
        connection.execute(
            "INSERT INTO catalogue.shown VALUES (sha256('other'), 'text', 'offers', 1, 0, 'lv', 'portal', %s)", [now]
        )


@pytest.mark.parametrize("table", ["edition", "notice", "activity", "need", "shown"])
@pytest.mark.parametrize(
    "verb", ["UPDATE catalogue.{} SET {} = NULL", "DELETE FROM catalogue.{}", "TRUNCATE catalogue.{}"]
)
def test_what_was_published_or_shown_cannot_be_changed(
    table: str, verb: str, database: Database, admin_url: str
) -> None:
    column = {"edition": "digest", "need": "activity", "activity": "activity", "shown": "document"}.get(
        table, "purpose"
    )
    statement = verb.format(table, column).encode()
    with pytest.raises(psycopg.errors.InsufficientPrivilege), database.transaction() as connection:
        connection.execute(statement)
    # The trigger stops the owner too; an UPDATE of no row fires nothing, so plant one.
    with psycopg.connect(admin_url) as connection:
        _plant(connection)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement.replace(b"TRUNCATE catalogue.edition", b"TRUNCATE catalogue.edition CASCADE"))


def _plant(connection: psycopg.Connection) -> None:
    connection.execute("INSERT INTO catalogue.edition VALUES (1, 'x', 1, 0, sha256('x'), 'x', now())")
    connection.execute("INSERT INTO catalogue.notice VALUES (1, 'p', 1, 0)")
    connection.execute("INSERT INTO catalogue.activity VALUES (1, 'p.a', NULL, 'consent', false)")
    connection.execute("INSERT INTO catalogue.need VALUES (1, 'p.a', 'p', NULL)")
    connection.execute("INSERT INTO catalogue.shown VALUES (sha256('x'), 'x', 'p', 1, 0, 'lv', 'portal', now())")


def test_a_plan_writes_nothing_and_says_the_same_as_publishing(acme: Catalogue, newer: Catalogue) -> None:
    found = plan(newer, published=acme)
    assert (found.findings, found.lapsed, found.unchanged) == ((), (("advice", 2),), False)
    assert plan(acme, published=acme).unchanged


def test_every_statement_is_accepted_by_the_database(database: Database) -> None:
    with database.transaction() as connection:
        for name, statement in queries("placet.catalogue").items():
            text = statement.decode()
            for place, parameter in enumerate(dict.fromkeys(_parameters(text)), start=1):
                text = text.replace(f"%({parameter})s", f"${place}")
            connection.execute(f"PREPARE catalogue_{name} AS {text}".encode())


def _parameters(text: str) -> list[str]:
    return [part.partition(")s")[0] for part in text.split("%(")[1:]]
