"""A superuser changes what was signed: what `verify` finds and where, and what it cannot find."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from datetime import timedelta
from uuid import UUID

import pytest
from ledger_book import START, Book, subject_keys

from placet.ledger.slices import Sources
from placet.ledger.verify import Report, verify

Tamper = Callable[[str], None]


def verified(book: Book, keys: Callable[[list[UUID]], dict[UUID, bytes | None]] = subject_keys) -> Report:
    @contextlib.contextmanager
    def sources() -> Iterator[Sources]:
        yield Sources(book.database, keys, book.signer, book.memory)

    return verify(sources)


def places(report: Report) -> list[tuple[str, int]]:
    return [(finding.kind, finding.position) for finding in report.findings]


@pytest.fixture
def signed_book(book: Book) -> Book:
    """1,000 rows under checkpoints of 400, 700 and 1,000, an hour between them; event at 701."""
    keeper = book.keeper()
    for hour, count in enumerate([400, 300]):
        book.write(count, START + timedelta(hours=hour))
        keeper.run_once(START + timedelta(hours=hour, seconds=1))
    book.event(START + timedelta(hours=2))
    book.write(299, START + timedelta(hours=2))
    keeper.run_once(START + timedelta(hours=2, seconds=1))
    return book


def test_untouched_ledger_is_intact(signed_book: Book) -> None:
    report = verified(signed_book)
    assert (report.findings, report.size, report.checkpoints, report.erased_rows) == ((), 1_000, 3, 0)


def test_empty_ledger_is_intact(book: Book) -> None:
    assert verified(book).is_intact
