"""
How a letter looks: what somebody wrote becomes the text and the MJML that `letters` compiles. Pure.

Whoever writes says a subject, a headline, paragraphs and perhaps one button; nobody writes MJML. One frame holds them
for every room: it loads nothing, is legible at 320 px, and says below who sends it, why it came, and how to stop it.
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import attrs
import yaml

from placet.delivery.letters import STOP_LINK, Source
from placet.delivery.model import Kind

_FONT = "'Source Sans 3', 'Segoe UI', Roboto, Helvetica, Arial, sans-serif"
_INK, _SOFT, _ACCENT, _PAPER = "#1b211d", "#55605a", "#14573c", "#f8f7f3"
_STOP = f"{{{{ {STOP_LINK} }}}}"
_LINKS = {"stop": _STOP, "topic": f"{_STOP}#topic", "why": f"{_STOP}#why"}
"""Where on the page of the stop link each of them leads; opening it changes nothing (RFC 8058 §3.2)."""


@attrs.frozen
class Button:
    """The one thing that a letter asks to press, and where it leads."""

    label: str
    link: str


@attrs.frozen
class Words:
    """What somebody writes, in one language. Paragraphs may hold places (`{{ first_name }}`)."""

    subject: str
    headline: str
    paragraphs: tuple[str, ...]
    button: Button | None = None


@attrs.frozen
class Sender:
    """Who signs: the *brand* that people know, and one *line* by which the law recognises it."""

    brand: str
    line: str


def source(
    words: Words,
    *,
    language: str,
    kind: Kind,
    sender: Sender,
    above: str = "",
    links: Mapping[str, str] | None = None,
) -> Source:
    """
    *words* as `letters.publish` takes them; below stands what every letter of this *kind* must say, and *above* that
    one line more (it may be a place). *links* are places of *words* that have an address.
    """
    foot = attrs.evolve(_foot(kind, language), above=above)
    return Source(words.subject, _text(words, foot, sender), _mjml(words, foot, sender, language), links or {})


@attrs.frozen
class _Foot:
    because: str | None
    links: tuple[tuple[str, str], ...]
    """Words and address of each."""
    above: str = ""


def _foot(kind: Kind, language: str) -> _Foot:
    """A service letter needs no way out: contract or law ask for it."""
    said = _said()
    if kind not in said:
        return _Foot(None, ())
    # Only an offer has a topic to choose.
    names = ("stop", "topic", "why") if kind is Kind.OFFER else ("stop", "why")
    return _Foot(
        said[kind]["because"][language], tuple((said["links"][name][language], _LINKS[name]) for name in names)
    )


def _text(words: Words, foot: _Foot, sender: Sender) -> str:
    parts = [words.headline, *words.paragraphs]
    if words.button is not None:
        parts.append(f"{words.button.label}: {words.button.link}")
    below = [*([foot.above] if foot.above else []), sender.line, *([foot.because] if foot.because else [])]
    below += [f"{name}: {link}" for name, link in foot.links]
    return "\n\n".join(part.strip() for part in [*parts, "-- \n" + "\n".join(below)] if part.strip()) + "\n"


def _mjml(words: Words, foot: _Foot, sender: Sender, language: str) -> str:
    body = [_line(words.headline, size=26, weight=700, tight=True)]
    body += [_line(paragraph) for paragraph in words.paragraphs if paragraph.strip()]
    if words.button is not None:
        body.append(_button(words.button))
    links = " · ".join(f'<a href="{link}" style="color:{_SOFT}">{html.escape(name)}</a>' for name, link in foot.links)
    below = [
        *([html.escape(foot.above)] if foot.above else []),
        html.escape(sender.line),
        *([html.escape(foot.because)] if foot.because else []),
        *([links] if links else []),
    ]
    return (
        f'<mjml lang="{language}" dir="ltr"><mj-head><mj-title>{html.escape(words.subject)}</mj-title>'
        f'<mj-attributes><mj-all font-family="{_FONT}"/></mj-attributes></mj-head>'
        f'<mj-body background-color="{_PAPER}">'
        + _section(_line(sender.brand, size=20, weight=700), background=_PAPER)
        + _section("".join(body), background="#ffffff")
        + _section(_small(below), background=_PAPER)
        + "</mj-body></mjml>"
    )


def _section(columns: str, *, background: str) -> str:
    return (
        f'<mj-section background-color="{background}" padding="16px 8px"><mj-column>{columns}</mj-column></mj-section>'
    )


def _line(text: str, *, size: int = 17, weight: int = 400, tight: bool = False) -> str:
    height = "1.2" if tight else "1.5"
    words = html.escape(text.strip(), quote=False).replace("\n", "<br/>")
    return (
        f'<mj-text font-size="{size}px" font-weight="{weight}" line-height="{height}" color="{_INK}"'
        f' padding="8px 16px">{words}</mj-text>'
    )


def _small(lines: list[str]) -> str:
    return (
        f'<mj-text font-size="14px" line-height="1.6" color="{_SOFT}" padding="8px 16px">'
        + "<br/>".join(lines)
        + "</mj-text>"
    )


def _button(button: Button) -> str:
    return (
        f'<mj-button href="{html.escape(button.link)}" background-color="{_ACCENT}" color="#ffffff" font-size="17px"'
        f' font-weight="600" border-radius="10px" inner-padding="14px 24px" align="left" padding="16px">'
        f"{html.escape(button.label)}</mj-button>"
    )


@cache
def _said() -> Mapping[str, Any]:
    found: Mapping[str, Any] = yaml.safe_load(files("placet.delivery").joinpath("layout.yaml").read_text("utf-8"))
    return found
