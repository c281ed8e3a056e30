"""
What is wrong with a catalogue. Pure; an error keeps it from being published, a warning is for its author.

1. everything named exists, in every language that the catalogue promises;
2. an activity without needs names another legal basis, one with needs rests on consent (GDPR 6(1));
3. an activity reads no more than the notices of its purposes list;
4. every text renders on every route, and both answers are alike, none selected (GDPR 4(11), recital 32);
5. texts are readable, and an SMS stays short;
6. beside the published catalogue: changed words or terms carry a new version.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from typing import Literal

import attrs

from placet.catalogue.model import ROUTES, Activity, Catalogue, Purpose, Version
from placet.catalogue.readability import LIX_LIMIT, SENTENCE_LIMIT, Readability, measure, sms_parts
from placet.catalogue.render import Form, Option, Rendered, render
from placet.catalogue.rules import classify, needed_version
from placet.kernel.errors import BadInput
from placet.kernel.ids import PurposeId

SMS_PARTS_LIMIT = 4
_LABEL_RATIO = 2.5
"""How much longer one answer may be than the other before it draws the eye."""


@attrs.frozen
class Finding:
    """One remark; `where` is the file and the key."""

    level: Literal["error", "warning"]
    code: str
    where: str
    message: str


def lint(
    catalogue: Catalogue, *, published: Catalogue | None = None, last_majors: Mapping[PurposeId, int] | None = None
) -> list[Finding]:
    """
    Every finding, errors first.

    *published* is the catalogue in force, *last_majors* the highest major version each purpose ever had.
    """
    findings = [*_names(catalogue), *_languages(catalogue), *_bases(catalogue), *_data_of_activities(catalogue)]
    if not any(finding.level == "error" for finding in findings):
        findings += _texts(catalogue)
    if published is not None and not any(finding.level == "error" for finding in findings):
        findings += _versions(catalogue, published, last_majors or {})
    return sorted(findings, key=lambda finding: finding.level != "error")


def readability(catalogue: Catalogue) -> dict[str, Readability]:
    """The figures of all notices of a language together, as the portal shows them."""
    return {
        language: measure(
            "\n".join(
                render(catalogue, purpose=id, language=language, route="portal").text for id in catalogue.purposes
            ),
            language,
        )
        for language in catalogue.languages
    }


def _error(code: str, where: str, message: str) -> Finding:
    return Finding("error", code, where, message)


def _warning(code: str, where: str, message: str) -> Finding:
    return Finding("warning", code, where, message)


def _names(catalogue: Catalogue) -> Iterator[Finding]:
    for purpose in catalogue.purposes.values():
        where = f"purposes/{purpose.id}.yaml"
        yield from _unknown("channel", purpose.channels, catalogue.channels, where)
        yield from _unknown("data", purpose.data, catalogue.data, where)
        yield from _unknown("recipient", purpose.recipients, catalogue.recipients, where)
    for activity in catalogue.activities.values():
        where = f"activities.yaml: {activity.id}"
        yield from _unknown("purpose", activity.needs, catalogue.purposes, where)
        yield from _unknown("data", activity.data, catalogue.data, where)
        yield from _unknown("recipient", activity.recipients, catalogue.recipients, where)
        if activity.channel is not None:
            yield from _unknown("channel", (activity.channel,), catalogue.channels, where)
    for route in catalogue.variables:
        for name in set(catalogue.variables[route]) & _RESERVED:
            yield _error("reserved-variable", f"catalogue.yaml: variables.{route}.{name}", _TAKEN)


_TAKEN = "this name is taken by the notice itself"
_RESERVED = frozenset(
    ("title", "summary", "opens", "data", "recipients", "retention", "refused", "controller", "question")
)


def _unknown(kind: str, named: tuple[str, ...], known: Container[str], where: str) -> Iterator[Finding]:
    for id in named:
        if id not in known:
            yield _error(f"unknown-{kind}", where, f"there is no {kind} {id!r}")
    for id in sorted({id for id in named if named.count(id) > 1}):
        yield _error(f"repeated-{kind}", where, f"{kind} {id!r} is named twice")


def _languages(catalogue: Catalogue) -> Iterator[Finding]:
    controller = catalogue.controller
    texts: dict[str, Mapping[str, object]] = {
        "catalogue.yaml: controller.address": controller.address,
        "catalogue.yaml: controller.privacy_policy": controller.privacy_policy,
        "catalogue.yaml: controller.authority": controller.authority,
        "wording.yaml": catalogue.wording,
    }
    texts |= {f"catalogue.yaml: channels.{id}": channel.titles for id, channel in catalogue.channels.items()}
    texts |= {f"catalogue.yaml: data.{id}": data.titles for id, data in catalogue.data.items()}
    texts |= {f"catalogue.yaml: recipients.{id}": value.titles for id, value in catalogue.recipients.items()}
    texts |= {f"purposes/{id}.yaml: notices": purpose.notices for id, purpose in catalogue.purposes.items()}
    texts |= {f"activities.yaml: {id}": activity.titles for id, activity in catalogue.activities.items()}
    processing = catalogue.processing
    stated = {"subjects": processing.subjects, "transfers": processing.transfers, "security": processing.security}
    texts |= {f"catalogue.yaml: processing.{name}": text for name, text in stated.items() if text}
    for where, by_language in texts.items():
        for language in catalogue.languages:
            if language not in by_language:
                yield _error("missing-language", where, f"there is no text in {language!r}")
        for language in sorted(set(by_language) - set(catalogue.languages)):
            yield _error("undeclared-language", where, f"catalogue.yaml does not list the language {language!r}")


def _bases(catalogue: Catalogue) -> Iterator[Finding]:
    for activity in catalogue.activities.values():
        where = f"activities.yaml: {activity.id}"
        if not activity.needs and activity.legal_basis in {None, "consent"}:
            yield _error("no-basis", where, _NO_BASIS)
        if activity.needs and activity.legal_basis != "consent":
            yield _error("two-bases", where, _TWO_BASES)
        if not activity.needs and activity.law is None:
            yield _error("no-law", where, "it needs no consent, so name the law it rests on")
    used = {need for activity in catalogue.activities.values() for need in activity.needs}
    for id in catalogue.purposes:
        if id not in used:
            yield _error(
                "idle-purpose", f"purposes/{id}.yaml", "no activity needs this consent, so nothing is to be asked"
            )


_NO_BASIS = "it needs no consent, so name its legal_basis: contract, legal-obligation or legitimate-interest"
_TWO_BASES = "it needs a consent, so its legal_basis is consent: do not ask for what you may do anyway"


def _data_of_activities(catalogue: Catalogue) -> Iterator[Finding]:
    for activity in catalogue.activities.values():
        if not activity.needs or not set(activity.needs) <= set(catalogue.purposes):
            continue
        where = f"activities.yaml: {activity.id}"
        purposes = [catalogue.purposes[need] for need in activity.needs]
        listed = {id for purpose in purposes for id in purpose.data}
        for id in sorted(set(activity.data) - listed):
            yield _error("unlisted-data", where, f"it reads {id!r}, which the notices of its purposes do not list")
        if activity.channel in catalogue.channels:
            yield from _channel_of(activity, purposes, where)


def _channel_of(activity: Activity, purposes: list[Purpose], where: str) -> Iterator[Finding]:
    if activity.channel is not None and not any(activity.channel in purpose.channels for purpose in purposes):
        yield _error("unasked-channel", where, f"none of its purposes asks for the channel {activity.channel!r}")


def _texts(catalogue: Catalogue) -> Iterator[Finding]:
    for id in catalogue.purposes:
        for language in catalogue.languages:
            where = f"purposes/{id}.yaml: notices.{language}"
            try:
                rendered = [render(catalogue, purpose=id, language=language, route=route) for route in ROUTES]
            except BadInput as error:
                yield _error(error.code, f"{where}, or wording.yaml: {language}", error.message)
                continue
            for text in rendered:
                yield from _equal_answers(text, where)
            yield from _hard_to_read({text.route: text for text in rendered}, where)


def _equal_answers(text: Rendered, where: str) -> Iterator[Finding]:
    for options in _questions(text.form):
        if [(option.value, option.selected) for option in options] != [("given", False), ("refused", False)]:
            yield _error(
                "unequal-answers", where, f"{text.route}: both answers stand there, in one order, none selected"
            )
        lengths = sorted(len(option.label) for option in options)
        if options and lengths[-1] > _LABEL_RATIO * lengths[0]:
            yield _error("unequal-answers", where, f"{text.route}: one answer is much longer than the other")
        if len({option.label.casefold() for option in options}) != len(options):
            yield _error("unequal-answers", where, f"{text.route}: both answers read the same")


def _questions(form: Form) -> Iterator[tuple[Option, ...]]:
    yield form.options
    # A channel without options is answered together with its purpose.
    yield from (channel.options for channel in form.channels if channel.options)


def _hard_to_read(texts: Mapping[str, Rendered], where: str) -> Iterator[Finding]:
    figures = measure(texts["portal"].text, texts["portal"].language)
    if figures.lix > LIX_LIMIT:
        yield _warning("hard-to-read", where, f"LIX {figures.lix}, above {LIX_LIMIT}: use shorter words and sentences")
    if figures.longest_sentence > SENTENCE_LIMIT:
        yield _warning("long-sentence", where, f"one has {figures.longest_sentence} words, more than {SENTENCE_LIMIT}")
    if (parts := sms_parts(texts["sms"].text)) > SMS_PARTS_LIMIT:
        yield _error("long-sms", where, f"the SMS takes {parts} parts, more than {SMS_PARTS_LIMIT}")


def _versions(catalogue: Catalogue, published: Catalogue, last_majors: Mapping[PurposeId, int]) -> Iterator[Finding]:
    if catalogue.id != published.id:
        message = f"{published.id!r} is published here; it cannot become {catalogue.id!r}"
        yield _error("other-catalogue", "catalogue.yaml: id", message)
        return
    for change in classify(published, catalogue):
        where = f"purposes/{change.purpose}.yaml: version"
        if (needed := needed_version(change)) is not None and change.new is not None and change.new < needed:
            what = f"{', '.join(change.what)} changed ({change.weight})"
            yield _error("same-version", where, f"{what}: write {needed} or higher, not {change.new}")
        last = last_majors.get(change.purpose, 0)
        if change.old is None and change.new is not None and change.new.major <= last:
            yield _error("same-version", where, f"it was published before: write {Version(last + 1, 0)} or higher")
    if catalogue.digest != published.digest and catalogue.version <= published.version:
        needed = Version(published.version.major, published.version.minor + 1)
        yield _error("same-version", "catalogue.yaml: version", f"something changed: write {needed} or higher")
