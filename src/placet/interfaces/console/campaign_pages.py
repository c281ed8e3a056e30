"""
The pages of the builder: what each form makes of a brief, and what each page shows of one.

| part | what |
|---|---|
| `topic` | name, topic, by itself or smart |
| `audience` | who, among those who allowed it, with the live count |
| `channels` | through what |
| `email`, `sms`, `call`, `post`, `app` | the words of a channel in three languages |
| `schedule` | when, and who is held out |
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs
from psycopg import Connection

from placet import facts
from placet.access.staff_sessions import StaffSession
from placet.catalogue.model import Catalogue, Controller
from placet.delivery.layout import Words
from placet.delivery.notes import Source
from placet.delivery.wording import LANGUAGES
from placet.interfaces.console import campaign_forms, campaign_previews
from placet.interfaces.console.campaign_figures import reach
from placet.interfaces.console.campaign_office import HERE, CampaignOffice, topic_names
from placet.interfaces.console.campaign_previews import LetterShown, SmsShown
from placet.interfaces.console.office import OFFICER, release_for
from placet.interfaces.console.overview import names_of
from placet.interfaces.web.shell import Visit
from placet.kernel.errors import BadInput
from placet.kernel.ids import ChannelId
from placet.purposes.offers.campaigns import rules
from placet.purposes.offers.campaigns.model import Brief, Campaign, Counted, Texts

Fields = Mapping[str, Any]
"""What a template shows beside the campaign."""
PEOPLE = 1_000
"""How many people a price is for."""
_NO_WORDS, _NO_NOTE = Words("", "", ()), Source("", "")


@attrs.frozen
class Asked:
    """What a page is made for: who looks at which campaign, with the brief as it stands or as a form would make it."""

    ground: CampaignOffice
    connection: Connection
    visit: Visit
    session: StaffSession
    campaign: Campaign
    brief: Brief

    @property
    def language(self) -> str:
        """The language of the text that is written."""
        wanted = self.visit.request.query_params.get("text", self.visit.words.language)
        return wanted if wanted in LANGUAGES else LANGUAGES[0]

    @property
    def catalogue(self) -> Catalogue:
        return self.ground.office.application.catalogue(self.connection)

    @property
    def controller(self) -> Controller:
        return self.catalogue.controller


@attrs.frozen
class Page:
    """One page: its template, what its form makes of a brief, what it shows, and whether its author stays on it."""

    template: str
    changed: Callable[[Asked], Brief]
    shown: Callable[[Asked], Fields]
    stays: bool = False


def _topic(asked: Asked) -> Fields:
    brief = asked.campaign.brief
    return {
        "form": {"name": brief.name, "topic": brief.topic, "kind": brief.kind, **asked.visit.form},
        "topic_names": topic_names(asked.visit.words.language),
        "back": f"{HERE}/{asked.campaign.id}",
    }


# The audience


def _with_audience(asked: Asked) -> Brief:
    return campaign_forms.with_audience(asked.brief, asked.visit.form, list(_attributes(asked)))


def _audience(asked: Asked) -> Fields:
    release = release_for(asked.session)
    counted = _counted(asked)
    return {
        "attributes": list(_attributes(asked).values()),
        "conditions": {condition.attribute: condition for condition in asked.brief.criteria},
        "counts": [reach(each, release) for each in counted or ()],
        "uncounted": counted is None,
        "bases": names_of(asked.catalogue, asked.visit.words.language),
        "is_exact": asked.session.member.has(*OFFICER),
    }


def _attributes(asked: Asked) -> Mapping[str, rules.Attribute]:
    told = asked.ground.campaigns.selecting.told
    return rules.attributes(facts.described(told).values())


def _counted(asked: Asked) -> Sequence[Counted] | None:
    """How many it would reach now; None where a channel may not be asked so."""
    try:
        return asked.ground.campaigns.count(asked.connection, asked.brief, now=asked.visit.now)
    except BadInput:
        return None


# The words of a channel


def _with_letter(asked: Asked) -> Brief:
    return campaign_forms.with_letter(asked.brief, asked.visit.form, asked.language)


def _letter(asked: Asked) -> Fields:
    words = _texts(asked, asked.language).email
    shown, problem = _letter_shown(words, asked.language, asked.controller)
    return {
        "language": asked.language,
        "letter": words or _NO_WORDS,
        "complete": [language for language in LANGUAGES if _is_complete(asked, language)],
        "shown": shown,
        "problem": problem,
    }


def _letter_shown(words: Words | None, language: str, controller: Controller) -> tuple[LetterShown | None, str | None]:
    """The letter, or the code of why there is none yet."""
    if words is None:
        return None, "missing-language"
    try:
        return campaign_previews.letter(words, language, controller), None
    except BadInput as error:
        return None, error.code


def _is_complete(asked: Asked, language: str) -> bool:
    shown, _ = _letter_shown(_texts(asked, language).email, language, asked.controller)
    return shown is not None and all(finding.level != "error" for finding in shown.findings)


def _with_sms(asked: Asked) -> Brief:
    return campaign_forms.with_sms(asked.brief, asked.visit.form)


def _sms(asked: Asked) -> Fields:
    cents = asked.ground.office.application.config.smpp_part_cents
    shown: list[SmsShown] = []
    problems: list[tuple[str, str]] = []
    for language in LANGUAGES:
        if (words := _texts(asked, language).sms) is None:
            problems.append((language, "missing-language"))
            continue
        try:
            shown.append(campaign_previews.short(words, language, folded=asked.brief.fold_sms, cents=cents))
        except BadInput as error:
            problems.append((language, error.code))
    return {
        "texts": {language: _texts(asked, language).sms or "" for language in LANGUAGES},
        "fold": asked.brief.fold_sms,
        "previews": shown,
        "problems": problems,
        "people": PEOPLE,
    }


def _with_notes(channel: str) -> Callable[[Asked], Brief]:
    return lambda asked: campaign_forms.with_notes(asked.brief, asked.visit.form, ChannelId(channel))


def _notes(channel: str) -> Callable[[Asked], Fields]:
    def shown(asked: Asked) -> Fields:
        said = {language: getattr(_texts(asked, language), channel) for language in LANGUAGES}
        found = [(language, _note_problem(note)) for language, note in said.items()]
        return {
            "channel": channel,
            "notes": {language: note or _NO_NOTE for language, note in said.items()},
            "problems": [(language, code) for language, code in found if code is not None],
        }

    return shown


def _note_problem(said: Source | None) -> str | None:
    if said is None:
        return "missing-language"
    try:
        campaign_previews.note(said)
    except BadInput as error:
        return error.code
    return None


def _texts(asked: Asked, language: str) -> Texts:
    return asked.brief.texts.get(language, Texts())


# Time


def _schedule(asked: Asked) -> Fields:
    zone = asked.visit.words.zone
    starts, ends = (campaign_forms.clock_fields(at, zone) for at in (asked.brief.starts_at, asked.brief.ends_at))
    form = {
        "starts_day": starts[0], "starts_time": starts[1], "ends_day": ends[0], "ends_time": ends[1],
        "holdout": str(asked.brief.holdout),
    }  # fmt: skip
    return {"form": {**form, **asked.visit.form}}


PAGES: Mapping[str, Page] = {
    "topic": Page("campaign_topic", lambda asked: campaign_forms.with_topic(asked.brief, asked.visit.form), _topic),
    "audience": Page("campaign_audience", _with_audience, _audience),
    "channels": Page(
        "campaign_channels",
        lambda asked: campaign_forms.with_channels(asked.brief, asked.visit.form),
        lambda _asked: {},
    ),
    "email": Page("campaign_letter", _with_letter, _letter, stays=True),
    "sms": Page("campaign_sms", _with_sms, _sms, stays=True),
    **{
        channel: Page("campaign_notes", _with_notes(channel), _notes(channel), stays=True)
        for channel in sorted(campaign_forms.NOTES)
    },
    "schedule": Page(
        "campaign_schedule",
        lambda asked: campaign_forms.with_schedule(asked.brief, asked.visit.form, asked.visit.words.zone),
        _schedule,
    ),
}
