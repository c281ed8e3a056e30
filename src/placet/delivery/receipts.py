"""
Receipts of a carrier are written down many at a time: those that come while a transaction runs share the next one.

A receipt may be here before the answer to its submission is written down, so one that names no message is looked at
again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeAlias

from placet.delivery.sms_returns import Receipt
from placet.kernel.errors import PlacetError

Write: TypeAlias = Callable[[Sequence[Receipt]], list[bool]]
"""Writes down what these tell, in a thread; for each whether there is such a message."""

_AGAIN = (0.0, 0.25, 1.0, 5.0)
"""Seconds before each look."""
_MOST = 500
"""Receipts in one transaction."""


class Receipts:
    """Owned by the event loop of the SMS channel."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self._waiting: list[tuple[Receipt, asyncio.Future[bool]]] = []
        self._writing = asyncio.Lock()

    async def take(self, found: Receipt) -> None:
        """Returns when *found* is written down, or after the last look for its message."""
        for pause in _AGAIN:
            await asyncio.sleep(pause)
            if await self._written(found):
                return

    async def _written(self, found: Receipt) -> bool:
        """Whoever is first writes for all that wait."""
        mine: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((found, mine))
        async with self._writing:
            if not mine.done():
                await self._write_together()
        return await mine

    async def _write_together(self) -> None:
        batch, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
        try:
            known = await asyncio.to_thread(self._write, [found for found, _ in batch])
            for (_, told), is_known in zip(batch, known, strict=True):
                told.set_result(is_known)
        except PlacetError as error:
            # The carrier brings all of them again.
            for _, told in batch:
                told.set_exception(error)
        finally:
            for _, told in batch:
                told.cancel()
