"""
Which bit of a person's 32 stands for which purpose, and for which channel of it.

Bits 0-7 are the purposes, 8-27 the channels of those that send, 28 says that something is restricted, 29-31 are spare.
The order is part of the snapshot file's format and never changes; what another operator adds beyond it is answered by
the database.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from placet.kernel.ids import ChannelId, PurposeId

PURPOSES = tuple(
    PurposeId(name)
    for name in ("offers", "usage", "profiling", "credit", "location", "loyalty", "loyalty-offers", "mobility")
)
CHANNELS = tuple(ChannelId(name) for name in ("email", "sms", "call", "post", "app"))
SENDING = tuple(PurposeId(name) for name in ("offers", "loyalty-offers", "location", "usage"))

Column = tuple[PurposeId, ChannelId | None]

BITS: Mapping[Column, int] = MappingProxyType(
    {(purpose, None): bit for bit, purpose in enumerate(PURPOSES)}
    | {
        (purpose, channel): len(PURPOSES) + len(CHANNELS) * place + offset
        for place, purpose in enumerate(SENDING)
        for offset, channel in enumerate(CHANNELS)
    }
)
"""Bit number by purpose and channel; None is the purpose itself."""

HELD = 28
"""Bit of a person some of whose purposes are restricted; which ones is kept beside the bits, for there are few."""
ALL_PURPOSES = (1 << len(PURPOSES)) - 1

COLUMNS: Mapping[int, Column] = MappingProxyType({bit: column for column, bit in BITS.items()})
"""Purpose and channel by bit number."""
