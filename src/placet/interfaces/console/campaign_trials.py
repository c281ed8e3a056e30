"""Trials of a campaign: where they may go, and sending one, filled with a name that is nobody's."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from placet.bootstrap import Application
from placet.catalogue.model import Controller
from placet.delivery.model import Deferred, Delivered, Failed, Outcome, Sent, Unknown
from placet.interfaces.console import campaign_previews
from placet.interfaces.console.campaign_previews import SOMEBODY
from placet.kernel.errors import BadInput
from placet.purposes.offers.campaigns.model import Campaign, Texts

SENT = "sent"
"""What a page is told of a trial that was taken; else why it was not."""


def choices(application: Application, campaign: Campaign) -> list[tuple[str, str]]:
    """Where a trial of *campaign* may go: the value of a form and what it says, for the channels that it uses."""
    return [
        (f"{channel}:{address}", address)
        for channel in campaign.brief.channels
        for address in application.trials.addresses.get(channel, ())
    ]


def send(
    application: Application, campaign: Campaign, controller: Controller, form: Mapping[str, str], now: datetime
) -> str:
    """Send what *form* asks for; `BadInput` if there is no such text or address, `Unavailable` without the channel."""
    channel, _, to = form.get("to", "").partition(":")
    language = form.get("language", "")
    said = campaign.brief.texts.get(language, Texts())
    if channel == "email" and said.email is not None:
        made = campaign_previews.compiled(said.email, language, controller)
        return _told(application.trials.letter(made, to, values=SOMEBODY[language], now=now))
    if channel == "sms" and said.sms is not None:
        text = campaign_previews.text(said.sms, folded=campaign.brief.fold_sms)
        return _told(application.trials.text(text, to, language=language, values=SOMEBODY[language], now=now))
    raise BadInput("there is no text for it in this language yet; nothing was sent", code="missing-language")


def _told(outcome: Outcome) -> str:
    match outcome:
        case Sent() | Delivered():
            return SENT
        case Failed(why=why) | Deferred(why=why) | Unknown(why=why):
            return why
