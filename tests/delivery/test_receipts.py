"""Receipts are written down together, looked for again, and not acknowledged while the database is away."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from placet.delivery.model import Delivered
from placet.delivery.receipts import Receipts
from placet.delivery.sms_returns import Receipt
from placet.kernel.errors import Unavailable


def receipt(number: int) -> Receipt:
    return Receipt(f"c{number}", Delivered())


def taken(receipts: Receipts, count: int) -> list[BaseException | None]:
    async def run() -> list[BaseException | None]:
        return await asyncio.gather(*(receipts.take(receipt(n)) for n in range(count)), return_exceptions=True)

    return asyncio.run(run())


def test_receipts_that_come_at_once_are_written_in_few_transactions_and_each_once() -> None:
    written: list[list[str]] = []

    def write(together: Sequence[Receipt]) -> list[bool]:
        written.append([found.carrier_id for found in together])
        return [True] * len(together)

    assert taken(Receipts(write), 1_200) == [None] * 1_200
    assert sorted(name for names in written for name in names) == sorted(f"c{number}" for number in range(1_200))
    assert len(written) <= 4


def test_a_receipt_that_is_here_before_its_message_is_looked_at_again() -> None:
    written: list[str] = []

    def write(together: Sequence[Receipt]) -> list[bool]:
        written.extend(found.carrier_id for found in together)
        return [found.carrier_id != "c1" or written.count("c1") == 2 for found in together]

    assert taken(Receipts(write), 3) == [None] * 3
    assert sorted(written) == ["c0", "c1", "c1", "c2"]


def test_while_the_database_is_away_no_receipt_is_acknowledged() -> None:
    def write(together: Sequence[Receipt]) -> list[bool]:
        raise Unavailable("the database does not answer; try again later")

    outcomes = taken(Receipts(write), 3)
    assert [type(outcome) for outcome in outcomes] == [Unavailable] * 3


def test_a_fault_acknowledges_nothing_and_leaves_nobody_waiting() -> None:
    def write(together: Sequence[Receipt]) -> list[bool]:
        raise RuntimeError("a fault")

    outcomes = taken(Receipts(write), 3)
    assert {type(outcome) for outcome in outcomes} <= {RuntimeError, asyncio.CancelledError}
