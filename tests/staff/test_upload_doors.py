"""A form with files is for some roles; from anybody else nothing of it is read, however much they send."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest
from staff_people import hired, signed_in
from starlette.applications import Starlette

from placet.access.staff import Role
from placet.bootstrap import Application
from placet.gate.replica import Replica
from placet.interfaces.console.app import console
from placet.interfaces.desk.app import desk
from placet.interfaces.staff.door import SESSION

ID = "5f0a1c2e-8d3b-4c6f-9a1e-0123456789ab"
DESK, CONSOLE = f"/desk/records/{ID}/halves/{ID}/signature", "/console/catalogue/propose"

Message = MutableMapping[str, Any]


@pytest.mark.parametrize(("address", "other"), [(DESK, Role.DPO), (CONSOLE, Role.AGENT)])
def test_nothing_is_read_from_whom_an_upload_is_not_for(placet: Application, address: str, other: Role) -> None:
    replica = Replica.of(placet.database, placet.config)
    site = desk(placet, replica) if address == DESK else console(placet, replica)
    stranger = signed_in(placet, hired(placet, "stranger", other)).token
    assert status(site, address, None) == 303
    assert status(site, address, stranger) == 403


def status(site: Starlette, address: str, token: str | None) -> int:
    """What *site* answers to a post whose body nobody may ask for."""
    sent: list[int] = []

    async def receive() -> Message:
        raise AssertionError("the body was read")

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            sent.append(message["status"])

    cookie = [] if token is None else [(b"cookie", f"{SESSION}={token}".encode())]
    scope: Message = {
        "type": "http",
        "method": "POST",
        "path": address,
        "raw_path": address.encode(),
        "query_string": b"",
        "root_path": "",
        "scheme": "http",
        "server": ("127.0.0.1", 8000),
        "client": ("10.0.0.1", 50000),
        "headers": [(b"host", b"127.0.0.1:8000"), (b"content-type", b"multipart/form-data; boundary=x"), *cookie],
    }
    asyncio.run(site(scope, receive, send))
    (only,) = sent
    return only
