"""The text that is shown is the text that is hashed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import attrs
import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from placet.catalogue.document import frozen
from placet.catalogue.files import load
from placet.catalogue.model import ROUTES, Catalogue, Route
from placet.catalogue.render import (
    DOCUMENT_TYPE,
    Rendered,
    answers_html_of,
    form_of,
    html_of,
    parse,
    render,
    text_of,
)
from placet.kernel import jcs
from placet.kernel.errors import BadInput

AMIGO = load("amigo")
EVERY_TEXT = [
    (purpose, language, route) for purpose in AMIGO.purposes for language in AMIGO.languages for route in ROUTES
]

names = st.sampled_from(sorted(AMIGO.purposes))
languages = st.sampled_from(AMIGO.languages)
routes = st.sampled_from(ROUTES)


class Page(HTMLParser):
    """The words of a page, its links and its elements."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self.links: list[str] = []
        self.elements: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.links += [value or "" for name, value in attrs if name == "href"]

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.words.append(data)


def strings(value: Any) -> Iterator[str]:
    """Every string of a JSON value that is shown, in order."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)
    elif isinstance(value, dict):
        order = ("heading", "text", "paragraphs", "items", "links", "label")
        for key in order:
            if key in value:
                yield from strings(value[key])


@pytest.mark.parametrize(("purpose", "language", "route"), EVERY_TEXT)
def test_html_text_and_form_come_from_the_document_alone(purpose: str, language: str, route: Route) -> None:
    rendered = render(AMIGO, purpose=purpose, language=language, route=route)
    assert rendered.sha256 == hashlib.sha256(rendered.document).digest()
    assert rendered.html == html_of(rendered.document)
    assert rendered.text == text_of(rendered.document)
    assert rendered.form == form_of(rendered.document)
    assert rendered.document == rfc8785.dumps(parse(rendered.document))
    shown = list(strings(parse(rendered.document)["blocks"]))
    assert Page(rendered.html).words == shown
    assert all(part in rendered.text for part in shown)


@pytest.mark.parametrize(("purpose", "language", "route"), EVERY_TEXT)
def test_both_answers_stand_alike_and_nothing_is_selected(purpose: str, language: str, route: Route) -> None:
    form = render(AMIGO, purpose=purpose, language=language, route=route).form
    wording = AMIGO.wording[language]
    assert [(option.value, option.label, option.selected) for option in form.options] == [
        ("given", wording.give, False),
        ("refused", wording.refuse, False),
    ]
    if route == "sms":
        assert form.channels_question is None
        assert [channel.options for channel in form.channels] == [()] * len(form.channels)
        assert {channel.id for channel in form.channels} == set(AMIGO.purpose(purpose).channels) & {"sms"}
        return
    assert tuple(channel.id for channel in form.channels) == AMIGO.purpose(purpose).channels
    assert (form.channels_question is None) == (not form.channels)
    for channel in form.channels:
        assert [(option.value, option.selected) for option in channel.options] == [("given", False), ("refused", False)]


def test_the_document_says_what_was_shown_to_whom_by_which_route(amigo: Catalogue) -> None:
    document = parse(render(amigo, purpose="usage", language="ru", route="post").document)
    assert {key: value for key, value in document.items() if key not in {"blocks", "form"}} == {
        "type": DOCUMENT_TYPE,
        "catalogue": "amigo",
        "purpose": "usage",
        "version": "1.0",
        "language": "ru",
        "route": "post",
        "variables": {"return_to": "SIA “ZetCOM”, Ropažu iela 6, Rīga"},
    }
    assert [block["kind"] for block in document["blocks"]] == [
        "opening", "title", "summary", "opens", "examples", "data", "never", "recipients", "retention",
        "refused", "withdraw", "rights", "controller", "closing",
    ]  # fmt: skip


def test_a_text_is_rendered_once(amigo: Catalogue) -> None:
    first = render(amigo, purpose="offers", language="lv", route="portal")
    assert render(frozen(amigo.document), purpose="offers", language="lv", route="portal") is first


def test_every_text_has_a_hash_of_its_own() -> None:
    texts = [render(AMIGO, purpose=p, language=language, route=route) for p, language, route in EVERY_TEXT]
    assert len({text.sha256 for text in texts}) == len(EVERY_TEXT) == 144


def test_a_declared_variable_is_shown_and_recorded(amigo: Catalogue) -> None:
    plain = render(amigo, purpose="offers", language="en", route="sms")
    other = render(amigo, purpose="offers", language="en", route="sms", variables={"link": "amigo.lv/k"})
    assert other.text.endswith("Full text: amigo.lv/k")
    assert parse(other.document)["variables"] == {"link": "amigo.lv/k"}
    assert other.sha256 != plain.sha256


def test_a_variable_that_is_not_declared_is_refused(amigo: Catalogue) -> None:
    with pytest.raises(BadInput) as caught:
        render(amigo, purpose="offers", language="en", route="portal", variables={"name": "Anna"})
    assert caught.value.code == "unknown-variable"


def test_a_variable_cannot_bring_in_a_placeholder_or_markup(amigo: Catalogue) -> None:
    rendered = render(amigo, purpose="offers", language="en", route="sms", variables={"link": "{title}<b>"})
    assert rendered.text.endswith("{title}<b>")
    assert "<b>" not in rendered.html


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"purpose": "horoscope", "language": "lv", "route": "portal"}, "unknown-purpose"),
        ({"purpose": "offers", "language": "de", "route": "portal"}, "unknown-language"),
        ({"purpose": "offers", "language": "lv", "route": "pigeon"}, "unknown-route"),
        ({"purpose": "offers", "language": "lv", "route": "import"}, "unknown-route"),
    ],
)
def test_what_is_not_in_the_catalogue_is_refused(asked: dict[str, Any], code: str, amigo: Catalogue) -> None:
    with pytest.raises(BadInput) as caught:
        render(amigo, **asked)
    assert caught.value.code == code


@pytest.mark.parametrize("document", [b"{}", b"[]", b'"x"', b'{"type":"placet/notice/v2"}'])
def test_what_is_no_document_is_not_shown(document: bytes) -> None:
    with pytest.raises(BadInput):
        html_of(document)


def test_the_offered_answers_can_be_read_again(amigo: Catalogue) -> None:
    page = Page(answers_html_of(render(amigo, purpose="offers", language="lv", route="portal").document))
    assert page.words[:4] == [
        "Vai dodat šo piekrišanu?",
        "Dot",
        "Atteikt",
        "Pa kuriem kanāliem mēs drīkstam ar Jums sazināties?",
    ]
    assert page.words.count("Jā") == page.words.count("Nē") == 5
    assert not page.elements & {"input", "button", "form"}


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if isinstance(value, str):
        yield path
    elif isinstance(value, dict | list):
        for key, child in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(child, (*path, key))


def worded(path: tuple[str | int, ...]) -> bool:
    """Is the leaf at *path* of the catalogue's document words, and not an id or an address?"""
    return (
        path[0] == "wording" or (path[0] == "purposes" and "notices" in path) or "titles" in path or path[-1] == "name"
    )


WORDS = [path for path in leaves(jcs.parse(AMIGO.document)) if worded(path)]


def changed(path: tuple[str | int, ...], by: str) -> Catalogue:
    """Amigo's catalogue with *by* added to one text."""
    document = jcs.parse(AMIGO.document)
    place: Any = document
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] += by
    return frozen(jcs.canonical(document))


@settings(max_examples=150, deadline=None)
@given(path=st.sampled_from(WORDS), word=st.sampled_from([" vēl", ".", "!", " <i>", "\u00ad"]), data=st.data())
def test_any_change_of_a_visible_word_changes_the_hash(
    path: tuple[str | int, ...], word: str, data: st.DataObject
) -> None:
    other = changed(path, word)
    assert other.digest != AMIGO.digest
    language = next((key for key in path if key in AMIGO.languages), data.draw(languages))
    purposes = [AMIGO_ORDER[path[1]]] if path[0] == "purposes" else sorted(AMIGO.purposes)
    for purpose in purposes:
        for route in ROUTES:
            before = render(AMIGO, purpose=purpose, language=str(language), route=route)
            after = render(other, purpose=purpose, language=str(language), route=route)
            assert (seen(before) != seen(after)) == (before.sha256 != after.sha256)


AMIGO_ORDER = [purpose["id"] for purpose in jcs.parse(AMIGO.document)["purposes"]]


def seen(rendered: Rendered) -> tuple[Any, ...]:
    return rendered.html, rendered.text, rendered.form


@settings(max_examples=60, deadline=None)
@given(purpose=names, language=languages, route=routes, data=st.data())
def test_no_two_documents_show_the_same(purpose: str, language: str, route: Route, data: st.DataObject) -> None:
    document = parse(render(AMIGO, purpose=purpose, language=language, route=route).document)
    path = data.draw(
        st.sampled_from(
            [path for path in leaves(document) if path[-1] in {"text", "heading", "label"} or isinstance(path[-1], int)]
        )
    )
    place: Any = document
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] += "x"
    other = jcs.canonical(document)
    before = render(AMIGO, purpose=purpose, language=language, route=route)
    assert (html_of(other), text_of(other), form_of(other)) != (before.html, before.text, before.form)


@settings(max_examples=100, deadline=None)
@given(text=st.text(max_size=200), purpose=names)
def test_no_text_becomes_markup(text: str, purpose: str) -> None:
    document = parse(render(AMIGO, purpose=purpose, language="en", route="portal").document)
    document["blocks"] = [{"kind": "summary", "text": f"<script>{text}</script>"}]
    page = Page(html_of(jcs.canonical(document)))
    assert page.elements == {"article", "p"}


def test_a_stored_link_that_is_no_https_address_leads_nowhere(amigo: Catalogue) -> None:
    document = parse(render(amigo, purpose="offers", language="en", route="portal").document)
    document["blocks"][-1]["links"] = [{"label": "here", "href": "javascript:alert(1)"}]
    assert Page(html_of(jcs.canonical(document))).links == [""]


def test_a_new_version_alone_changes_the_hash(amigo: Catalogue) -> None:
    other = jcs.parse(amigo.document)
    other["purposes"][0]["version"] = "1.1"
    after = render(frozen(jcs.canonical(other)), purpose="offers", language="lv", route="portal")
    before = render(amigo, purpose="offers", language="lv", route="portal")
    assert after.sha256 != before.sha256
    assert after.text == before.text


def test_a_title_without_its_language_is_named(acme: Catalogue) -> None:
    poorer = attrs.evolve(
        acme, document=b"x", data={id: attrs.evolve(value, titles={}) for id, value in acme.data.items()}
    )
    with pytest.raises(BadInput) as caught:
        render(poorer, purpose="news", language="en", route="portal")
    assert caught.value.code == "unknown-language"
