"""From a posted form to wishes: words only. Whether a wish is recorded is for `consents` to say."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from placet.catalogue.model import Purpose
from placet.consents.model import CLOSING, Decision, Wish
from placet.interfaces.portal.whom import Whom
from placet.interfaces.web.forms import shown_digest
from placet.kernel.errors import BadInput
from placet.kernel.ids import ChannelId, PurposeId

ANSWERS = frozenset({"given", "refused", "withdrawn", "channels"})
StateOf = Callable[[PurposeId, ChannelId | None], str]
"""Where the customer stands now on a purpose or one of its channels."""


def wishes(form: Mapping[str, str], *, whom: Whom, purpose: Purpose, state_of: StateOf) -> list[Wish]:
    """What the customer said with *form*, the purpose before its channels; raises `BadInput` for words not ours."""
    answer = form.get("answer", "")
    if answer not in ANSWERS:
        raise BadInput("the answer is none of those on the page; nothing was recorded", code="bad-form")
    shown = shown_digest(form.get("shown", ""))

    def wish(decision: str, channel: ChannelId | None = None) -> Wish:
        return Wish(
            subject=whom.subject,
            purpose=purpose.id,
            channel=channel,
            decision=decision,
            route="portal",
            actor=whom.actor,
            mandate=None if whom.mandate is None else whom.mandate.id,
            shown=shown,
        )

    said = [] if answer == "channels" else [wish(answer)]
    if answer in {"given", "channels"}:
        said += [wish(decision, channel) for channel, decision in _channels(form, purpose, state_of)]
    return said


def _channels(form: Mapping[str, str], purpose: Purpose, state_of: StateOf) -> Iterator[tuple[ChannelId, str]]:
    """The channels whose answer is new: a no takes back what was given, and refuses what never was."""
    for channel in purpose.channels:
        answer = form.get(f"channel.{channel}")
        state = state_of(purpose.id, channel)
        if answer == "yes" and state != Decision.GIVEN:
            yield channel, Decision.GIVEN
        elif answer == "no" and state == Decision.GIVEN:
            yield channel, Decision.WITHDRAWN
        elif answer == "no" and state not in CLOSING:
            yield channel, Decision.REFUSED
        elif answer not in {None, "yes", "no"}:
            raise BadInput("a channel takes yes or no; nothing was recorded", code="bad-form")
