"""What runs beside the requests of a serving process: the sequencer, the tree keeper, the replica, the worker."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from placet.bootstrap import Application
from placet.gate.replica import Replica
from placet.interfaces.worker import Worker
from placet.kernel import clock


class Background:
    """Started by the server's lifespan, stopped in the opposite order."""

    def __init__(self, application: Application) -> None:
        self.replica = Replica.of(application.database, application.config)
        self._application = application
        self._stop = threading.Event()
        self._worker = threading.Thread(target=Worker(application).run, args=(self._stop,), name="worker", daemon=True)

    def start(self) -> None:
        self._application.keeper.begin(clock.now())
        self._application.sequencer.start()
        self._application.api_keys.watch(clock.now)
        self.replica.start()
        self._worker.start()

    def stop(self) -> None:
        self._stop.set()
        self._worker.join(timeout=10)
        self.replica.stop()
        self._application.close()

    async def lifespan(
        self,
        receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
        send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
    ) -> None:
        """ASGI lifespan: acknowledge the start when everything runs, the end when everything has ended."""
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self.start()
                await send({"type": "lifespan.startup.complete"})
            else:
                self.stop()
                await send({"type": "lifespan.shutdown.complete"})
                return
