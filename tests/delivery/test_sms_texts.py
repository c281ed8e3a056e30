"""Runs segments.yaml and stop_words.yaml: how texts are cut and counted, and which answers mean stop."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from placet.delivery.addresses import mailbox, mobile_number, sms_sender
from placet.delivery.pdu import Malformed, Short, decode_header, decode_short
from placet.delivery.segments import Encoding, cut, fold, prices, read
from placet.delivery.stop_words import PerhapsStop, SomethingElse, Stop, meaning
from placet.kernel.errors import BadInput

HERE = Path(__file__)
MEANINGS = {"stop": Stop(), "perhaps": PerhapsStop(), "else": SomethingElse()}


def table(name: str) -> Any:
    rows = yaml.safe_load(HERE.with_name(name).read_text(encoding="utf-8"))
    return [pytest.param(row, id=row.get("title") or row["text"] or "nothing") for row in rows]


@pytest.mark.parametrize("row", table("segments.yaml"))
def test_parts(row: dict[str, Any]) -> None:
    text = row.get("text") or row["repeat"][0] * row["repeat"][1]
    counted = prices(text, cents_a_part=3)
    assert (counted.as_written, counted.folded) == (row["written"], row["folded"])
    assert (counted.cents_as_written, counted.cents_folded) == (3 * row["written"], 3 * row["folded"])
    if "becomes" in row:
        assert fold(text) == row["becomes"]


@pytest.mark.parametrize("row", table("stop_words.yaml"))
def test_stop_words(row: dict[str, Any]) -> None:
    assert meaning(row["text"]) == (Stop(row["topic"]) if "topic" in row else MEANINGS[row["means"]])


@given(text=st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x1b"), min_size=1, max_size=300))
def test_what_is_cut_reads_back_whole_and_every_part_fits(text: str) -> None:
    parts = cut(text)
    longest = 140 if parts.count == 1 else 134
    assert "".join(read(part, parts.encoding.data_coding) for part in parts.parts) == text
    for part in parts.parts:
        octets = len(part) if parts.encoding is Encoding.UCS2 else (len(part) * 7 + 7) // 8
        assert octets <= longest


@given(text=st.text(min_size=1, max_size=60))
def test_folding_twice_changes_nothing_more(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(body=st.binary(max_size=120))
def test_no_bytes_break_the_reader_but_by_saying_so(body: bytes) -> None:
    with contextlib.suppress(Malformed):
        decode_short(body)


@pytest.mark.parametrize("length", [0, 15, 70_000])
def test_a_length_that_cannot_be_is_refused(length: int) -> None:
    with pytest.raises(Malformed):
        decode_header(length.to_bytes(4, "big") + bytes(12))


def test_a_short_message_reads_back() -> None:
    short = Short("1717", "+37120000000", b"hi", options={0x204: b"\0\1"}, registered=1, validity="260312200307000+")
    back = decode_short(short.encode())
    assert (back.source, back.destination, back.message, back.options) == ("1717", "37120000000", b"hi", short.options)


@pytest.mark.parametrize("text", ["20000000", "+371 2000 0000", "0037120000000"])
def test_a_mobile_number_in_any_spelling(text: str) -> None:
    assert mobile_number(text) == "+37120000000"


@pytest.mark.parametrize("text", ["+37167000000", "+37190000000", "+37180000000", "112", "", "abc", "+999123"])
def test_a_number_that_no_sms_should_go_to_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(BadInput) as refused:
        mobile_number(text)
    assert not text or text not in refused.value.message


@pytest.mark.parametrize(
    "text",
    [
        "",
        "anna",
        "anna@",
        "@example.lv",
        "a b@example.lv",
        "anna@example.lv\r\nBcc: x@y.lv",
        "anna@localhost",
        "a@b..lv",
    ],
)
def test_an_address_that_no_mail_can_go_to_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(BadInput) as refused:
        mailbox(text)
    assert not text or text not in refused.value.message


@pytest.mark.parametrize(
    ("text", "good"),
    [("1717", True), ("Amigo", True), ("+37120000000", True), ("Amigo Latvija", False), ("", False), ("Amīgo", False)],
)
def test_a_sender_of_sms(text: str, good: bool) -> None:
    if good:
        assert sms_sender(text) == text
    else:
        with pytest.raises(BadInput):
            sms_sender(text)
