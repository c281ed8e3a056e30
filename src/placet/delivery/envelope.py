"""What lies sealed in a message's row until it has ended: under the key of the person it was planned for."""

from __future__ import annotations

import attrs
import msgspec

from placet.kernel.ids import SubjectId
from placet.subjects.model import Alias
from placet.subjects.vault import open_field, seal_field

_FIELD = "delivery/values"


@attrs.frozen(repr=False)
class Envelope:
    """What the template is filled with, and where the message must go."""

    values: dict[str, str] = attrs.field(factory=dict)
    to: Alias | None = None

    def seal(self, key: bytes, whose: SubjectId) -> bytes:
        return seal_field(key, whose, _FIELD, msgspec.json.encode(self).decode())

    @classmethod
    def open(cls, key: bytes, whose: SubjectId, sealed: bytes) -> Envelope:
        return msgspec.json.decode(open_field(key, whose, _FIELD, sealed), type=cls)
