"""The second factor is RFC 6238's, and each of its steps counts once."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest

from placet.access import totp

# RFC 6238 appendix B, SHA-1: the last six of its eight digits.
SECRET = base64.b32encode(b"12345678901234567890").decode()
VECTORS = [
    (59, "287082"),
    (1111111109, "081804"),
    (1111111111, "050471"),
    (1234567890, "005924"),
    (2000000000, "279037"),
    (20000000000, "353130"),
]


@pytest.mark.parametrize(("seconds", "code"), VECTORS)
def test_codes_are_those_of_the_specification(seconds: int, code: str) -> None:
    at = datetime.fromtimestamp(seconds, UTC)
    assert totp.step_of(SECRET, code, at=at, last=0) == seconds // 30


def test_a_code_counts_one_step_early_or_late_and_no_further(now: datetime) -> None:
    code = pyotp.TOTP(SECRET).at(now)
    step = int(now.timestamp()) // 30
    for seconds, found in ((0, step), (29, step), (30, step), (59, step), (60, None), (-30, step), (-31, None)):
        assert totp.step_of(SECRET, code, at=now + timedelta(seconds=seconds), last=0) == found, seconds


def test_a_step_that_was_used_or_lies_before_one_is_refused(now: datetime) -> None:
    step = int(now.timestamp()) // 30
    code = pyotp.TOTP(SECRET).at(now)
    assert totp.step_of(SECRET, code, at=now, last=step - 1) == step
    assert totp.step_of(SECRET, code, at=now, last=step) is None
    assert totp.step_of(SECRET, pyotp.TOTP(SECRET).at(now - timedelta(seconds=30)), at=now, last=step) is None


@pytest.mark.parametrize("code", ["", "000000", "12345", "1234567", "12345a", "１２３４５６", "x" * 1000, "\x00"])
def test_what_is_no_code_of_this_secret_is_refused(code: str, now: datetime) -> None:
    assert totp.step_of(SECRET, code, at=now, last=0) is None


def test_the_square_says_what_authenticators_read(now: datetime) -> None:
    secret = totp.new_secret()
    assert len(base64.b32decode(secret)) == 20
    said = urlsplit(totp.address(secret, login="agnese", issuer="Placet"))
    assert (said.scheme, said.netloc, said.path) == ("otpauth", "totp", "/Placet:agnese")
    assert parse_qs(said.query) == {"secret": [secret], "issuer": ["Placet"]}
    picture = totp.picture(said.geturl())
    assert picture.startswith(b"<?xml")
    assert b"<svg" in picture
    assert b"style" not in picture
    assert b"script" not in picture
