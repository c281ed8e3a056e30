"""What the words of a campaign become before anybody gets them: a letter in its frame, an SMS with parts and price."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

import attrs
from starlette.responses import HTMLResponse, Response

from placet.catalogue.model import Controller
from placet.delivery import letters, notes, segments, sms
from placet.delivery.layout import Words, source
from placet.delivery.letter_lint import Finding, lint
from placet.delivery.letters import STOP_LINK, Letter
from placet.delivery.model import Kind
from placet.delivery.notes import Note
from placet.delivery.segments import Prices
from placet.delivery.sms import Text
from placet.delivery.wording import LANGUAGES
from placet.interfaces.web import security
from placet.purposes.offers.campaigns.texts import CALLED, DECLARED, sender

SOMEBODY: Mapping[str, Mapping[str, str]] = {
    "lv": {CALLED: ", Anna"},
    "ru": {CALLED: ", Анна"},
    "en": {CALLED: ", Anna"},
}
"""Whom a preview and a trial are for: nobody, under a name of middle length."""
PLACE = f"{{{{ {CALLED} }}}}"
FRAMED = "; ".join(
    ("sandbox", "default-src 'none'", "style-src 'unsafe-inline'", "form-action 'none'", "frame-ancestors 'self'")
)
"""A letter carries its own style and nothing else; it runs nothing, and only our own pages frame it."""
FRAMING = f"{security.POLICY}; frame-src 'self'"
"""What a page says that shows one."""

_V = TypeVar("_V")


@attrs.frozen
class LetterShown:
    """A letter as a page shows it before it is sent."""

    subject: str
    plain: str
    page: str
    findings: Sequence[Finding]


@attrs.frozen
class SmsShown:
    """An SMS in one language as it will arrive, and what it costs as written and folded."""

    language: str
    text: str
    encoding: str
    prices: Prices


def letter(words: Words, language: str, controller: Controller) -> LetterShown:
    """*words* as a letter; `BadInput` if it cannot be made."""
    made = compiled(words, language, controller)
    filled = {**SOMEBODY[language], STOP_LINK: "https://example.com/u/0"}
    page = made.html.fill(filled)
    plain = source(words, language=language, kind=Kind.OFFER, sender=sender(controller, language)).text
    return LetterShown(made.subject.fill(filled), plain, page, lint(words, page, language))


def compiled(words: Words, language: str, controller: Controller) -> Letter:
    """One language of a letter by itself: the others may not be written yet."""
    made = source(words, language=language, kind=Kind.OFFER, sender=sender(controller, language))
    return letters.publish(_in_all(made), kind=Kind.OFFER, declared=DECLARED)[language]


def text(words: str, *, folded: bool) -> Text:
    """One language of an SMS by itself."""
    publish = sms.publish_folded if folded else sms.publish
    return publish(_in_all(words), declared=DECLARED)[LANGUAGES[0]]


def short(words: str, language: str, *, folded: bool, cents: int) -> SmsShown:
    """*words* as an SMS; `BadInput` if it is too long or cannot be read."""
    filled = text(words, folded=folded).wording.fill(SOMEBODY[language])
    arriving = segments.fold(filled) if folded else filled
    encoding = "GSM 7" if segments.cut(arriving).encoding is segments.Encoding.GSM else "UCS-2"
    return SmsShown(language, arriving, encoding, segments.prices(filled, cents_a_part=cents))


def note(said: notes.Source) -> Note:
    """One language of what is said, printed or put into the app, by itself."""
    return notes.publish(_in_all(said), declared=DECLARED)[LANGUAGES[0]]


def framed(page: str) -> Response:
    """The page of a letter, for a frame of ours."""
    return HTMLResponse(page, headers={"content-security-policy": FRAMED, "x-frame-options": "SAMEORIGIN"})


def _in_all(said: _V) -> dict[str, _V]:
    return dict.fromkeys(LANGUAGES, said)
