"""
Letters on paper: A4, the address where the left window of a DL envelope is (DIN 5008, form B), fold marks at the edge.

Type is embedded with what each letter needs of it, Latvian and Cyrillic too. The same letters give the same bytes.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any
from xml.sax.saxutils import escape

import attrs
import segno
import yaml
from babel.dates import format_date
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Paragraph

from placet.catalogue.model import Controller
from placet.delivery.post import Page

REGULAR, STRONG = "PlacetLetter-Regular", "PlacetLetter-Semibold"
_LOCALES = {"lv": "lv_LV", "ru": "ru_RU", "en": "en_GB"}
_WIDTH, _HEIGHT = A4
_LEFT, _RIGHT = 20 * mm, _WIDTH - 20 * mm
_ADDRESS = 25 * mm
_WINDOW = 45 * mm
"""From the upper edge to the window, which begins 20 mm from the left, 85 mm wide and 45 mm high."""
_FOOT = 38 * mm
_OPEN, _STOP = 30 * mm, 20 * mm
"""Sides of the code that the text leads to, and of the one that ends such letters."""
_FOLDS = (105 * mm, 210 * mm)
_TEXT = ParagraphStyle("text", fontName=REGULAR, fontSize=11, leading=15.5, spaceAfter=8)
_TITLE = ParagraphStyle("title", fontName=STRONG, fontSize=15, leading=19, spaceAfter=10)
_SMALL = ParagraphStyle("small", fontName=REGULAR, fontSize=8, leading=10.5)


@attrs.frozen
class Sheet:
    """Who writes, and when."""

    controller: Controller
    on: date
    mailing: str


def pdf(pages: Sequence[Page], sheet: Sheet) -> bytes:
    """The letters one after the other, each on as many sheets as it needs."""
    _register()
    written = io.BytesIO()
    canvas = Canvas(written, pagesize=A4, invariant=1)
    canvas.setTitle(sheet.mailing)
    canvas.setAuthor(sheet.controller.name)
    for page in pages:
        _letter(canvas, page, sheet)
    canvas.save()
    return written.getvalue()


def _letter(canvas: Canvas, page: Page, sheet: Sheet) -> None:
    _head(canvas, page, sheet)
    waiting: list[Flowable] = [Paragraph(escape(page.text.title), _TITLE)]
    waiting += [Paragraph(escape(paragraph), _TEXT) for paragraph in page.text.paragraphs]
    if page.link is not None:
        waiting.append(_Code(page.link))
    number, top = 1, _HEIGHT - 102 * mm
    while True:
        waiting = _flow(canvas, waiting, top)
        _foot(canvas, page, sheet, number)
        canvas.showPage()
        if not waiting:
            return
        number, top = number + 1, _HEIGHT - 25 * mm


def _flow(canvas: Canvas, waiting: list[Flowable], top: float) -> list[Flowable]:
    """Set what fits above the foot; returns the rest."""
    room, width = top, _RIGHT - _LEFT
    while waiting:
        part = waiting.pop(0)
        _, height = part.wrap(width, room - _FOOT)
        if height > room - _FOOT:
            parts = part.split(width, room - _FOOT)
            if len(parts) < 2:
                return [part, *waiting]
            _, height = parts[0].wrap(width, room - _FOOT)
            parts[0].drawOn(canvas, _LEFT, room - height)
            return [*parts[1:], *waiting]
        part.drawOn(canvas, _LEFT, room - height)
        room -= height + part.getSpaceAfter()
    return []


def _head(canvas: Canvas, page: Page, sheet: Sheet) -> None:
    controller = sheet.controller
    canvas.setFont(STRONG, 18)
    canvas.drawString(_LEFT, _HEIGHT - 24 * mm, controller.brand)
    canvas.setFont(REGULAR, 7)
    canvas.drawString(_ADDRESS, _HEIGHT - _WINDOW - 4 * mm, f"{controller.name}, {controller.address[page.language]}")
    canvas.setFont(REGULAR, 11)
    top = _HEIGHT - _WINDOW - 11 * mm
    for line, text in enumerate(filter(None, (page.name, *page.address))):
        canvas.drawString(_ADDRESS, top - line * 5.4 * mm, _fitted(text))
    # The type has no narrow no-break space, which Russian puts before its "г.".
    day = format_date(sheet.on, "long", locale=_LOCALES[page.language]).replace(
        "\N{NARROW NO-BREAK SPACE}", "\N{NO-BREAK SPACE}"
    )
    canvas.drawRightString(_RIGHT, _HEIGHT - _WINDOW - 11 * mm, day)
    canvas.setLineWidth(0.3)
    for fold in _FOLDS:
        canvas.line(4 * mm, _HEIGHT - fold, 8 * mm, _HEIGHT - fold)


def _foot(canvas: Canvas, page: Page, sheet: Sheet, number: int) -> None:
    controller, words = sheet.controller, _words()
    said = [f"{controller.name}, {controller.registration}, {controller.address[page.language]}"]
    canvas.setLineWidth(0.4)
    canvas.line(_LEFT, 34 * mm, _RIGHT, 34 * mm)
    width = _RIGHT - _LEFT
    if page.stop is not None:
        stop = words["stop"][page.language]
        said.insert(0, stop.format(brand=controller.brand, phone=controller.phone, email=controller.email))
        _code(canvas, page.stop, _RIGHT - _STOP, 12 * mm, side=_STOP)
        width -= 26 * mm
    text = Paragraph("<br/>".join(map(escape, said)), _SMALL)
    _, height = text.wrap(width, 22 * mm)
    text.drawOn(canvas, _LEFT, 32 * mm - height)
    canvas.setFont(REGULAR, 7)
    canvas.drawString(_LEFT, 9 * mm, f"{words['number'][page.language]} {page.number} / {number} · {sheet.mailing}")


class _Code(Flowable):  # type: ignore[misc]  # the library is not typed
    """A link as a code in the flow of the text."""

    def __init__(self, link: str) -> None:
        super().__init__()
        self._link = link

    def wrap(self, _width: float, _height: float) -> tuple[float, float]:
        return _OPEN, _OPEN

    def draw(self) -> None:
        _code(self.canv, self._link, 0, 0, side=_OPEN)


def _code(canvas: Canvas, link: str, left: float, bottom: float, *, side: float) -> None:
    """The link as a QR code (ISO/IEC 18004), *side* wide."""
    rows = [list(row) for row in segno.make_qr(link, error="l").matrix]
    module = side / len(rows)
    for up, row in enumerate(reversed(rows)):
        for right, dark in enumerate(row):
            if dark:
                canvas.rect(left + right * module, bottom + up * module, module, module, stroke=0, fill=1)


def _fitted(text: str) -> str:
    """*text*, cut where the window ends."""
    while pdfmetrics.stringWidth(text, REGULAR, 11) > 78 * mm:
        text = text[:-2].rstrip("…") + "…"
    return text


@cache
def _register() -> None:
    for name, file in ((REGULAR, "letter-regular.ttf"), (STRONG, "letter-semibold.ttf")):
        font = io.BytesIO(files("placet.delivery").joinpath(file).read_bytes())
        pdfmetrics.registerFont(TTFont(name, font))


@cache
def _words() -> Mapping[str, Any]:
    found: Mapping[str, Any] = yaml.safe_load(files("placet.delivery").joinpath("paper.yaml").read_text("utf-8"))
    return found
