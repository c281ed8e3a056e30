"""Errors in the words of CAMARA Commonalities: `status`, `code`, `message`."""

from __future__ import annotations

from placet.kernel.errors import Denied, PlacetError, TooMany, Unavailable

API = "POPULATION_DENSITY_DATA"


class Refused(Exception):
    """A request that the standard has a code for."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


def refused(status: int, code: str, message: str) -> Refused:
    """One of the codes of this interface."""
    return Refused(status, f"{API}.{code}", message)


def invalid(message: str) -> Refused:
    return Refused(400, "INVALID_ARGUMENT", message)


def of(error: PlacetError) -> Refused:
    """What the house refuses, as CAMARA says it."""
    if error.code in {"no-key", "key"}:
        return Refused(401, "UNAUTHENTICATED", error.message)
    if isinstance(error, TooMany):
        return Refused(429, "TOO_MANY_REQUESTS", error.message)
    if isinstance(error, Denied):
        return Refused(403, "PERMISSION_DENIED", error.message)
    if isinstance(error, Unavailable):
        return Refused(503, "UNAVAILABLE", error.message)
    return invalid(error.message)
