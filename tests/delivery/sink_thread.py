"""The SMTP sink in a thread of its own, for whoever sends from a loop that the test does not see."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator

from delivery.smtp_sink import Sink, sink


@contextlib.contextmanager
def sink_beside() -> Iterator[Sink]:
    """A sink on a free port of this machine until the block ends."""
    loop, ready, found = asyncio.new_event_loop(), threading.Event(), []

    async def stand(end: asyncio.Event) -> None:
        async with sink() as handler:
            found.append(handler)
            ready.set()
            await end.wait()

    end = asyncio.Event()
    thread = threading.Thread(target=lambda: loop.run_until_complete(stand(end)), daemon=True)
    thread.start()
    assert ready.wait(30), "the sink does not open"
    try:
        yield found[0]
    finally:
        loop.call_soon_threadsafe(end.set)
        thread.join(timeout=30)
