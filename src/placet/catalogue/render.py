"""
The one function that renders what a person sees and that is hashed (mission B1).

`render` composes a document: ordered blocks of words, then the form with its options, their order and their state
before the person chooses. Its canonical bytes are what the record commits to; `html_of` and `text_of` read nothing
but these bytes, so what is on the screen is what was hashed, today and when the page is shown again in ten years.

Variables hold no personal data: a shown document is kept for ever, a person's data is not.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import attrs
from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from placet.catalogue.model import ROUTES, Catalogue, Notice, Purpose, Route, Version, Wording
from placet.kernel import jcs
from placet.kernel.errors import BadInput
from placet.kernel.ids import PurposeId

DOCUMENT_TYPE = "placet/notice/v1"

_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_HREF = re.compile(r"https://[^\s\"<>]+")
_Values = Mapping[str, str | tuple[str, ...]]
_Block = dict[str, Any]


@attrs.frozen
class Option:
    """One answer that was offered; nothing is ever selected beforehand (GDPR recital 32)."""

    value: str
    label: str
    selected: bool


@attrs.frozen
class ChannelQuestion:
    id: str
    label: str
    options: tuple[Option, ...]


@attrs.frozen
class Form:
    """What could be answered, in the order shown. `channels` is empty where the answer alone decides."""

    question: str
    options: tuple[Option, ...]
    channels_question: str | None
    channels: tuple[ChannelQuestion, ...]


@attrs.frozen
class Rendered:
    """A text as shown: `sha256` covers `document`, from which `html`, `text` and `form` were made."""

    purpose: PurposeId
    version: Version
    language: str
    route: Route
    document: bytes = attrs.field(repr=False)
    sha256: bytes
    html: str = attrs.field(repr=False)
    text: str = attrs.field(repr=False)
    form: Form = attrs.field(repr=False)


def render(
    catalogue: Catalogue, *, purpose: str, language: str, route: Route, variables: Mapping[str, str] | None = None
) -> Rendered:
    """
    The text of *purpose* in *language* as *route* presents it.

    *variables* may replace the ones the catalogue declares for the route, and no others. Raises `BadInput` with
    `unknown-purpose`, `unknown-language`, `unknown-route`, `unknown-variable` or `unknown-placeholder`.
    """
    return _render(catalogue, purpose, language, route, tuple(sorted((variables or {}).items())))


def parse(document: bytes) -> dict[str, Any]:
    """The document that `Rendered.document` holds, as plain values."""
    found = jcs.parse(document)
    if not isinstance(found, dict) or found.get("type") != DOCUMENT_TYPE:
        raise BadInput(f"not a document of type {DOCUMENT_TYPE}", code="bad-document")
    return found


def html_of(document: bytes) -> str:
    """The notice as an HTML fragment, without its form; a pure function of *document*."""
    return _template("notice.html").render(notice=parse(document), href=_safe_href)


def answers_html_of(document: bytes) -> str:
    """The form as it was offered, to be read and not filled in: for the history and the receipt."""
    return _template("answers.html").render(notice=parse(document))


def text_of(document: bytes) -> str:
    """The notice as plain text: what is read aloud, printed or sent; a pure function of *document*."""
    return "\n\n".join("\n".join(_text_lines(block)) for block in parse(document)["blocks"])


def form_of(document: bytes) -> Form:
    """The form as it was offered."""
    form = parse(document)["form"]
    return Form(
        question=form["question"],
        options=_options(form["options"]),
        channels_question=form.get("channels_question"),
        channels=tuple(
            ChannelQuestion(channel["id"], channel["label"], _options(channel["options"]))
            for channel in form["channels"]
        ),
    )


@lru_cache(maxsize=4096)
def _render(
    catalogue: Catalogue, purpose_id: str, language: str, route: Route, variables: tuple[tuple[str, str], ...]
) -> Rendered:
    purpose = catalogue.purpose(purpose_id)
    if route not in ROUTES:
        raise BadInput(f"there is no route {route!r}; choose one of {', '.join(ROUTES)}", code="unknown-route")
    used = _variables(catalogue, route, dict(variables))
    document = jcs.canonical(_document(catalogue, purpose, language, route, used))
    return Rendered(
        purpose=purpose.id,
        version=purpose.version,
        language=language,
        route=route,
        document=document,
        sha256=hashlib.sha256(document).digest(),
        html=html_of(document),
        text=text_of(document),
        form=form_of(document),
    )


def _variables(catalogue: Catalogue, route: Route, given: Mapping[str, str]) -> dict[str, str]:
    declared = catalogue.variables.get(route, {})
    if unknown := sorted(set(given) - set(declared)):
        raise BadInput(
            f"the texts for {route} have no variable {', '.join(unknown)}; catalogue.yaml declares them",
            code="unknown-variable",
        )
    return {**declared, **given}


def _document(
    catalogue: Catalogue, purpose: Purpose, language: str, route: Route, variables: Mapping[str, str]
) -> dict[str, Any]:
    notice = purpose.notice(language)
    if (wording := catalogue.wording.get(language)) is None:
        raise BadInput(f"wording.yaml has no {language!r}", code="unknown-language")
    values = {**_values(catalogue, purpose, notice, wording, language), **variables}
    return {
        "type": DOCUMENT_TYPE,
        "catalogue": catalogue.id,
        "purpose": purpose.id,
        "version": str(purpose.version),
        "language": language,
        "route": route,
        "variables": dict(variables),
        "blocks": list(_blocks(catalogue, notice, wording, language, route, values)),
        "form": _form(catalogue, purpose, wording, language, route),
    }


def _values(catalogue: Catalogue, purpose: Purpose, notice: Notice, wording: Wording, language: str) -> _Values:
    """What a placeholder such as `{title}` stands for."""
    controller = catalogue.controller
    contact = {
        "controller_name": controller.name,
        "brand": controller.brand,
        "registration": controller.registration,
        "address": _in(controller.address, language),
        "email": controller.email,
        "phone": controller.phone,
        "website": controller.website.removeprefix("https://").rstrip("/"),
        "authority": _in(controller.authority, language),
    }
    return {
        **contact,
        "controller": _fill(wording.controller, contact),
        "title": notice.title,
        "summary": notice.summary,
        "opens": notice.opens,
        "examples": notice.examples,
        "never": notice.never,
        "data": tuple(_in(catalogue.data[id].titles, language) for id in purpose.data),
        "recipients": tuple(_in(catalogue.recipients[id].titles, language) for id in purpose.recipients),
        "channels": tuple(_in(catalogue.channels[id].titles, language) for id in purpose.channels),
        "retention": notice.retention,
        "refused": notice.refused,
        "sms": notice.sms,
        "free": _fill(wording.free, contact),
        "withdrawal": _fill(wording.withdrawal, contact),
        "past": _fill(wording.past, contact),
        "again": _fill(wording.again, contact),
        "rights": _fill(wording.rights, contact),
        "complaint": _fill(wording.complaint, contact),
        "question": wording.question,
        "channels_question": wording.channels_question if purpose.channels else (),
    }


def _in(texts: Mapping[str, str], language: str) -> str:
    if (text := texts.get(language)) is None:
        message = f"a title in {language!r} is missing; `placet catalogue check` names it"
        raise BadInput(message, code="unknown-language")
    return text


def _blocks(
    catalogue: Catalogue, notice: Notice, wording: Wording, language: str, route: Route, values: _Values
) -> Iterator[_Block]:
    if route == "sms":
        yield {"kind": "message", "text": _fill(wording.sms, values)}
    elif route in {"phone", "desk"}:
        lines = wording.phone if route == "phone" else wording.desk
        yield {"kind": "script", "items": list(_expanded(lines, values))}
    elif route == "post":
        yield from _letter_part("opening", wording.post_opening, values)
        yield from _page(catalogue, notice, wording, language, values)
        yield from _letter_part("closing", wording.post_closing, values)
    else:
        yield from _page(catalogue, notice, wording, language, values)


def _letter_part(kind: str, lines: tuple[str, ...], values: _Values) -> Iterator[_Block]:
    if lines:
        yield {"kind": kind, "paragraphs": list(_expanded(lines, values))}


def _page(catalogue: Catalogue, notice: Notice, wording: Wording, language: str, values: _Values) -> Iterator[_Block]:
    """The whole notice, what it opens first, in the order of GDPR 13(1)-(2)."""
    yield {"kind": "title", "text": notice.title}
    yield {"kind": "summary", "text": notice.summary}
    for kind in ("opens", "examples", "data", "never", "recipients"):
        if values[kind]:
            yield {"kind": kind, "heading": wording.headings[kind], "items": list(values[kind])}
    yield {"kind": "retention", "heading": wording.headings["retention"], "paragraphs": [notice.retention]}
    for kind, parts in _SENTENCES:
        paragraphs = list(_expanded(tuple(f"{{{part}}}" for part in parts), values))
        yield {"kind": kind, "heading": wording.headings[kind], "paragraphs": paragraphs}
    yield {
        "kind": "controller",
        "heading": wording.headings["controller"],
        "paragraphs": [values["controller"]],
        "links": _links(catalogue, wording, language),
    }


_SENTENCES = (
    ("refused", ("refused", "free")),
    ("withdraw", ("withdrawal", "past", "again")),
    ("rights", ("rights", "complaint")),
)


def _links(catalogue: Catalogue, wording: Wording, language: str) -> list[dict[str, str]]:
    controller = catalogue.controller
    return [
        {"label": wording.privacy_policy, "href": _in(controller.privacy_policy, language)},
        {"label": _bare(controller.website), "href": controller.website},
        {"label": _bare(controller.authority_website), "href": controller.authority_website},
    ]


def _bare(url: str) -> str:
    return url.removeprefix("https://").removeprefix("www.").rstrip("/")


def _form(catalogue: Catalogue, purpose: Purpose, wording: Wording, language: str, route: Route) -> dict[str, Any]:
    """Both answers alike, in one order on every route, none selected. By SMS one answer covers the SMS channel too."""
    channels = [channel for channel in purpose.channels if route != "sms" or channel == "sms"]
    form: dict[str, Any] = {
        "question": wording.question,
        "options": _pair(wording.give, wording.refuse),
        "channels": [
            {
                "id": channel,
                "label": _in(catalogue.channels[channel].titles, language),
                "options": _pair(wording.yes, wording.no) if route != "sms" else [],
            }
            for channel in channels
        ],
    }
    return {**form, "channels_question": wording.channels_question} if channels and route != "sms" else form


def _pair(given: str, refused: str) -> list[dict[str, Any]]:
    return [
        {"value": "given", "label": given, "selected": False},
        {"value": "refused", "label": refused, "selected": False},
    ]


def _fill(template: str, values: _Values) -> str:
    """*template* with its placeholders replaced; a list is joined with semicolons, for its items may hold commas."""

    def value_of(match: re.Match[str]) -> str:
        if (value := values.get(match[1])) is None:
            message = f"{{{match[1]}}} stands for nothing; docs/how-to/write-a-catalogue.md lists the placeholders"
            raise BadInput(message, code="unknown-placeholder")
        return value if isinstance(value, str) else "; ".join(value)

    return _PLACEHOLDER.sub(value_of, template)


def _expanded(templates: tuple[str, ...], values: _Values) -> Iterator[str]:
    """Each template filled; one that is a list's placeholder alone gives a line for each item."""
    for template in templates:
        alone = _PLACEHOLDER.fullmatch(template)
        if alone is not None and isinstance(value := values.get(alone[1]), tuple):
            yield from value
        else:
            yield _fill(template, values)


def _options(options: list[dict[str, Any]]) -> tuple[Option, ...]:
    return tuple(Option(option["value"], option["label"], option["selected"]) for option in options)


def _text_lines(block: _Block) -> Iterator[str]:
    if "heading" in block:
        yield block["heading"]
    if "text" in block:
        yield block["text"]
    yield from block.get("paragraphs", [])
    bullet = "" if block["kind"] == "script" else "– "
    yield from (f"{bullet}{item}" for item in block.get("items", []))
    for link in block.get("links", []):
        yield link["href"] if link["label"] in link["href"] else f"{link['label']}: {link['href']}"


def _safe_href(href: str) -> str:
    """A link that was stored is checked again before it becomes one on a page."""
    return href if _HREF.fullmatch(href) else ""


@lru_cache(maxsize=8)
def _template(name: str) -> Template:
    environment = Environment(
        loader=PackageLoader("placet.catalogue", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name)
