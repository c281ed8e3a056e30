"""What the attacks and the ways to release are called in the report, and what each of them is."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from placet.purposes.mobility.attacks.model import Against


@attrs.frozen
class Words:
    """A heading, the question that an attacker asks, and what the figure is."""

    title: str
    question: str
    figure: str


@attrs.frozen
class Way:
    """What a way to release is called beside a plot, and what it does."""

    name: str
    what: str


_AUC = (
    "Area under the curve: 50 % is guessing, 100 % is knowing. It is the chance that somebody who was counted looks "
    "more like it than somebody who was not."
)

ATTACKS: Mapping[str, Words] = {
    "membership": Words(
        "Was this person among those who were counted?",
        "The attacker knows where the person was all week, and how everybody else moves on the whole; groups are "
        "released with and without the person.",
        _AUC,
    ),
    "membership without knowledge": Words(
        "The same, by somebody who knows only an earlier release",
        "What is usual is taken from a release about other people, how places go together from a guess.",
        _AUC,
    ),
    "canary": Words(
        "The worst case",
        "The attacker knows everything of everybody else, and the person moves each value as far as its bound lets "
        "them: nothing that knows less gets further. The curve of theory is what the budget promises.",
        _AUC,
    ),
    "one resident": Words(
        "Does anybody live there?",
        "A zone in which nobody lives, or one person who is always there.",
        _AUC,
    ),
    "withdrawal": Words(
        "Who has just withdrawn, and where do they live?",
        "One release before and one after a single consent ends; all others stay. The attacker looks where most is "
        "missing at night.",
        "How often the zone of the person's home is found.",
    ),
    "two areas": Words(
        "Two areas that differ in one small zone",
        "Each is large enough to be answered; their difference is not.",
        "How often the count of the small zone is told exactly.",
    ),
    "recovery": Words(
        "Everybody's ways, from nothing but counts",
        "Each hour's counts are given out to the ways of the hour before, at the least cost. What exact counts of "
        "other people recover is knowing habits, not anybody: the bound.",
        "The share of hours that are right of a recovered way and the person whom it fits best.",
    ),
    "repetition": Words(
        "The same question a thousand times",
        "Noise that is drawn for each answer goes away in the mean.",
        "The share of counts that are told exactly.",
    ),
    "ten thousand events": Words(
        "A person with ten thousand events in a day",
        "Counted by the engine of the releases, once without and once with the person.",
        "How many times its bound the person moves what is counted.",
    ),
    "exhaustion": Words(
        "Many demand the same budget at the same moment",
        "The cap pays for five releases; more are demanded at once.",
        "How much is paid, in caps.",
    ),
}

WAYS: Mapping[Against, Way] = {
    Against.EXACT: Way("Counts as they are", "Each hour and zone, exactly."),
    Against.FIVE: Way("Hidden below 5", "Counts of fewer than 5 are not published."),
    Against.FIFTEEN: Way("Hidden below 15", "Counts of fewer than 15 are not published."),
    Against.MULTIPLIED: Way(
        "Hidden after multiplication",
        "Counts are multiplied by 5.13, up to the population, and hidden below 5 only then: one person is published.",
    ),
    Against.EVENTS: Way("Noise for one event", "Laplace noise with ε = 1 an hour and zone: nobody has only one event."),
    Against.ANEW: Way("Noise drawn anew", "Each answer has noise of its own."),
    Against.UNLOCKED: Way("Look, then pay", "The budget is looked at first and paid from afterwards."),
    Against.PLACET: Way("Placet, a month", "What `placet mobility release` makes of a month."),
    Against.PLACET_YEAR: Way("Placet, twelve months", "Twelve releases with the same person in all of them."),
    Against.PLACET_FAMILY: Way("Placet, a family of four", "Four who are always together, in one month's release."),
    Against.PLACET_DAILY: Way("Placet, one day", "One day hour by hour, under a budget of its own."),
}
