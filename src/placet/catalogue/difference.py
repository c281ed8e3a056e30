"""
Two catalogues side by side, word by word. Pure.

What is compared is what a person sees: the rendered blocks of each purpose, in one language; and beside the words, the
facts that decide whether a change asks people again (`rules.classify`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any, Literal

import attrs

from placet.catalogue import processing_words
from placet.catalogue.model import Catalogue, Purpose, Version
from placet.catalogue.render import parse, render
from placet.kernel.errors import BadInput
from placet.kernel.ids import PurposeId

Kind = Literal["same", "gone", "new"]
_TOKEN = re.compile(r"\s+|\w+|[^\w\s]")
_MOST_PAIRS = 4_000_000
"""Longer passages are shown as replaced whole: comparing takes time as the product of their words."""


@attrs.frozen
class Piece:
    """Words that stand in both texts, or only in one."""

    kind: Kind
    text: str


@attrs.frozen
class Passage:
    """One block of the notice. `before` and `after` are its pieces as each side shows them."""

    name: str
    pieces: tuple[Piece, ...]

    @property
    def before(self) -> tuple[Piece, ...]:
        return tuple(piece for piece in self.pieces if piece.kind != "new")

    @property
    def after(self) -> tuple[Piece, ...]:
        return tuple(piece for piece in self.pieces if piece.kind != "gone")

    @property
    def is_changed(self) -> bool:
        return any(piece.kind != "same" for piece in self.pieces)


@attrs.frozen
class Fact:
    """A term that people agreed to, on both sides."""

    name: str
    before: str
    after: str


@attrs.frozen
class Comparison:
    """One purpose on both sides; a version is None where the purpose is not there."""

    purpose: PurposeId
    title: str
    before: Version | None
    after: Version | None
    passages: tuple[Passage, ...]
    facts: tuple[Fact, ...]

    @property
    def is_changed(self) -> bool:
        return bool(self.facts) or any(passage.is_changed for passage in self.passages)


def compare(old: Catalogue, new: Catalogue, language: str) -> list[Comparison]:
    """Every purpose of *new*, then those that are gone, as a person reads them in *language*."""
    gone = [id for id in old.purposes if id not in new.purposes]
    return [_compare(old, new, id, language) for id in (*new.purposes, *gone)]


def words(before: str, after: str) -> tuple[Piece, ...]:
    """The two texts as pieces, in reading order: what is gone before what is new in its place."""
    left, right = _TOKEN.findall(before), _TOKEN.findall(after)
    if len(left) * len(right) > _MOST_PAIRS:
        return tuple(piece for piece in (Piece("gone", before), Piece("new", after)) if piece.text)
    return tuple(_joined(_pieces(left, right)))


def _pieces(left: Sequence[str], right: Sequence[str]) -> Iterator[Piece]:
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        if tag == "equal":
            yield Piece("same", "".join(left[i1:i2]))
            continue
        if i2 > i1:
            yield Piece("gone", "".join(left[i1:i2]))
        if j2 > j1:
            yield Piece("new", "".join(right[j1:j2]))


def _joined(pieces: Iterator[Piece]) -> Iterator[Piece]:
    """A space alone between two changes belongs to them: two words that changed are one change."""
    gone, new = "", ""
    for piece in pieces:
        if piece.kind == "same" and not piece.text.isspace():
            yield from _change(gone, new)
            gone, new = "", ""
            yield piece
        else:
            gone += "" if piece.kind == "new" else piece.text
            new += "" if piece.kind == "gone" else piece.text
    yield from _change(gone, new)


def _change(gone: str, new: str) -> Iterator[Piece]:
    if gone == new:
        if gone:
            yield Piece("same", gone)
        return
    if gone:
        yield Piece("gone", gone)
    if new:
        yield Piece("new", new)


def _compare(old: Catalogue, new: Catalogue, id: PurposeId, language: str) -> Comparison:
    before, after = old.purposes.get(id), new.purposes.get(id)
    left, right = _blocks(old, before, language), _blocks(new, after, language)
    names = [*right, *(name for name in left if name not in right)]
    notice = (after or before or old.purposes[id]).notices.get(language)
    return Comparison(
        purpose=id,
        title=id if notice is None else notice.title,
        before=None if before is None else before.version,
        after=None if after is None else after.version,
        passages=tuple(Passage(name, words(left.get(name, ""), right.get(name, ""))) for name in names),
        facts=tuple(_facts(old, before, new, after, language)),
    )


def _blocks(catalogue: Catalogue, purpose: Purpose | None, language: str) -> Mapping[str, str]:
    """The text of each block by its kind; nothing where it cannot be rendered: the lint says why."""
    if purpose is None:
        return {}
    try:
        document = render(catalogue, purpose=purpose.id, language=language, route="portal").document
    except BadInput:
        return {}
    return {block["kind"]: _text(block) for block in parse(document)["blocks"]}


def _text(block: Mapping[str, Any]) -> str:
    lines = [block[name] for name in ("heading", "text") if name in block]
    return "\n".join([*lines, *block.get("paragraphs", []), *block.get("items", [])])


def _facts(
    old: Catalogue, before: Purpose | None, new: Catalogue, after: Purpose | None, language: str
) -> Iterator[Fact]:
    left, right = _terms(old, before, language), _terms(new, after, language)
    for name in right or left:
        if left.get(name, "") != right.get(name, ""):
            yield Fact(name, left.get(name, ""), right.get(name, ""))


def _terms(catalogue: Catalogue, purpose: Purpose | None, language: str) -> dict[str, str]:
    if purpose is None:
        return {}
    retention = purpose.retention
    return {
        "controller": f"{catalogue.controller.name}, {catalogue.controller.registration}",
        "purpose": ", ".join(sorted(purpose.dpv)),
        "data": ", ".join(f"{id} ({catalogue.data[id].dpv})" for id in purpose.data if id in catalogue.data),
        "recipients": ", ".join(purpose.recipients),
        "retention": processing_words.of(language).days(retention.days, retention.after),
        "duration": "" if purpose.valid_for is None else str(purpose.valid_for.days),
        "automation": "1" if purpose.automated else "0",
        "channels": ", ".join(purpose.channels),
        "line": "1" if purpose.line_tied else "0",
    }
