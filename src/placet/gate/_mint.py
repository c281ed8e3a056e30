"""
Where permits and audiences are made. Only `placet.gate.actions` may import this module (import-linter, *protected*).

The values have no constructor that others could call: who holds one has been through the gate. A permit that travelled
as text is worth what its HMAC-SHA256 is worth; `read_permit` checks it before anything else.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, NoReturn, Self
from uuid import UUID

import attrs
import msgspec
from pyroaring import BitMap, FrozenBitMap

from placet.gate.audiences import canonical
from placet.gate.model import Reason, Token
from placet.kernel import jcs
from placet.kernel.errors import Denied
from placet.kernel.ids import ActivityId, ChannelId, PurposeId, SubjectId
from placet.kernel.periods import format_instant
from placet.kernel.seal import keyed_hash

KEY_LABEL = "placet/permit/v1"
_VERSION = "p1"
_PREFIX = _VERSION.encode() + b"."
_URLSAFE = bytes.maketrans(b"+/", b"-_")


class _OnlyTheGate:
    """A value whose constructor refuses; `_made` is how this module makes it."""

    __slots__ = ()

    def __init__(self, *_values: object, **_named: object) -> None:
        _refuse(type(self).__name__)

    @classmethod
    def _made(cls, **values: Any) -> Self:
        made = cls.__new__(cls)
        made.__attrs_init__(**values)  # type: ignore[attr-defined]
        return made


def _refuse(name: str) -> NoReturn:
    raise Denied(f"only the gate makes a {name}: ask placet.gate.actions", code="not-the-gate")


@attrs.frozen(init=False)
class Permit(_OnlyTheGate):
    """The gate's yes for one person and one activity (or purpose): short-lived, judged at `token`."""

    subject: SubjectId
    activity: ActivityId | PurposeId
    channel: ChannelId | None
    basis: str
    needs: tuple[str, ...]
    """The consents it stands on: `purpose` or `purpose/channel` each; none on another legal basis."""
    token: Token
    issued_at: datetime
    expires_at: datetime
    text: str = attrs.field(repr=False)
    """How it travels: version, canonical JSON and its HMAC, base64url."""

    def holds(self, now: datetime) -> bool:
        """Whether it may still be worked under at *now*; at its very end it may not."""
        return self.issued_at <= now < self.expires_at


@attrs.frozen(init=False, eq=False)
class Audience(_OnlyTheGate):
    """The gate's yes for many: frozen members with their hash, judged at `token`, and why the others are not in it."""

    id: UUID
    activity: ActivityId | PurposeId
    channel: ChannelId | None
    basis: str
    needs: tuple[str, ...]
    token: Token
    as_of: datetime
    expires_at: datetime
    excluded: Mapping[Reason, int]
    members: FrozenBitMap = attrs.field(repr=False)
    sha256: bytes

    @property
    def count(self) -> int:
        return len(self.members)

    def holds(self, now: datetime) -> bool:
        """Whether it may still be sent to at *now*; an old list must be drawn again."""
        return self.as_of <= now < self.expires_at


def mint_permit(
    signed: Callable[[bytes], bytes],
    *,
    subject: SubjectId,
    activity: ActivityId | PurposeId,
    channel: ChannelId | None,
    basis: str,
    needs: tuple[str, ...],
    token: Token,
    issued_at: datetime,
    expires_at: datetime,
) -> Permit:
    """By the keyed hash *signed*. Many in one batch differ in their subject alone, so what they share is kept."""
    form = _form(activity, channel, basis, needs, token)
    return Permit._made(
        subject=subject,
        activity=activity,
        channel=channel,
        basis=basis,
        needs=needs,
        token=token,
        issued_at=issued_at,
        expires_at=expires_at,
        text=form.text(signed, str(subject).encode(), issued_at=issued_at, expires_at=expires_at).decode(),
    )


@attrs.frozen
class PermitForm:
    """The permits of one view for one question: all but whose they are, and their times."""

    start: bytes
    between: bytes
    middle: bytes
    """Before `expires_at`, before `issued_at`, before the subject: canonical JSON in the order of its keys."""

    @classmethod
    def of(
        cls, *, activity: str, channel: ChannelId | None, basis: str, needs: tuple[str, ...], token: Token
    ) -> PermitForm:
        claims = {
            "activity": activity, "basis": basis, "channel": channel, "epoch": token.epoch, "expires_at": "\0",
            "issued_at": "\0", "needs": needs, "position": token.position, "subject": "\0",
        }  # fmt: skip
        # NUL is written \u0000, and stands in no word of the catalogue: PostgreSQL's text has none.
        start, between, middle, _ = jcs.canonical(claims).split(rb"\u0000")
        return cls(start, between, middle)

    def text(
        self, signed: Callable[[bytes], bytes], subject: bytes, *, issued_at: datetime, expires_at: datetime
    ) -> bytes:
        """`mint_permit(…).text` for the subject with this id (its canonical text), by the keyed hash *signed*."""
        expires, issued = format_instant(expires_at).encode(), format_instant(issued_at).encode()
        payload = _PREFIX + _base64(b"".join((self.start, expires, self.between, issued, self.middle, subject, b'"}')))
        return payload + b"." + _base64(signed(payload))


@lru_cache(maxsize=64)
def _form(activity: str, channel: ChannelId | None, basis: str, needs: tuple[str, ...], token: Token) -> PermitForm:
    return PermitForm.of(activity=activity, channel=channel, basis=basis, needs=needs, token=token)


def read_permit(key: bytes, text: str) -> Permit | None:
    """The permit that *text* carries, or None when it is not ours or a byte of it was changed."""
    version, _, rest = text.partition(".")
    payload, _, _ = rest.partition(".")
    try:
        body = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
    except (binascii.Error, ValueError):
        return None
    # The whole text is compared, so that no other spelling of the same bytes passes.
    if version != _VERSION or not hmac.compare_digest(_signed(key, body).encode(), text.encode()):
        return None
    return _permit(msgspec.json.decode(body), text)


def mint_audience(
    members: BitMap,
    *,
    id: UUID,
    activity: ActivityId | PurposeId,
    channel: ChannelId | None,
    basis: str,
    needs: tuple[str, ...],
    token: Token,
    as_of: datetime,
    expires_at: datetime,
    excluded: Mapping[Reason, int],
) -> tuple[Audience, bytes]:
    """Freeze *members*; returns the audience and the serialised bitmap that its hash is of."""
    serialised = canonical(members)
    audience = Audience._made(
        id=id,
        activity=activity,
        channel=channel,
        basis=basis,
        needs=needs,
        token=token,
        as_of=as_of,
        expires_at=expires_at,
        excluded=dict(excluded),
        members=FrozenBitMap(members),
        sha256=hashlib.sha256(serialised).digest(),
    )
    return audience, serialised


def _signed(key: bytes, body: bytes) -> str:
    payload = _PREFIX + _base64(body)
    return (payload + b"." + _base64(keyed_hash(key, payload))).decode()


def _base64(data: bytes) -> bytes:
    # urlsafe_b64encode does the same with a table look-up more; this runs at each yes.
    return binascii.b2a_base64(data, newline=False).translate(_URLSAFE).rstrip(b"=")


def _permit(claims: Mapping[str, Any], text: str) -> Permit:
    return Permit._made(
        subject=SubjectId(UUID(claims["subject"])),
        activity=claims["activity"],
        channel=claims["channel"],
        basis=claims["basis"],
        needs=tuple(claims["needs"]),
        token=Token(claims["epoch"], claims["position"]),
        issued_at=datetime.fromisoformat(claims["issued_at"]),
        expires_at=datetime.fromisoformat(claims["expires_at"]),
        text=text,
    )
