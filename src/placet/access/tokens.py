"""Random tokens of 256 bits: a browser or a link holds one, a table its SHA-256; a stolen copy opens nothing."""

from __future__ import annotations

import hashlib
import re
import secrets

_SHAPE = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


def new() -> str:
    return secrets.token_urlsafe(32)


def shaped(token: str) -> bool:
    """Can *token* be one of ours at all?"""
    return _SHAPE.fullmatch(token) is not None


def hashed(token: str) -> bytes:
    """What a table holds of *token*."""
    return hashlib.sha256(token.encode()).digest()
