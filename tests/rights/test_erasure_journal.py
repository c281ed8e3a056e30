"""The journal of erasures, as a file: nothing in it can be changed, cut off or made up without being seen."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from placet.kernel.errors import Tampered, Unavailable
from placet.kernel.ids import SubjectId
from placet.rights.journal import Entry, Journal


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "erasures", b"k" * 32)


@pytest.fixture
def written(journal: Journal, now: datetime) -> list[Entry]:
    entries: list[Entry] = []
    for minute in range(3):
        entries.append(journal.append(SubjectId(uuid4()), now + timedelta(minutes=minute), after=_known(entries)))
    return entries


def _known(entries: list[Entry]) -> tuple[int, bytes] | None:
    return (entries[-1].number, entries[-1].mac) if entries else None


def test_what_was_written_is_read_in_order_and_holds_ids_and_instants_only(
    journal: Journal, written: list[Entry]
) -> None:
    assert journal.entries(known=_known(written)) == written
    lines = journal.file.read_text().splitlines()
    assert [line.split()[:2] for line in lines] == [[str(one.number), str(one.subject)] for one in written]
    assert {len(line.split()) for line in lines} == {4}
    assert journal.file.stat().st_mode & 0o077 == 0


def test_an_installation_that_erased_nobody_has_no_journal(journal: Journal) -> None:
    assert journal.entries() == []
    assert not journal.folder.exists()


def changed(how: Callable[[list[bytes]], list[bytes]]) -> Callable[[Journal], None]:
    def change(journal: Journal) -> None:
        journal.file.write_bytes(b"".join(how(journal.file.read_bytes().splitlines(keepends=True))))

    return change


def forged(lines: list[bytes]) -> list[bytes]:
    """A line of the right shape by somebody without the key."""
    return [*lines, b"4 " + str(UUID(int=7)).encode() + b" 2026-03-12T12:09:00.000000Z " + b"0" * 64 + b"\n"]


BREAKS: dict[str, Callable[[Journal], None]] = {
    "another id": changed(lambda lines: [lines[0].replace(lines[0][2:10], b"00000000"), *lines[1:]]),
    "another instant": changed(lambda lines: [lines[0].replace(b"2026", b"2027"), *lines[1:]]),
    "a line taken out": changed(lambda lines: [lines[0], lines[2]]),
    "lines exchanged": changed(lambda lines: [lines[1], lines[0], lines[2]]),
    "the last line cut off": changed(lambda lines: lines[:2]),
    "half of the last line cut off": changed(lambda lines: [*lines[:2], lines[2][:40]]),
    "all lines cut off": changed(lambda _: []),
    "a line made up": changed(forged),
    "the file is gone": lambda journal: journal.file.unlink(),
    "rubbish": lambda journal: journal.file.write_bytes(b"\x00\xff\n" * 3),
    "another key": changed(lambda lines: lines),
}


@pytest.mark.parametrize("how", BREAKS)
def test_a_journal_that_was_tampered_with_is_refused_with_what_to_do(
    journal: Journal, written: list[Entry], how: str
) -> None:
    BREAKS[how](journal)
    reader = Journal(journal.folder, b"x" * 32) if how == "another key" else journal
    # The file beside it shows what is missing, also when the database comes from before.
    with pytest.raises(Tampered, match="placet erasures rebuild") as refused:
        reader.entries()
    assert refused.value.code == "erasure-journal"


def test_without_its_head_file_the_database_still_shows_what_is_missing(
    journal: Journal, written: list[Entry], now: datetime
) -> None:
    (journal.folder / "head").unlink()
    BREAKS["the last line cut off"](journal)
    assert journal.entries() == written[:2]
    with pytest.raises(Tampered):
        journal.entries(known=_known(written))
    with pytest.raises(Tampered, match="nothing was erased"):
        journal.append(SubjectId(uuid4()), now, after=_known(written))


def test_a_crash_in_the_middle_of_a_line_leaves_nothing_of_it(
    journal: Journal, written: list[Entry], now: datetime
) -> None:
    with journal.file.open("ab") as stream:
        stream.write(b"4 3f8a1c2e-0000-4000-80")
    assert journal.entries(known=_known(written)) == written
    fourth = journal.append(SubjectId(uuid4()), now, after=_known(written))
    assert journal.entries() == [*written, fourth]


def test_a_line_whose_transaction_never_committed_does_not_stand_in_the_way(
    journal: Journal, written: list[Entry], now: datetime
) -> None:
    fourth = journal.append(SubjectId(uuid4()), now, after=_known(written[:2]))
    assert journal.entries(known=_known(written[:2])) == [*written, fourth]


def test_who_appends_at_once_appends_one_after_the_other(journal: Journal, now: datetime) -> None:
    threads = [
        threading.Thread(target=journal.append, args=(SubjectId(uuid4()), now), kwargs={"after": None})
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [entry.number for entry in journal.entries()] == list(range(1, 9))


def test_a_journal_that_cannot_be_written_stops_the_erasure(tmp_path: Path, now: datetime) -> None:
    (tmp_path / "erasures").write_text("a file where the folder should be")
    with pytest.raises(Unavailable, match="nothing was erased"):
        Journal(tmp_path / "erasures", b"k" * 32).append(SubjectId(uuid4()), now, after=None)


def test_a_rebuilt_journal_is_whole_and_the_old_one_is_set_aside(
    journal: Journal, written: list[Entry], now: datetime
) -> None:
    BREAKS["a line taken out"](journal)
    assert journal.sound() == written[:1]
    broken = journal.file.read_bytes()
    made = journal.rebuild([(one.subject, one.at) for one in written], set_aside="journal.before")
    assert made == written == journal.entries()
    assert (journal.folder / "journal.before").read_bytes() == broken
    fourth = journal.append(SubjectId(uuid4()), now, after=_known(made))
    assert journal.entries() == [*made, fourth]
