"""Where a program's API key stands in a request: `Authorization: Bearer …` (RFC 6750 §2.1)."""

from __future__ import annotations

from placet.kernel.errors import Denied


def credentials(header: str | None) -> str:
    """What the header carries; `no-key` if that is nothing."""
    kind, _, key = (header or "").partition(" ")
    if kind.lower() != "bearer" or not (key := key.strip()):
        raise missing()
    return key


def missing() -> Denied:
    return Denied("send an API key as `Authorization: Bearer …`", code="no-key")
