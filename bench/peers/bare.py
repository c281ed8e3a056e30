"""As little as granian's own interface (RSGI) allows: read, look one key up, answer. The limit, not a peer."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec

_given = dict.fromkeys(Path(os.environ["PEER_SUBJECTS"]).read_text().split(), True)
_decode = msgspec.json.Decoder(dict[str, str | None]).decode
_encode = msgspec.json.Encoder().encode
_HEADERS = [("content-type", "application/json")]


async def app(scope: Any, protocol: Any) -> None:
    sent = _decode(await protocol())
    protocol.response_bytes(
        200, _HEADERS, _encode({"allowed": _given.get(sent["subject"], False), "reason": "consent"})
    )
