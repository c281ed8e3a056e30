"""A superuser changes what was signed: what `verify` finds and where, and what it cannot find."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from datetime import timedelta
from uuid import UUID

import pytest
from ledger_book import START, Book, sources_at, subject_id, subject_key, subject_keys

from placet.kernel.errors import Tampered
from placet.ledger import store, tiles
from placet.ledger.entries import commitment, leaf_hash
from placet.ledger.notes import Note, TreeHead, sign_checkpoint
from placet.ledger.slices import Sources
from placet.ledger.tiles import Growth
from placet.ledger.verify import Report, verify

Tamper = Callable[[str], None]
HOUR = timedelta(hours=1)


def verified(book: Book, keys: Callable[[list[UUID]], dict[UUID, bytes | None]] = subject_keys) -> Report:
    @contextlib.contextmanager
    def sources() -> Iterator[Sources]:
        yield Sources(book.database, keys, book.signer, book.memory)

    return verify(sources)


def places(report: Report) -> set[tuple[str, int]]:
    return {(finding.kind, finding.position) for finding in report.findings if finding.kind != "root"}


@pytest.fixture
def signed_book(book: Book) -> Book:
    """1,000 rows under checkpoints of 400, 700 and 1,000, an hour between them; an event at 701."""
    keeper = book.keeper()
    book.write(400, START)
    keeper.run_once(START + timedelta(seconds=1))
    book.write(300, START + HOUR)
    keeper.run_once(START + HOUR + timedelta(seconds=1))
    book.event(START + 2 * HOUR)
    book.write(299, START + 2 * HOUR)
    keeper.run_once(START + 2 * HOUR + timedelta(seconds=1))
    return book


def test_untouched_ledger_is_intact(signed_book: Book) -> None:
    report = verified(signed_book)
    assert (report.findings, report.size, report.checkpoints, report.erased_rows) == ((), 1_000, 3, 0)
    with signed_book.database.transaction() as connection:
        newest = store.largest_checkpoint(connection)
    assert newest is not None
    assert report.root == newest.root


def test_empty_ledger_is_intact(book: Book) -> None:
    assert verified(book).is_intact


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ("decision = 'given'", "edited"),
        ("purpose = 'credit'", "edited"),
        ("channel = NULL", "edited"),
        ("subject = gen_random_uuid()", "edited"),
        ("id = gen_random_uuid()", "edited"),
        ("occurred_at = occurred_at - interval '1 day'", "edited"),
        ("recorded_at = recorded_at - interval '1 day'", "back-dated"),
        ("body = convert_to(replace(convert_from(body, 'UTF8'), 'withdrawn', 'given'), 'UTF8')", "edited"),
        ("body = convert_to(replace(convert_from(body, 'UTF8'), 'portal', 'phone'), 'UTF8')", "edited"),
        ("body = '\\xff'", "edited"),
        ("body = body || ' '", "edited"),
        ("entry = '\\x01' || sha256('other')", "edited"),
        ("entry = NULL", "edited"),
    ],
)
def test_edited_row_is_found_at_its_place(signed_book: Book, as_superuser: Tamper, change: str, kind: str) -> None:
    as_superuser(f"UPDATE ledger.record SET {change} WHERE position = 302")
    assert (kind, 302) in places(verified(signed_book))
    assert {place for _, place in places(verified(signed_book))} <= {302, 303}


def test_edited_event_is_found_at_its_place(signed_book: Book, as_superuser: Tamper) -> None:
    body = "convert_to(replace(convert_from(body, 'UTF8'), 'test', 'best'), 'UTF8')"
    as_superuser(f"UPDATE ledger.record SET body = {body} WHERE position = 701")
    assert ("edited", 701) in places(verified(signed_book))


def test_edit_with_the_subjects_key_is_found_in_the_tree(signed_book: Book, as_superuser: Tamper) -> None:
    """Body, columns and commitment all agree: only the tiles remember."""
    forge(signed_book, as_superuser, 302)
    assert places(verified(signed_book)) == {("edited", 302)}


def test_edit_behind_the_last_full_tile_is_found_between_two_checkpoints(
    signed_book: Book, as_superuser: Tamper
) -> None:
    forge(signed_book, as_superuser, 902)
    report = verified(signed_book)
    assert [(finding.kind, finding.position, finding.last) for finding in report.findings] == [("root", 701, 1_000)]


def test_removed_row_is_found_at_its_place(signed_book: Book, as_superuser: Tamper) -> None:
    as_superuser("DELETE FROM ledger.record WHERE position IN (302, 950)")
    assert places(verified(signed_book)) == {("removed", 302), ("removed", 950)}


def test_removed_row_is_found_after_renumbering_the_rest(signed_book: Book, as_superuser: Tamper) -> None:
    as_superuser(
        "DELETE FROM ledger.record WHERE position = 302;"
        "UPDATE ledger.record SET position = -position WHERE position > 302;"
        "UPDATE ledger.record SET position = -position - 1 WHERE position < 0; UPDATE ledger.head SET position = 999"
    )
    found = places(verified(signed_book))
    assert ("removed", 302) in found
    # What follows moved up by one: the rows at the checkpoints' edges no longer fit their times.
    assert {place for _, place in found if place < 760} == {302, 400, 700}


def test_rows_removed_at_the_end_are_found(signed_book: Book, as_superuser: Tamper) -> None:
    as_superuser("DELETE FROM ledger.record WHERE position > 990; UPDATE ledger.head SET position = 990")
    assert {("removed", place) for place in range(991, 1_001)} <= places(verified(signed_book))


def test_inserted_row_is_found_at_its_place(signed_book: Book, as_superuser: Tamper) -> None:
    as_superuser(
        "UPDATE ledger.record SET position = -position WHERE position > 302;"
        "UPDATE ledger.record SET position = -position + 1 WHERE position < 0; UPDATE ledger.head SET position = 1001;"
        "INSERT INTO ledger.record SELECT 303, gen_random_uuid(), recorded_at, subject, purpose, channel, decision,"
        " occurred_at, body, '\\x01' || sha256('new') FROM ledger.record WHERE position = 302"
    )
    found = places(verified(signed_book))
    assert ("inserted", 303) in found
    assert {place for _, place in found if place < 760} <= {303, 304}


def test_row_hung_over_the_head_is_found(signed_book: Book, as_superuser: Tamper) -> None:
    as_superuser(
        "INSERT INTO ledger.record SELECT 1001, gen_random_uuid(), recorded_at + interval '1 second', subject, purpose,"
        " channel, decision, occurred_at, body, entry FROM ledger.record WHERE position = 1000"
    )
    assert ("inserted", 1_001) in places(verified(signed_book))


def test_swapped_rows_are_found_at_their_places(signed_book: Book, as_superuser: Tamper) -> None:
    as_superuser(
        "UPDATE ledger.record SET position = -302 WHERE position = 302;"
        "UPDATE ledger.record SET position = 302 WHERE position = 305;"
        "UPDATE ledger.record SET position = 305 WHERE position = -302"
    )
    found = places(verified(signed_book))
    assert {place for _, place in found} <= {302, 303, 304, 305, 306}
    assert {kind for kind, _ in found} & {"reordered", "edited"}
    assert ("back-dated", 303) in found


def test_row_appended_with_an_old_time_is_found(signed_book: Book, as_superuser: Tamper) -> None:
    """A row that pretends to be of before the last checkpoint, though that checkpoint does not cover it."""
    as_superuser("UPDATE ledger.head SET recorded_at = recorded_at - interval '30 minutes'")
    with signed_book.database.transaction() as connection:
        last = store.recorded_at(connection, 1_000)
    as_superuser(f"UPDATE ledger.record SET recorded_at = '{last - 40 * timedelta(minutes=1)}' WHERE position = 1000")
    signed_book.write(1, START + 2 * HOUR - timedelta(minutes=20))
    assert ("back-dated", 1_001) in places(verified(signed_book))


def test_wrong_or_missing_tile_is_found(signed_book: Book, as_superuser: Tamper) -> None:
    as_superuser("DELETE FROM ledger.tile WHERE n = 1")
    assert {finding.kind for finding in verified(signed_book).findings} == {"tile"}
    as_superuser("UPDATE ledger.tile SET hashes = overlay(hashes PLACING sha256('x') FROM 33) WHERE n = 0")
    assert ("edited", 2) in places(verified(signed_book))


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE ledger.checkpoint SET root = sha256('x') WHERE size = 700",
        "UPDATE ledger.checkpoint SET signed_at = signed_at - interval '1 minute' WHERE size = 700",
        "UPDATE ledger.checkpoint SET note = replace(note, '700', '701') WHERE size = 700",
        "UPDATE ledger.checkpoint SET note = '' WHERE size = 700",
    ],
)
def test_changed_checkpoint_is_found(signed_book: Book, as_superuser: Tamper, change: str) -> None:
    as_superuser(change)
    assert ("checkpoint", 700) in places(verified(signed_book))


def test_ledger_rolled_back_is_found_by_what_is_kept_outside(signed_book: Book, as_superuser: Tamper) -> None:
    as_superuser(
        "DELETE FROM ledger.checkpoint WHERE size > 700; DELETE FROM ledger.tile WHERE n > 1;"
        "DELETE FROM ledger.record WHERE position > 700; UPDATE ledger.head SET position = 700"
    )
    assert {kind for kind, _ in places(verified(signed_book))} == {"outside"}


def test_erased_subjects_are_counted_apart(signed_book: Book) -> None:
    """Without the key a record's place is proved and its columns are not; the `erased` event must be there."""
    gone = subject_id(7)

    def keys(ids: list[UUID]) -> dict[UUID, bytes | None]:
        return {id: None if id == gone else subject_key(id) for id in ids}

    report = verified(signed_book, keys)
    assert (report.erased_rows, report.erased_subjects) == (20, 1)
    assert places(report) == {("erased", 7)}
    signed_book.erase(gone, START + 3 * HOUR)
    signed_book.keeper().run_once(START + 3 * HOUR)
    assert verified(signed_book, keys).is_intact


def test_changed_key_of_one_subject_does_not_hide_the_others(signed_book: Book, as_superuser: Tamper) -> None:
    def keys(ids: list[UUID]) -> dict[UUID, bytes | None]:
        if subject_id(7) in ids:
            raise Tampered("a subject's key does not open", code="key-broken")
        return subject_keys(ids)

    as_superuser("UPDATE ledger.record SET purpose = 'credit' WHERE position = 302")
    found = places(verified(signed_book, keys))
    assert found == {("edited", 302)} | {("key", position) for position in range(7, 1_000, 50)}


def test_only_a_witness_and_receipts_find_a_rewrite_with_the_key(signed_book: Book, as_superuser: Tamper) -> None:
    """Whoever holds the database, all keys and the folder outside can rewrite history unseen from inside."""
    before = signed_book.memory.note()
    forge(signed_book, as_superuser, 302)
    resign(signed_book, as_superuser)
    assert verified(signed_book).is_intact
    assert before is not None
    after = signed_book.memory.note()
    assert after is not None
    # What a witness or a customer kept contradicts it: same size, same key, another root.
    then, now = TreeHead.parse(before.text), TreeHead.parse(after.text)
    assert (then.origin, then.size) == (now.origin, now.size)
    assert then.root != now.root
    assert len(before.verified_by(signed_book.signer.verifiers(then.origin.rpartition("/")[2]))) == 2


def forge(book: Book, as_superuser: Tamper, position: int) -> None:
    """Change what the record says, its columns and its commitment together, as one could who has the subject's key."""
    subject = subject_id(position % 50)
    with book.database.transaction() as connection:
        row = connection.execute("SELECT id, body FROM ledger.record WHERE position = %s", [position]).fetchone()
    assert row is not None
    body = row[1].replace(b'"withdrawn"', b'"given"')
    assert body != row[1]
    entry = commitment(subject_key(subject), row[0], body)
    as_superuser(
        f"UPDATE ledger.record SET decision = 'given', body = '\\x{body.hex()}', entry = '\\x{entry.hex()}'"
        f" WHERE position = {position}"
    )


def resign(book: Book, as_superuser: Tamper) -> None:
    """Make tiles and checkpoints fit the changed rows, with the log's own key."""
    with book.database.transaction() as connection:
        leaves = b"".join(leaf_hash(entry) for entry in store.entries(connection, 1, 1_000))
        checkpoints = store.checkpoints(connection, 1, 1_000)
    growth = Growth()
    for checkpoint in checkpoints:
        for tile in growth.append(leaves[growth.size * tiles.HASH : checkpoint.size * tiles.HASH]):
            where = f"WHERE level = {tile.level} AND n = {tile.n}"
            as_superuser(f"UPDATE ledger.tile SET hashes = '\\x{tile.hashes.hex()}' {where}")
        head = TreeHead(book.signer.origin(checkpoint.epoch), checkpoint.size, growth.root())
        note = sign_checkpoint(head, book.signer.signer(checkpoint.epoch), checkpoint.signed_at)
        as_superuser(
            f"UPDATE ledger.checkpoint SET root = '\\x{head.root.hex()}',"
            f" note = convert_from('\\x{note.encode().hex()}', 'UTF8') WHERE size = {checkpoint.size}"
        )
    book.memory.write_note(note)
    assert Note.parse(note)


def test_big_ledger_is_judged_by_two_processes_alike(book: Book, app_url: str, as_superuser: Tamper) -> None:
    book.write(66_000)
    book.keeper().run_once(START + HOUR)
    as_superuser("UPDATE ledger.record SET purpose = 'credit' WHERE position IN (5, 65900)")
    steps: list[tuple[int, int]] = []
    opener = functools.partial(sources_at, app_url, book.config)
    two = verify(opener, processes=2, progress=lambda done, total: steps.append((done, total)))
    assert places(two) == {("edited", 5), ("edited", 65_900)}
    assert two == verify(opener, processes=1)
    assert steps == [(65_536, 66_000), (66_000, 66_000)]


def test_renumbering_across_slices_blames_the_missing_row_only(book: Book, as_superuser: Tamper) -> None:
    book.write(65_536 + 600)
    book.keeper().run_once(START + HOUR)
    as_superuser(
        "DELETE FROM ledger.record WHERE position = 65000; UPDATE ledger.head SET position = 66135;"
        "UPDATE ledger.record SET position = -position WHERE position > 65000;"
        "UPDATE ledger.record SET position = -position - 1 WHERE position < 0"
    )
    found = places(verified(book))
    assert ("removed", 65_000) in found
    assert {place for _, place in found if place < 66_048} == {65_000}
