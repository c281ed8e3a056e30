from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import attrs
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from ledger_book import ORIGIN, START, Book

from placet.kernel.errors import Tampered, Unavailable
from placet.ledger import keeper, merkle, store, tiles
from placet.ledger.append import ending
from placet.ledger.entries import leaf_hash
from placet.ledger.notes import COSIGNATURE, NOTE, Note, TreeHead
from placet.ledger.outside import Outside
from placet.ledger.store import Checkpoint


def slow_root(book: Book, size: int) -> bytes:
    with book.database.transaction() as connection:
        return merkle.root([leaf_hash(entry) for entry in store.entries(connection, 1, size)])


def signed(checkpoint: Checkpoint | None) -> Checkpoint:
    assert checkpoint is not None
    return checkpoint


def test_keeper_signs_the_tree_of_what_was_appended(book: Book) -> None:
    book.write(300)
    book.event()
    checkpoint = signed(book.keeper().run_once(START))
    assert (checkpoint.size, checkpoint.root) == (301, slow_root(book, 301))
    note = Note.parse(checkpoint.note)
    assert TreeHead.parse(note.text) == TreeHead(f"{ORIGIN}/{checkpoint.epoch}", 301, checkpoint.root)
    assert {key.type for key in note.verified_by(book.signer.verifiers(checkpoint.epoch))} == {NOTE, COSIGNATURE}


def test_keeper_has_nothing_to_sign_when_nothing_was_appended(book: Book) -> None:
    keeper = book.keeper()
    assert keeper.run_once(START) is None
    book.write(1)
    assert signed(keeper.run_once(START)).size == 1
    assert keeper.run_once(START) is None
    assert book.keeper().run_once(START) is None


def test_keeper_and_its_successor_grow_the_same_tree(book: Book) -> None:
    first = book.keeper()
    for count in (1, 255, 1, 600, 66_000, 5):
        book.write(count)
        checkpoint = signed(first.run_once(START))
        assert checkpoint.root == slow_root(book, checkpoint.size)
        book.write(7)
        checkpoint = signed(book.keeper().run_once(START))
        assert checkpoint.root == slow_root(book, checkpoint.size)
    with book.database.transaction() as connection:
        assert store.tile_count(connection) == {0: checkpoint.size // 256, 1: 1}


def test_keeper_reads_a_large_backlog_in_slices_and_signs_it_once(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "SLICE", 500)
    book.write(1_100)
    checkpoint = signed(book.keeper().run_once(START))
    assert (checkpoint.size, checkpoint.root) == (1_100, slow_root(book, 1_100))


def test_only_one_keeper_signs_at_a_time(book: Book) -> None:
    book.write(1)
    with book.database.transaction() as connection:
        store.wait_keeper_lock(connection)
        assert book.keeper().run_once(START) is None
    assert signed(book.keeper().run_once(START)).size == 1


def test_checkpoint_time_never_goes_back_when_the_clock_does(book: Book) -> None:
    keeper = book.keeper()
    book.write(1)
    first = signed(keeper.run_once(START + timedelta(hours=1)))
    book.write(1, START - timedelta(days=1))
    second = signed(keeper.run_once(START - timedelta(days=1)))
    assert second.signed_at == first.signed_at == START + timedelta(hours=1)


def test_keeper_follows_by_itself(book: Book) -> None:
    stop, keeper = threading.Event(), book.keeper()
    thread = threading.Thread(target=keeper.follow, args=(stop, lambda: START))
    thread.start()
    try:
        for size in (3, 6):
            book.write(3)
            while True:
                with book.database.transaction() as connection:
                    latest = store.latest_checkpoint(connection, ending(connection).epoch)
                if latest is not None and latest.size == size:
                    break
    finally:
        stop.set()
        thread.join()
    assert keeper.fault is None


def test_keepers_that_take_turns_grow_one_tree(book: Book) -> None:
    keepers = [book.keeper(), book.keeper()]
    for turn in range(8):
        book.write(150)
        checkpoint = signed(keepers[turn % 2].run_once(START))
    assert (checkpoint.size, checkpoint.root) == (1_200, slow_root(book, 1_200))


def test_nothing_is_published_that_could_not_be_kept_outside(book: Book) -> None:
    """Disk full, or the folder away: first the disk, then the world."""
    keeper, file = book.keeper(), book.outside / "checkpoint"
    book.write(10)
    first = signed(keeper.run_once(START))
    book.write(290)
    file.rename(book.outside / "away")
    file.mkdir()
    with pytest.raises(Unavailable):
        keeper.run_once(START)
    with book.database.transaction() as connection:
        assert store.largest_checkpoint(connection) == first
        assert store.tile_count(connection) == {}
    file.rmdir()
    (book.outside / "away").rename(file)
    assert signed(keeper.run_once(START)).size == 300


# What the keeper refuses to sign.


def refusal(keeper: keeper.Keeper) -> str:
    with pytest.raises(Tampered) as caught:
        keeper.run_once(START)
    assert caught.value.code == "log-rolled-back"
    return caught.value.message


@pytest.fixture
def roll_back(as_superuser: Callable[[str], None]) -> Callable[[int], None]:
    """Yesterday's backup: everything above *size* is gone."""

    def run(size: int) -> None:
        as_superuser(
            f"DELETE FROM ledger.cosignature; DELETE FROM ledger.checkpoint WHERE size > {size};"
            f"DELETE FROM ledger.tile WHERE (n + 1) * 256 ^ (level + 1) > {size};"
            f"DELETE FROM ledger.record WHERE position > {size};"
            f"UPDATE ledger.head SET position = {size},"
            f" recorded_at = (SELECT max(recorded_at) FROM ledger.record)"
        )

    return run


@pytest.mark.parametrize("is_running", [True, False])
def test_keeper_refuses_a_smaller_tree(book: Book, roll_back: Callable[[int], None], is_running: bool) -> None:
    keeper = book.keeper()
    book.write(300)
    keeper.run_once(START)
    book.write(300)
    keeper.run_once(START)
    roll_back(300)
    assert "a tree of 600 was signed" in refusal(keeper if is_running else book.keeper())


@pytest.mark.parametrize("is_running", [True, False])
@pytest.mark.parametrize("again", [300, 301])
def test_keeper_refuses_another_tree_of_the_size_or_grown_from_it(
    book: Book, roll_back: Callable[[int], None], is_running: bool, again: int
) -> None:
    keeper = book.keeper()
    book.write(300)
    keeper.run_once(START)
    book.write(300)
    keeper.run_once(START)
    roll_back(300)
    book.write(again, START + timedelta(hours=1))
    refusal(keeper if is_running else book.keeper())


def test_keeper_refuses_a_changed_last_record(book: Book, as_superuser: Callable[[str], None]) -> None:
    keeper = book.keeper()
    book.write(10)
    keeper.run_once(START)
    book.write(1)
    as_superuser("UPDATE ledger.record SET entry = '\\x01' || sha256('other') WHERE position = 10")
    assert "the record at 10" in refusal(keeper)


def test_keeper_refuses_when_its_last_record_is_gone(book: Book, as_superuser: Callable[[str], None]) -> None:
    keeper = book.keeper()
    book.write(10)
    keeper.run_once(START)
    book.write(1)
    as_superuser("DELETE FROM ledger.record WHERE position = 10")
    assert "the record at 10" in refusal(keeper)


def test_keeper_refuses_when_its_memory_outside_is_lost_or_damaged(book: Book) -> None:
    book.write(10)
    book.keeper().run_once(START)
    file = book.outside / "checkpoint"
    file.write_text(file.read_text().replace("10", "11", 1))
    with pytest.raises(Tampered):
        book.keeper().run_once(START)
    file.unlink()
    (book.outside / "epoch").unlink()
    assert "forgot" in refusal(book.keeper())


def test_keeper_refuses_an_epoch_that_nobody_agreed_to(book: Book, as_superuser: Callable[[str], None]) -> None:
    book.write(10)
    book.keeper().run_once(START)
    as_superuser("UPDATE ledger.head SET epoch = 'deadbeef'")
    assert "deadbeef" in refusal(book.keeper())


def test_keeper_refuses_a_log_of_another_key(book: Book) -> None:
    book.write(10)
    book.keeper().run_once(START)
    other = attrs.evolve(book.keys, checkpoint=Ed25519PrivateKey.generate())
    assert "not one of this log" in refusal(keeper.Keeper(book.database, other, book.config))


def test_checkpoint_that_was_kept_outside_but_not_committed_is_published_as_it_was(
    book: Book, as_superuser: Callable[[str], None]
) -> None:
    """Failed but persisted: the note stood on the disk when the database went away before the commit."""
    book.write(300)
    first = book.keeper()
    first.run_once(START)
    book.write(300)
    lost = signed(first.run_once(START + timedelta(minutes=1)))
    as_superuser("DELETE FROM ledger.checkpoint WHERE size = 600; DELETE FROM ledger.tile WHERE n > 0")
    book.write(300)
    successor = book.keeper()
    assert signed(successor.run_once(START + timedelta(minutes=2))) == lost
    assert signed(successor.run_once(START + timedelta(minutes=2))).size == 900


def test_restored_database_goes_on_in_a_new_epoch(book: Book, roll_back: Callable[[int], None]) -> None:
    book.write(300)
    old = signed(book.keeper().run_once(START))
    book.write(300)
    lost = signed(book.keeper().run_once(START))
    roll_back(300)
    restored = keeper.start_epoch(book.database, book.memory, reason="disk of 12 March", now=START)
    assert (restored.previous, restored.size) == (old.epoch, 300)
    assert [head.size for head in restored.orphans] == [600]
    assert Outside(book.outside).orphans()[0].root == lost.root
    checkpoint = signed(book.keeper().run_once(START - timedelta(days=1)))
    assert (checkpoint.epoch, checkpoint.size) == (restored.epoch, 301)
    assert checkpoint.signed_at == old.signed_at
    assert TreeHead.parse(Note.parse(checkpoint.note).text).origin == f"{ORIGIN}/{restored.epoch}"
    with book.database.transaction() as connection:
        assert store.epochs(connection) == [old.epoch, restored.epoch]
        assert b'"reason":"disk of 12 March"' in store.entries(connection, 301, 301)[0]


def test_tile_paths_have_one_spelling() -> None:
    for text, path in [
        ("0/000", tiles.TilePath(0, 0)),
        ("1/x001/067.p/12", tiles.TilePath(1, 1067, 12)),
        ("entries/x001/x234/067", tiles.TilePath(None, 1_234_067)),
    ]:
        assert (tiles.parse_path(text), tiles.format_path(path)) == (path, text)
