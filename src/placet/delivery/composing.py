"""
Where mail is composed and signed: in processes of their own, since a signature holds the interpreter while nothing else
can be sent.

A batch is cut in as many parts as there are processes. They are started for the first batch that is worth it, and end
with the process that they work for, however that one ends.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import threading
from collections.abc import Sequence
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from datetime import datetime
from functools import partial
from typing import TypeAlias

import structlog

from placet.delivery.letters import Letter
from placet.delivery.mail import House, Mail, compose
from placet.delivery.model import Failed, Outgoing
from placet.kernel.errors import BadInput

Filled: TypeAlias = tuple[Letter, Outgoing]
"""A letter, and the message that it is filled for."""

_FEW = 4
"""So many are sooner composed here than handed over: a one-time code waits for no process to start."""

log = structlog.get_logger()


class Composers:
    """Owned by the event loop of the channel that it composes for. Without processes it composes in that loop."""

    def __init__(self, processes: int = 0) -> None:
        self._processes = processes
        self._pool: ProcessPoolExecutor | None = None

    async def compose(self, house: House, batch: Sequence[Filled], *, at: datetime) -> list[Mail | Failed]:
        """The mail of each in *batch*, in its order."""
        if not self._processes or len(batch) < _FEW:
            return compose_all(house, batch, at=at)
        size = -(-len(batch) // self._processes)
        parts = [batch[first : first + size] for first in range(0, len(batch), size)]
        pool, loop = self._running(), asyncio.get_running_loop()
        try:
            mails = await asyncio.gather(
                *(loop.run_in_executor(pool, partial(compose_all, house, part, at=at)) for part in parts)
            )
        except BrokenExecutor:
            # Somebody ended one of them. Nothing was handed over: it is done here, and the next batch by new ones.
            log.warning("composing.broken")
            if self._pool is pool:
                self.close()
            return compose_all(house, batch, at=at)
        return [mail for part in mails for mail in part]

    def close(self) -> None:
        """End the processes; the next batch would start new ones."""
        if self._pool is not None:
            self._pool.shutdown(wait=False)
            self._pool = None

    def _running(self) -> ProcessPoolExecutor:
        if self._pool is None:
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self._processes, mp_context=context, initializer=_stay_with_parent)
        return self._pool


def compose_all(house: House, batch: Sequence[Filled], *, at: datetime) -> list[Mail | Failed]:
    """The mail of each in *batch*; what cannot be composed has failed for good."""
    return [_composed(house, letter, message, at) for letter, message in batch]


def _composed(house: House, letter: Letter, message: Outgoing, at: datetime) -> Mail | Failed:
    try:
        return compose(house, letter, message, at=at)
    except KeyError:
        return Failed("no-value")
    except BadInput:
        return Failed("unreachable-address", suppress=True)


def _stay_with_parent() -> None:
    """A stop that is meant for all lets the parent settle first; one that was killed leaves nobody behind."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
