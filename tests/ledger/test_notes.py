"""Signed notes, against the examples that C2SP publishes."""

from __future__ import annotations

from datetime import UTC, datetime

import attrs
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import example, given
from hypothesis import strategies as st

from placet.kernel.errors import BadInput, Tampered
from placet.ledger import tiles
from placet.ledger.notes import (
    COSIGNATURE,
    NOTE,
    Note,
    Signer,
    TreeHead,
    VerifierKey,
    cosigned_message,
    sign_checkpoint,
)
from placet.ledger.proof import TextProof
from placet.ledger.tiles import TilePath
from placet.ledger.witness import Request

SIGNER = Signer("log.example/1a2b3c4d", Ed25519PrivateKey.from_private_bytes(bytes(32)))
HEAD = TreeHead("log.example/1a2b3c4d", 20_852_163, bytes(range(32)))
NOW = datetime(2023, 3, 20, 12, 25, 47, tzinfo=UTC)
ROOT = "A" * 43 + "="
NOTE_TEXT = sign_checkpoint(HEAD, SIGNER, NOW)

# From the text of C2SP tlog-cosignature (its keys are not published).
PUBLISHED = """example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==
"""  # noqa: E501 - verbatim


def test_published_checkpoint_is_read_and_written_back() -> None:
    note = Note.parse(PUBLISHED)
    assert str(note) == PUBLISHED
    assert TreeHead.parse(note.text).size == 20_852_163
    assert TreeHead.parse(note.text).text == note.text
    assert [signature.name for signature in note.signatures] == [
        "example.com/behind-the-sofa",
        "witness.example.com/w1",
    ]
    # The published line carries the time of the published message, 1679315147.
    assert int.from_bytes(note.signatures[1].data[:8], "big") == 1_679_315_147
    assert cosigned_message(note.text, 1_679_315_147).startswith(b"cosignature/v1\ntime 1679315147\nexample.com/")


def test_verifier_key_is_written_as_published() -> None:
    """The key of the Go checksum database, as every Go installation carries it."""
    text = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
    key = VerifierKey.parse(text)
    assert (key.name, key.type, str(key)) == ("sum.golang.org", NOTE, text)


def test_checkpoint_is_signed_with_and_without_its_time() -> None:
    keys = [SIGNER.verifier(NOTE), SIGNER.verifier(COSIGNATURE)]
    assert Note.parse(NOTE_TEXT).verified_by(keys) == {keys[0]: None, keys[1]: NOW}


def test_signature_of_an_unknown_key_is_ignored() -> None:
    other = Signer("log.example/1a2b3c4d", Ed25519PrivateKey.from_private_bytes(bytes([1]) * 32))
    assert Note.parse(NOTE_TEXT).verified_by([other.verifier(NOTE)]) == {}


@pytest.mark.parametrize("what", ["text", "time", "signature"])
def test_changed_note_is_refused(what: str) -> None:
    note = Note.parse(NOTE_TEXT)
    if what == "text":
        note = attrs.evolve(note, text=note.text.replace("20852163", "20852164"))
    else:
        line = note.signatures[1]
        data = line.data[:7] + b"\xff" + line.data[8:] if what == "time" else line.data[:-1] + b"\xff"
        note = attrs.evolve(note, signatures=(attrs.evolve(line, data=data),))
    with pytest.raises(Tampered):
        note.verified_by([SIGNER.verifier(NOTE), SIGNER.verifier(COSIGNATURE)])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no signatures\n",
        "text\n\nnot a signature\n",
        "text\n\n— name\n",
        "text\n\n— na+me AAAAAAAA\n",
        "text\n\n— name AAAAAAA\n",
        "te\x00xt\n\n— name AAAAAAAA\n",
        "text\n\n— name AAAAAAAA",
        "text\n\n" + "— name AAAAAAAA\n" * 65,
    ],
)
def test_malformed_note_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        Note.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "a\n1\n",
        "\n1\nAA==\n",
        "a\n01\n" + "A" * 43 + "=\n",
        "a\n1\nAA==\n",
        "a\n-1\n" + "A" * 43 + "=\n",
        HEAD.text + "x\n",
    ],
)
def test_malformed_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        TreeHead.parse(text)


@pytest.mark.parametrize("change", [("+", "-"), ("log", "lag"), ("AT", "BT")])
def test_malformed_verifier_key_is_refused(change: tuple[str, str]) -> None:
    with pytest.raises(BadInput):
        VerifierKey.parse(str(SIGNER.verifier(NOTE)).replace(*change))


WORDS = [
    "old ",
    "index ",
    "extra ",
    "9" * 5_000,
    "c2sp.org/tlog-proof@v1",
    "\n",
    "\n\n",
    "x001/",
    "000",
    "— ",
    "+",
    "AA==",
]


@given(st.one_of(st.text(max_size=60), st.lists(st.one_of(st.sampled_from(WORDS), st.text(max_size=5))).map("".join)))
@example("c2sp.org/tlog-proof@v1\nindex " + "9" * 5_000 + "\n\n")
@example("0/" + "x001/" * 2_000 + "000")
@example("old " + "9" * 5_000 + "\n\n")
def test_any_text_is_read_or_refused(text: str) -> None:
    for read in (Note.parse, TreeHead.parse, VerifierKey.parse, tiles.parse_path, TextProof.parse, Request.parse):
        try:
            read(text)
        except BadInput:
            continue


@given(st.one_of(st.none(), st.integers(0, 63)), st.integers(0, 10**12), st.integers(1, 256))
def test_tile_path_is_read_as_it_was_written(level: int | None, n: int, width: int) -> None:
    path = TilePath(level, n, width)
    assert tiles.parse_path(tiles.format_path(path)) == path


@pytest.mark.parametrize(
    "text",
    [
        "0/0",
        "0/x000/001",
        "00/001",
        "64/000",
        "0/001.p/0",
        "0/001.p/256",
        "0/001.p/01",
        "0/1000",
        "-1/000",
        "0/000/",
        "٣/000",
    ],
)
def test_other_spelling_of_a_tile_path_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        tiles.parse_path(text)


@given(st.lists(st.binary(max_size=300), max_size=256))
def test_bundle_is_read_as_it_was_written(entries: list[bytes]) -> None:
    bundle = tiles.format_bundle(entries)
    assert tiles.parse_bundle(bundle) == entries
    if bundle:
        with pytest.raises(BadInput):
            tiles.parse_bundle(bundle[:-1])


def test_entry_of_more_than_65535_bytes_does_not_fit_a_bundle() -> None:
    with pytest.raises(BadInput):
        tiles.format_bundle([bytes(65_536)])
