"""
The words and numbers of the report in a language. They follow from `report.yaml` and this page alone: a release is
computed again to the last byte, also by who has newer libraries.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any

import attrs
import yaml
from markupsafe import Markup

from placet.purposes.mobility.model import Window

_THIN = "\N{NO-BREAK SPACE}"


@attrs.frozen
class Tongue:
    """One of the languages of `model.REPORTS`."""

    language: str

    def say(self, *path: str, **values: object) -> str:
        """What stands under *path*, with *values*."""
        return self._template(*path).format(**values)

    def mark(self, *path: str, **values: object) -> Markup:
        """As `say`, for a page: *values* are escaped unless they are markup already."""
        return Markup(self._template(*path)).format(**values)  # noqa: S704 - our own words

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader must know."""
        return tuple(note[self.language] for note in _said()["notes"])

    def number(self, value: float, digits: int = 0) -> str:
        """A number as the language groups and ends it."""
        text = f"{value:,.{digits}f}"
        return text if self.language == "en" else text.replace(",", _THIN).replace(".", ",")

    def exact(self, value: Decimal) -> str:
        """A decimal with all its digits."""
        return str(value) if self.language == "en" else str(value).replace(".", ",")

    def day(self, day: date) -> str:
        """A day in digits."""
        match self.language:
            case "lv":
                return f"{day:%d.%m.%Y}."
            case "ru":
                return f"{day:%d.%m.%Y}"
            case _:
                return day.isoformat()

    def window(self, window: Window) -> str:
        """A month by its name, else the days."""
        if window == Window.month(f"{window.first:%Y-%m}"):
            month = _said()["months"][window.first.month - 1][self.language]
            return self.say("month", month=month, year=window.first.year)
        return "\N{EN DASH}".join(dict.fromkeys(self.day(day) for day in (window.days[0], window.days[-1])))

    def _template(self, *path: str) -> str:
        found: Any = _said()
        for word in path:
            found = found[word]
        return str(found[self.language])


@cache
def _said() -> Mapping[str, Any]:
    text = files("placet.purposes.mobility.releasing").joinpath("report.yaml").read_text("utf-8")
    found: Mapping[str, Any] = yaml.safe_load(text)
    return found
