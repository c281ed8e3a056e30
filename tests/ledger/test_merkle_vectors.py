"""
Published vectors, verbatim: transparency-dev/merkle (Apache-2.0) and rgdd/CCTV (BSD-2-Clause).

They lie beside the repository, in ../shared/specs/rfc6962; without them these tests skip and say so.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from placet.ledger import merkle
from placet.ledger.entries import leaf_hash
from placet.ledger.merkle import BadProof

FOLDER = Path(__file__).parents[3] / "shared" / "specs" / "rfc6962"
needs_vectors = pytest.mark.skipif(
    not FOLDER.exists(), reason="the published vectors (../shared/specs/rfc6962) are not here"
)


def transparency_dev(kind: str) -> Iterator[Any]:
    for file in sorted((FOLDER / "transparency-dev" / kind).rglob("*.json")):
        yield pytest.param(json.loads(file.read_text()), id=f"{file.parent.name}/{file.stem}")


def cctv(name: str) -> list[dict[str, Any]]:
    file = FOLDER / "cctv" / "testdata" / f"{name}.json"
    return json.loads(file.read_text()) if file.exists() else []


def decode(value: str | None) -> bytes:
    return base64.b64decode(value or "")


def path(values: list[str] | None) -> list[bytes]:
    return [decode(value) for value in values or []]


def includes(case: dict[str, Any]) -> bool:
    try:
        merkle.verify_inclusion(
            decode(case.get("leafHash")),
            case.get("leafIdx", 0),
            case.get("treeSize", 0),
            path(case.get("proof")),
            decode(case.get("root")),
        )
    except BadProof:
        return False
    return True


def is_consistent(old: int, new: int, proof: list[bytes], old_root: bytes, new_root: bytes) -> bool:
    try:
        merkle.verify_consistency(old, new, proof, old_root, new_root)
    except BadProof:
        return False
    return True


@needs_vectors
def test_vector_folders_hold_all_cases() -> None:
    assert (len(list(transparency_dev("inclusion"))), len(list(transparency_dev("consistency")))) == (98, 98)


@needs_vectors
@pytest.mark.parametrize("case", transparency_dev("inclusion"))
def test_inclusion_agrees_with_transparency_dev(case: dict[str, Any]) -> None:
    assert includes(case) is not case.get("wantErr", False)


@needs_vectors
@pytest.mark.parametrize("case", transparency_dev("consistency"))
def test_consistency_agrees_with_transparency_dev(case: dict[str, Any]) -> None:
    verdict = is_consistent(
        case.get("size1", 0),
        case.get("size2", 0),
        path(case.get("proof")),
        decode(case.get("root1")),
        decode(case.get("root2")),
    )
    assert verdict is not case.get("wantErr", False)


@needs_vectors
def test_tree_heads_agree_with_cctv() -> None:
    leaves: list[bytes] = []
    for case in cctv("merkle_tree"):
        leaves.append(leaf_hash(case["leaf_data"].encode()))
        assert (leaves[-1], merkle.root(leaves)) == (decode(case["leaf_hash"]), decode(case["root_hash"]))


@needs_vectors
@pytest.mark.parametrize(("name", "valid"), [("inclusion-valid", True), ("inclusion-invalid", False)])
def test_inclusion_agrees_with_cctv(name: str, valid: bool) -> None:
    for case in cctv(name):
        renamed = {
            "leafHash": case["leaf_hash"],
            "leafIdx": case["leaf_index"],
            "treeSize": case["tree_size"],
            "proof": case["inclusion_path"],
            "root": case["root_hash"],
        }
        assert includes(renamed) is valid, case


@needs_vectors
@pytest.mark.parametrize(("name", "valid"), [("consistency-valid", True), ("consistency-invalid", False)])
def test_consistency_agrees_with_cctv_except_from_empty(name: str, valid: bool) -> None:
    for case in cctv(name):
        verdict = is_consistent(
            case["old_size"],
            case["new_size"],
            path(case["consistency_path"]),
            decode(case["old_root"]),
            decode(case["new_root"]),
        )
        # docs/decisions/0002: an empty tree is consistent with everything and so proves nothing.
        assert verdict is (valid and case["old_size"] > 0), case
