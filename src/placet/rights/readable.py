"""Rows in a reader's words: what stands in the HTML of an export and of a case file. JSON and CSV stay as they are."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

import attrs
import yaml
from babel.dates import format_date
from jinja2 import Environment, PackageLoader, StrictUndefined

from placet.catalogue.model import Catalogue
from placet.kernel import jcs
from placet.kernel.ids import ChannelId, PurposeId

_LOCALES = {"lv": "lv_LV", "ru": "ru_RU", "en": "en_GB"}
_MOMENTS = frozenset({"at", "from", "to", "since", "due"})
EMPTY = "–"


@attrs.frozen
class Readable:
    """Values for a reader of *language* in *zone*; purposes and channels by the titles of *catalogue*."""

    language: str
    zone: ZoneInfo
    catalogue: Catalogue

    def word(self, name: str, **values: object) -> str:
        """A heading or sentence of the page."""
        found: str = _words()["page"][name][self.language]
        return found.format(**values) if values else found

    def value(self, column: str, value: object) -> str:
        """One cell."""
        match value:
            case None | "" | []:
                return EMPTY
            case bool():
                return self._known("truth", str(value).lower())
            case str() if column in _MOMENTS or column.endswith("_at"):
                return self.moment(value)
            case str():
                return self._known(column, value)
            case list():
                return ", ".join(self.value(column, item) for item in value)
            case Mapping():
                return jcs.canonical(value).decode()
            case _:
                return str(value)

    def moment(self, value: str) -> str:
        """An instant of a row as day and time, to the second, in the reader's zone."""
        local = datetime.fromisoformat(value).astimezone(self.zone)
        return f"{format_date(local, 'long', locale=_LOCALES[self.language])}, {local:%H:%M:%S}"

    def _known(self, column: str, value: str) -> str:
        if column == "channel" and (channel := self.catalogue.channels.get(ChannelId(value))) is not None:
            return channel.titles.get(self.language, value)
        if column in ("purpose", "purposes") and (purpose := self.catalogue.purposes.get(PurposeId(value))) is not None:
            notice = purpose.notices.get(self.language)
            return value if notice is None else notice.title
        known: Mapping[str, str] = _words()["values"].get(column, {}).get(value, {})
        return known.get(self.language, value)


def page(template: str, **values: object) -> bytes:
    """One page without scripts and without anything loaded from elsewhere."""
    return _environment().get_template(template).render(**values).encode()


@cache
def _words() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(files("placet.rights").joinpath("readable.yaml").read_text(encoding="utf-8"))
    return found


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("placet.rights", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
