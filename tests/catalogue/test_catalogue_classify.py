from __future__ import annotations

from typing import Any

import attrs
import pytest
from catalogue_tables import Edit, table

from placet.catalogue.files import load
from placet.catalogue.lint import lint
from placet.catalogue.model import Catalogue, Version
from placet.catalogue.rules import Change, classify, lapsed, needed_version
from placet.kernel.ids import PurposeId

CASES = table("classify.yaml")


def change_of(case: dict[str, Any], old: Catalogue, edit: Edit) -> Change | None:
    changes = {change.purpose: change for change in classify(old, load(edit(case["edits"])))}
    return changes.get(PurposeId(case["purpose"]))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
def test_a_change_weighs_what_the_table_says(case: dict[str, Any], acme: Catalogue, edit: Edit) -> None:
    change = change_of(case, acme, edit)
    if case["weight"] == "none":
        assert change is None
        return
    assert change is not None
    assert (change.weight, list(change.what), str(needed_version(change))) == (
        case["weight"],
        case["what"],
        case["version"],
    )


@pytest.mark.parametrize("case", [case for case in CASES if case["weight"] != "none"], ids=lambda case: case["case"])
def test_a_change_without_the_version_it_needs_is_an_error(case: dict[str, Any], acme: Catalogue, edit: Edit) -> None:
    new = load(edit(case["edits"]))
    where = f"purposes/{case['purpose']}.yaml: version"
    assert ("same-version", where) in {(finding.code, finding.where) for finding in lint(new, published=acme)}


def test_a_minor_step_is_too_small_for_a_major_change(acme: Catalogue, edit: Edit) -> None:
    folder = edit(
        [
            {"file": "purposes/advice.yaml", "find": "automated: false", "put": "automated: true"},
            {"file": "purposes/advice.yaml", "find": 'version: "1.0"', "put": 'version: "1.9"'},
            {"file": "catalogue.yaml", "find": 'version: "1.0"', "put": 'version: "1.1"'},
        ]
    )
    (finding,) = lint(load(folder), published=acme)
    assert finding.message == "automation changed (major): write 2.0 or higher, not 1.9"


def test_a_declared_major_counts_even_if_only_words_changed(acme: Catalogue, edit: Edit) -> None:
    folder = edit(
        [
            {"file": "purposes/news.yaml", "find": "Hear of new services first.", "put": "Hear of more."},
            {"file": "purposes/news.yaml", "find": 'version: "1.0"', "put": 'version: "3.0"'},
            {"file": "catalogue.yaml", "find": 'version: "1.0"', "put": 'version: "1.1"'},
        ]
    )
    new = load(folder)
    assert lint(new, published=acme) == []
    assert lapsed(classify(acme, new)) == (("news", 3),)


def test_a_version_never_goes_down(acme: Catalogue, edit: Edit) -> None:
    newer = load(edit([{"file": "purposes/news.yaml", "find": 'version: "1.0"', "put": 'version: "2.0"'}]))
    codes = {(finding.code, finding.where) for finding in lint(acme, published=newer)}
    assert codes == {("same-version", "purposes/news.yaml: version"), ("same-version", "catalogue.yaml: version")}


def test_a_new_purpose_makes_nothing_lapse_and_a_gone_one_everything(acme: Catalogue) -> None:
    without = attrs.evolve(acme, purposes={id: acme.purposes[id] for id in acme.purposes if id != "news"})
    added = classify(without, acme)
    gone = classify(acme, without)
    assert added == [Change(PurposeId("news"), "major", ("new",), None, Version(1, 0))]
    assert lapsed(added) == ()
    assert gone == [Change(PurposeId("news"), "major", ("gone",), Version(1, 0), None)]
    assert lapsed(gone) == (("news", 2),)


def test_a_purpose_that_comes_back_needs_a_higher_major(acme: Catalogue) -> None:
    without = attrs.evolve(acme, purposes={id: acme.purposes[id] for id in acme.purposes if id != "news"})
    (finding,) = [
        finding
        for finding in lint(acme, published=without, last_majors={PurposeId("news"): 4})
        if finding.where == "purposes/news.yaml: version"
    ]
    assert finding.message == "it was published before: write 5.0 or higher"


def test_another_operators_catalogue_does_not_replace_this_one(acme: Catalogue, amigo: Catalogue) -> None:
    assert [finding.code for finding in lint(acme, published=amigo)] == ["other-catalogue"]


def test_a_catalogue_differs_from_itself_in_nothing(amigo: Catalogue) -> None:
    assert classify(amigo, amigo) == []
