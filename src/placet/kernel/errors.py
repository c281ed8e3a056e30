"""
One tree of errors. Each has a stable `code` that docs/reference/errors.md explains; the message says what to do.

PlacetError
├── BadInput          the request cannot be understood or is not allowed by a rule of the domain
│   ├── NotFound      what was named does not exist
│   └── Conflict      it contradicts what is already recorded (an idempotency key used for another request)
├── Denied            the caller may not do this
│   └── TooMany       … not so often
├── Unavailable       try again: the database is away or full; nothing was recorded
├── Misconfigured     a setting is wrong; the program cannot start
└── Tampered          what is stored does not match what was signed
"""

from __future__ import annotations


class PlacetError(Exception):
    """Base of every error that Placet raises on purpose."""

    code = "error"

    def __init__(self, message: str, *, code: str | None = None, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after = retry_after
        if code is not None:
            self.code = code


class BadInput(PlacetError):
    """The request is malformed or breaks a rule; sending it again unchanged cannot succeed."""

    code = "bad-input"


class NotFound(BadInput):
    """What the request names does not exist."""

    code = "not-found"


class Conflict(BadInput):
    """The request contradicts what is already recorded."""

    code = "conflict"


class Denied(PlacetError):
    """The caller is not allowed to do this."""

    code = "denied"


class TooMany(Denied):
    """The caller asks too often; `retry_after` says how many seconds to wait."""

    code = "too-many"


class Unavailable(PlacetError):
    """The database is away, full or read-only. Nothing was recorded; the same request may be sent again."""

    code = "unavailable"


class Misconfigured(PlacetError):
    """A setting is missing or wrong."""

    code = "misconfigured"


class Tampered(PlacetError):
    """Stored data does not match what was signed or hashed."""

    code = "tampered"


class PlacetWarning(UserWarning):
    """Something unsafe was used on purpose."""
