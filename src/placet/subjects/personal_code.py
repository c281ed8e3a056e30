"""
Latvia's national identification number (personas kods), in both of its forms.

- Issued until 30 June 2017: `ddmmyy-cnnnk`, the day of birth, the century `c` (0 for 18.., 1 for 19.., 2 for 20..) and
  a check digit.
- Issued since 1 July 2017: eleven digits beginning with 32 (to 39), which no day of a month does. They tell nothing
  about the person and carry no check digit.
"""

from __future__ import annotations

import re
from datetime import date

_SHAPE = re.compile(r"(\d{6})[-–\s]?(\d{5})", re.ASCII)
_WEIGHTS = (10, 5, 8, 4, 2, 1, 6, 3, 7, 9)
_CENTURIES = {"0": 1800, "1": 1900, "2": 2000}


def normalised(text: str) -> str | None:
    """The eleven digits of *text* when it is a personal code, else None."""
    match = _SHAPE.fullmatch(text.strip())
    if match is None:
        return None
    digits = match[1] + match[2]
    return digits if _is_new(digits) or _is_old(digits) else None


def written(digits: str) -> str:
    """As it stands in documents: `161175-19997`."""
    return f"{digits[:6]}-{digits[6:]}"


def _is_new(digits: str) -> bool:
    return digits[0] == "3" and digits[1] in "23456789"


def _is_old(digits: str) -> bool:
    check = 1 + sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, digits, strict=False))
    return _born(digits) and check % 11 % 10 == int(digits[10])


def _born(digits: str) -> bool:
    """Whether the first six digits and the century are a day."""
    century = _CENTURIES.get(digits[6])
    if century is None:
        return False
    try:
        date(century + int(digits[4:6]), int(digits[2:4]), int(digits[:2]))
    except ValueError:
        return False
    return True
