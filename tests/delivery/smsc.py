"""
An SMSC on a socket, that behaves badly when told to. It reads and writes SMPP with another implementation than ours.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import struct
from collections.abc import AsyncIterator

import attrs
from smpplib import consts
from smpplib.client import Client
from smpplib.pdu import PDU
from smpplib.smpp import make_pdu, parse_pdu


@attrs.frozen
class Taken:
    """A part for which the SMSC has taken responsibility."""

    id: str
    destination: str
    text: bytes
    data_coding: int
    esm_class: int
    validity: str
    reference: int


class Smsc:
    """
    The end of the number decides: …1 invalid destination, …2 refused, …3 taken and never answered, …4 taken, and the
    connection ends. `throttle` more submissions are throttled. With `receipts`, each part is reported that often.
    """

    def __init__(self) -> None:
        self.taken: list[Taken] = []
        self.acknowledged: list[int] = []
        self.throttle = 0
        self.throttled = 0
        self.receipts = 0
        self.state = "DELIVRD"
        self.under_way = 0
        self.most_under_way = 0
        self.binds = 0
        self.enquired = 0
        self.port = 0
        self.delay = 0.0
        self._ids = itertools.count(1)
        self._sequences = itertools.count(1)
        self.connections: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._coder = Client("127.0.0.1", 1, allow_unknown_opt_params=True)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections.add(writer)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readexactly(4)
                pdu = parse_pdu(
                    head + await reader.readexactly(struct.unpack(">L", head)[0] - 4),
                    client=self._coder,
                    allow_unknown_opt_params=True,
                )
                self._spawn(self._handle(pdu, writer))
        self.connections.discard(writer)
        writer.close()

    def hang_up(self) -> None:
        for writer in self.connections:
            writer.transport.abort()

    async def deliver(self, text: bytes, *, source: str = "37120000009", data_coding: int = 0) -> None:
        """A person writes to us."""
        for writer in self.connections:
            self._deliver(writer, source, text, data_coding=data_coding, esm_class=0)

    async def _handle(self, pdu: PDU, writer: asyncio.StreamWriter) -> None:
        if pdu.command == "submit_sm":
            await self._submit(pdu, writer)
        elif pdu.command == "deliver_sm_resp":
            self.acknowledged.append(pdu.status)
        elif pdu.command == "bind_transceiver":
            self.binds += 1
            right = pdu.password in {b"secret", "secret"}
            self._answer(writer, pdu, 0 if right else consts.SMPP_ESME_RINVPASWD, system_id="smsc")
        elif pdu.command == "query_sm":
            self._answer_query(writer, pdu)
        elif pdu.command in {"enquire_link", "unbind"}:
            self.enquired += pdu.command == "enquire_link"
            self._answer(writer, pdu, 0)

    async def _submit(self, pdu: PDU, writer: asyncio.StreamWriter) -> None:
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        await asyncio.sleep(self.delay)
        self.under_way -= 1
        last = pdu.destination_addr.decode()[-1]
        if self.throttle > 0:
            self.throttle -= 1
            self.throttled += 1
            self._answer(writer, pdu, consts.SMPP_ESME_RTHROTTLED)
        elif last in "12":
            status = consts.SMPP_ESME_RINVDSTADR if last == "1" else consts.SMPP_ESME_RSUBMITFAIL + 0x100
            self._answer(writer, pdu, status)
        else:
            taken = self._take(pdu)
            if last == "4":
                writer.transport.abort()
            elif last != "3":
                self._answer(writer, pdu, 0, message_id=taken.id)
            for _ in range(self.receipts):
                self.report(writer, taken)

    def _take(self, pdu: PDU) -> Taken:
        taken = Taken(
            str(next(self._ids)),
            pdu.destination_addr.decode(),
            pdu.short_message,
            pdu.data_coding,
            pdu.esm_class,
            (pdu.validity_period or b"").decode(),
            pdu.user_message_reference,
        )
        self.taken.append(taken)
        return taken

    def report(self, writer: asyncio.StreamWriter, taken: Taken) -> None:
        text = f"id:{taken.id} sub:001 dlvrd:001 submit date:2603121403 done date:2603121404 stat:{self.state} err:000"
        self._deliver(writer, taken.destination, text.encode(), esm_class=4, user_message_reference=taken.reference)

    def _deliver(self, writer: asyncio.StreamWriter, source: str, text: bytes, **fields: int) -> None:
        pdu = make_pdu("deliver_sm", client=self._coder)
        pdu.sequence, pdu.source_addr, pdu.destination_addr = next(self._sequences), source, "1717"
        pdu.short_message = text
        for name, value in fields.items():
            setattr(pdu, name, value)
        writer.write(pdu.generate())

    def _answer_query(self, writer: asyncio.StreamWriter, pdu: PDU) -> None:
        known = pdu.message_id.decode() in {taken.id for taken in self.taken}
        body = pdu.message_id + b"\0" + b"\0" + bytes((2, 0)) if known else b""
        status = 0 if known else consts.SMPP_ESME_RQUERYFAIL
        writer.write(struct.pack(">LLLL", 16 + len(body), 0x80000003, status, pdu.sequence) + body)

    def _answer(self, writer: asyncio.StreamWriter, pdu: PDU, status: int, **fields: str) -> None:
        answer = make_pdu(f"{pdu.command}_resp", client=self._coder)
        answer.sequence, answer.status = pdu.sequence, status
        for name, value in fields.items():
            setattr(answer, name, value)
        if not writer.is_closing():
            writer.write(answer.generate())

    def _spawn(self, coroutine: object) -> None:
        task: asyncio.Task[None] = asyncio.ensure_future(coroutine)  # type: ignore[arg-type]
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


@contextlib.asynccontextmanager
async def smsc() -> AsyncIterator[Smsc]:
    """An SMSC on a free port of this machine, in the running loop."""
    centre = Smsc()
    server = await asyncio.start_server(centre.serve, "127.0.0.1", 0)
    centre.port = server.sockets[0].getsockname()[1]
    try:
        yield centre
    finally:
        centre.hang_up()
        server.close()
        await server.wait_closed()
