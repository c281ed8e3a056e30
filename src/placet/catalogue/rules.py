"""
What changed between two catalogues, and does it ask people again? Pure.

A change is **major** when people agreed to something else: purpose, data, recipients, retention, automation, how long
the consent holds, or who the controller is (EDPB Guidelines 05/2020 §110: a new purpose needs a new consent).
Earlier consents then lapse. Any other visible change is **minor**: the same agreement in other words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

import attrs

from placet.catalogue.model import ROUTES, Catalogue, Purpose, Version
from placet.catalogue.render import parse, render
from placet.kernel import jcs
from placet.kernel.ids import PurposeId

Weight = Literal["major", "minor"]


@attrs.frozen
class Change:
    """What is different for one purpose. `version` is the new one; None when the purpose is gone."""

    purpose: PurposeId
    weight: Weight
    what: tuple[str, ...]
    old: Version | None
    new: Version | None


def classify(old: Catalogue, new: Catalogue) -> list[Change]:
    """Every purpose whose agreement or words differ, in the order of *new*, then those that are gone."""
    changes = [change for purpose in new.purposes.values() if (change := _change(old, new, purpose)) is not None]
    gone = [purpose for id, purpose in old.purposes.items() if id not in new.purposes]
    return [*changes, *(Change(purpose.id, "major", ("gone",), purpose.version, None) for purpose in gone)]


def needed_version(change: Change) -> Version | None:
    """The lowest version that the changed purpose may declare; None when it is new or gone."""
    if change.old is None or change.new is None:
        return None
    if change.weight == "major":
        return Version(change.old.major + 1, 0)
    return Version(change.old.major, change.old.minor + 1)


def lapsed(changes: list[Change]) -> tuple[tuple[PurposeId, int], ...]:
    """Each purpose whose earlier consents lapse, with the major version below which they do."""
    found = []
    for change in changes:
        if change.old is None:
            continue
        if change.new is None:
            found.append((change.purpose, change.old.major + 1))
        elif change.new.major > change.old.major:
            found.append((change.purpose, change.new.major))
    return tuple(found)


def _change(old: Catalogue, new: Catalogue, purpose: Purpose) -> Change | None:
    before = old.purposes.get(purpose.id)
    if before is None:
        return Change(purpose.id, "major", ("new",), None, purpose.version)
    if material := tuple(_material(old, before, new, purpose)):
        return Change(purpose.id, "major", material, before.version, purpose.version)
    if worded := tuple(_worded(old, before, new, purpose)):
        return Change(purpose.id, "minor", worded, before.version, purpose.version)
    if before.version != purpose.version:
        return Change(purpose.id, "minor", ("version",), before.version, purpose.version)
    return None


def _material(old: Catalogue, before: Purpose, new: Catalogue, after: Purpose) -> Iterator[str]:
    if _identity(old) != _identity(new):
        yield "controller"
    if set(before.dpv) != set(after.dpv):
        yield "purpose"
    if _meaning(old, before) != _meaning(new, after):
        yield "data"
    if set(before.recipients) != set(after.recipients):
        yield "recipients"
    if before.retention != after.retention:
        yield "retention"
    if before.valid_for != after.valid_for:
        yield "duration"
    if before.automated != after.automated:
        yield "automation"


def _identity(catalogue: Catalogue) -> tuple[str, str]:
    return catalogue.controller.name, catalogue.controller.registration


def _meaning(catalogue: Catalogue, purpose: Purpose) -> set[tuple[str, str]]:
    """The data of *purpose* with what each category means, so that an id cannot come to mean something else."""
    return {(id, catalogue.data[id].dpv) for id in purpose.data if id in catalogue.data}


def _worded(old: Catalogue, before: Purpose, new: Catalogue, after: Purpose) -> Iterator[str]:
    if before.channels != after.channels:
        yield "channels"
    if before.line_tied != after.line_tied:
        yield "line"
    languages = (*new.languages, *(language for language in old.languages if language not in new.languages))
    for language in languages:
        if _words(old, before, language) != _words(new, after, language):
            yield f"words:{language}"


def _words(catalogue: Catalogue, purpose: Purpose, language: str) -> Mapping[str, bytes] | None:
    """What is shown on every route, but for the version itself; None where the language is not there."""
    if language not in purpose.notices or language not in catalogue.languages:
        return None
    rendered = {route: render(catalogue, purpose=purpose.id, language=language, route=route) for route in ROUTES}
    return {route: jcs.canonical({**parse(text.document), "version": ""}) for route, text in rendered.items()}
