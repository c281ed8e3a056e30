"""
The second factor: one-time passwords by time (RFC 6238), six digits, thirty seconds, SHA-1 as authenticators have it.

A code of the step before or after is taken too, for clocks that are a little off; each step counts once.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from datetime import datetime
from io import BytesIO

import pyotp
import segno

STEP = 30
"""Seconds."""
AROUND: Sequence[int] = (0, -1, 1)


def new_secret() -> str:
    """160 random bits (RFC 4226 §4, R6) in base32."""
    return pyotp.random_base32()


def step_of(secret: str, code: str, *, at: datetime, last: int) -> int | None:
    """The time step whose code *code* is, if it is around *at* and later than *last*; else None."""
    present = int(at.timestamp()) // STEP
    totp = pyotp.TOTP(secret)
    found = None
    for offset in AROUND:
        fits = hmac.compare_digest(totp.generate_otp(present + offset).encode(), code.encode())
        if fits and present + offset > last and found is None:
            found = present + offset
    return found


def address(secret: str, *, login: str, issuer: str) -> str:
    """What the QR code says: `otpauth://totp/…`."""
    return pyotp.TOTP(secret).provisioning_uri(name=login, issuer_name=issuer)


def picture(text: str) -> bytes:
    """*text* as a QR code (ISO/IEC 18004), an SVG of black on white with its quiet zone."""
    written = BytesIO()
    segno.make(text, error="m", micro=False).save(
        written, kind="svg", scale=5, border=4, dark="#000", light="#fff", svgclass=None, lineclass=None
    )
    return written.getvalue()
