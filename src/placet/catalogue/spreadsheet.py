"""
A table as an OpenDocument spreadsheet (ISO/IEC 26300, ODF 1.3), written by hand: the same table, the same bytes.

Only what a table of words needs: cells of text, a bold heading row that stays in view, columns of a given width.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Sequence
from xml.sax.saxutils import escape, quoteattr

import attrs

MEDIA_TYPE = "application/vnd.oasis.opendocument.spreadsheet"
_EARLIEST = (1980, 1, 1, 0, 0, 0)
_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold."""

_NAMES = (
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" '
    'xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0" '
    'xmlns:fo="urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0" '
    'xmlns:config="urn:oasis:names:tc:opendocument:xmlns:config:1.0"'
)
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
_MANIFEST = (
    f'{_HEAD}<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"'
    ' manifest:version="1.3">'
    f'<manifest:file-entry manifest:full-path="/" manifest:version="1.3" manifest:media-type="{MEDIA_TYPE}"/>'
    '<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/>'
    '<manifest:file-entry manifest:full-path="settings.xml" manifest:media-type="text/xml"/></manifest:manifest>'
)
_CELLS = (
    '<style:style style:name="heading" style:family="table-cell"><style:table-cell-properties fo:wrap-option="wrap"/>'
    '<style:text-properties fo:font-weight="bold"/></style:style>'
    '<style:style style:name="plain" style:family="table-cell">'
    '<style:table-cell-properties fo:wrap-option="wrap" style:vertical-align="top"/></style:style>'
)


@attrs.frozen
class Sheet:
    """One table: its name, its headings, its rows of text, and the width of each column in centimetres."""

    name: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    widths: Sequence[float]


def ods(sheets: Sequence[Sheet]) -> bytes:
    """*sheets* as one file."""
    parts = {"content.xml": _content(sheets), "settings.xml": _settings(sheets), "META-INF/manifest.xml": _MANIFEST}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        # ODF 1.3 part 2, §3.3: the media type comes first, as it is.
        archive.writestr(zipfile.ZipInfo("mimetype", _EARLIEST), MEDIA_TYPE, zipfile.ZIP_STORED)
        for name, text in parts.items():
            archive.writestr(zipfile.ZipInfo(name, _EARLIEST), text, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def _content(sheets: Sequence[Sheet]) -> str:
    widths = sorted({width for sheet in sheets for width in sheet.widths})
    columns = "".join(
        f'<style:style style:name="w{width:g}" style:family="table-column">'
        f'<style:table-column-properties style:column-width="{width:g}cm"/></style:style>'
        for width in widths
    )
    tables = "".join(_table(sheet) for sheet in sheets)
    return (
        f'{_HEAD}<office:document-content {_NAMES} office:version="1.3">'
        f"<office:automatic-styles>{columns}{_CELLS}</office:automatic-styles>"
        f"<office:body><office:spreadsheet>{tables}</office:spreadsheet></office:body></office:document-content>"
    )


def _table(sheet: Sheet) -> str:
    columns = "".join(f'<table:table-column table:style-name="w{width:g}"/>' for width in sheet.widths)
    rows = "".join(_row(row, "plain") for row in sheet.rows)
    return (
        f"<table:table table:name={quoteattr(_clean(sheet.name))}>{columns}"
        f"<table:table-header-rows>{_row(sheet.headings, 'heading')}</table:table-header-rows>{rows}</table:table>"
    )


def _row(cells: Iterable[str], style: str) -> str:
    return f"<table:table-row>{''.join(_cell(cell, style) for cell in cells)}</table:table-row>"


def _cell(text: str, style: str) -> str:
    """Text is said to be text: no spreadsheet reads a formula, a date or a number out of it."""
    lines = "".join(f"<text:p>{escape(line)}</text:p>" for line in _clean(text).split("\n"))
    return f'<table:table-cell table:style-name="{style}" office:value-type="string">{lines}</table:table-cell>'


def _clean(text: str) -> str:
    return _NO_XML.sub("\N{REPLACEMENT CHARACTER}", text)


def _settings(sheets: Sequence[Sheet]) -> str:
    """The heading row stays in view."""
    kept = {"VerticalSplitMode": ("short", "2"), "VerticalSplitPosition": ("int", "1"), "PositionBottom": ("int", "1")}
    items = "".join(
        f'<config:config-item config:name="{name}" config:type="{kind}">{value}</config:config-item>'
        for name, (kind, value) in kept.items()
    )
    entries = "".join(
        f"<config:config-item-map-entry config:name={quoteattr(_clean(sheet.name))}>{items}"
        "</config:config-item-map-entry>"
        for sheet in sheets
    )
    tables = f'<config:config-item-map-named config:name="Tables">{entries}</config:config-item-map-named>'
    views = f'<config:config-item-map-indexed config:name="Views"><config:config-item-map-entry>{tables}'
    return (
        f'{_HEAD}<office:document-settings {_NAMES} office:version="1.3"><office:settings>'
        f'<config:config-item-set config:name="ooo:view-settings">{views}</config:config-item-map-entry>'
        "</config:config-item-map-indexed></config:config-item-set></office:settings></office:document-settings>"
    )
