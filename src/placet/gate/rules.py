"""
May this processing happen? Nothing here reads a clock, a database or a file.

The steps are numbered as in docs/explanation/gate.md, and refuse in that order:

1. the answer is not older than the caller's token;
2. what is asked stands in the catalogue in force;
3. the person is known;
4. and has not been erased;
5. what needs no consent names the legal basis it has instead;
6. every purpose it needs is unrestricted, and given at this instant on a notice whose major version is in force;
7. so is the channel it is sent through;
8. every place that must stop for these purposes answers.
"""

from __future__ import annotations

from datetime import datetime

from placet.gate.model import CONSENT, Facts, Need, No, Person, Question, Reason, Standing, Terms, Token, Verdict, Yes
from placet.kernel.ids import PurposeId

GIVEN = "given"
LEGITIMATE_INTEREST = "legitimate-interest"


def decide(question: Question, facts: Facts) -> Verdict:
    """Answer *question* from *facts*. Every path that does not end in an explicit yes ends in a no."""
    # Step 1.
    if is_stale(question.token, facts.ending):
        return No(Reason.STALE)
    # Step 2.
    if facts.terms is None:
        return No(Reason.UNKNOWN_ACTIVITY)
    # Step 3.
    if facts.person is None:
        return No(Reason.UNKNOWN_SUBJECT)
    # Step 4.
    if facts.person.erased:
        return No(Reason.ERASED)
    # Step 5: empty never means yes.
    if not facts.terms.needs:
        return _other_basis(facts.terms, facts.person)
    return _consented(question, facts, facts.terms)


def is_stale(token: Token | None, ending: Token) -> bool:
    """Whether *ending* cannot honour *token*: a restored database is another epoch, a later position is ahead of us."""
    return token is not None and (token.epoch != ending.epoch or token.position > ending.position)


def channels_asked(question: Question, terms: Terms) -> list[Need]:
    """
    The channels that must be open: those of an activity that sends, else the one the caller names.

    The caller's channel belongs to the activity's own purpose, the part of its id before the dot. An activity that
    sends through a channel that none of its purposes has asks for one that nobody can have opened.
    """
    named = [need for need in terms.needs if need.channel is not None]
    channel = terms.channel or question.channel
    if named or channel is None:
        return named
    return [Need(PurposeId(question.asked.partition(".")[0]), channel)]


def _other_basis(terms: Terms, person: Person) -> Verdict:
    if not terms.basis or terms.basis == CONSENT:
        return No(Reason.UNKNOWN_ACTIVITY)
    # GDPR 18(1)(d): while an objection is weighed. The contract and the law go on (mission G1).
    if person.restricted and terms.basis == LEGITIMATE_INTEREST:
        return No(Reason.RESTRICTED)
    return Yes(terms.basis)


def _consented(question: Question, facts: Facts, terms: Terms) -> Verdict:
    ends: list[datetime] = []
    # Step 6: all of them, in the catalogue's order; the first that does not hold is the reason.
    whole = tuple(Need(need.purpose) for need in terms.needs)
    for need in whole:
        if _restricted(facts, need.purpose):
            return No(Reason.RESTRICTED)
        standing = facts.standings.get((need.purpose, None))
        if (why := _obstacle(standing, facts.majors.get(need.purpose), question.at)) is not None:
            return No(why)
        ends += _end(standing)
    # Step 7.
    parts = channels_asked(question, terms)
    for need in parts:
        if question.channel is not None and need.channel != question.channel:
            return No(Reason.NO_CHANNEL)
        standing = facts.standings.get((need.purpose, need.channel))
        if (why := _obstacle(standing, facts.majors.get(need.purpose), question.at)) is not None:
            return No(_of_channel(why))
        ends += _end(standing)
    # Step 8: last, since a person's own no says more.
    if any(need.purpose in facts.closed for need in whole):
        return No(Reason.STOP_SILENT)
    return Yes(CONSENT, (*whole, *parts), until=min(ends, default=None))


def _restricted(facts: Facts, purpose: PurposeId) -> bool:
    return purpose in facts.restricted or (facts.person is not None and facts.person.restricted)


def _obstacle(standing: Standing | None, major: int | None, at: datetime) -> Reason | None:
    """Why *standing* is not a yes at *at*, or None. Periods are half-open: at the very end it has ended."""
    if standing is None:
        return Reason.NO_DECISION
    if standing.decision != GIVEN:
        return Reason(standing.decision)
    if standing.expires_at is not None and standing.expires_at <= at:
        return Reason.EXPIRED
    if major is None or standing.notice_major != major:
        return Reason.INVALIDATED
    return None


def _end(standing: Standing | None) -> list[datetime]:
    return [] if standing is None or standing.expires_at is None else [standing.expires_at]


def _of_channel(why: Reason) -> Reason:
    return Reason.NO_CHANNEL if why is Reason.NO_DECISION else Reason(f"channel-{why}")
