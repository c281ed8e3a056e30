from __future__ import annotations

import pytest
from argon2 import PasswordHasher

from placet.access.passwords import Passwords, demand_good
from placet.kernel.errors import BadInput

QUICK = {"time_cost": 1, "memory_cost": 8, "parallelism": 1}
NAMES = ("agnese", "Agnese Kalniņa", "Placet")


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery staple",
        "zils vilks skrien pa mežu",
        "x7$kQ-29vLm!p",
        "sunflower-bakery-91",
        "синий волк бежит лесом",
        "            ž ļ ņ  x",
        "🐺🌲🌙🔑🎻🛶🧭🪵🫐🦉🐝🪁",
    ],
)
def test_any_characters_make_a_good_password_if_they_are_hard_to_guess(password: str) -> None:
    demand_good(password, names=NAMES)


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("", "password-short"),
        ("elevenchars", "password-short"),
        ("q" * 201, "password-long"),
        ("aaaaaaaaaaaaaaaa", "password-common"),
        ("passwordpassword", "password-common"),
        ("Password2024!!", "password-common"),
        ("P@ssw0rd1234", "password-common"),
        ("1q2w3e4r5t6y", "password-common"),
        ("qwertyuiop[]", "password-common"),
        ("iloveyoumonkey", "password-common"),
        ("drowssapdrowssap", "password-common"),
        ("placetplacet2026", "password-common"),
        ("agnese.kalniņa2026", "password-common"),
        ("123456789012", "password-common"),
        ("abcabcabcabc", "password-common"),
    ],
)
def test_what_is_short_or_tried_first_is_refused(password: str, code: str) -> None:
    with pytest.raises(BadInput) as refusal:
        demand_good(password, names=NAMES)
    assert refusal.value.code == code
    assert password not in refusal.value.message or not password


def test_a_password_is_kept_as_argon2id_with_a_salt_of_its_own() -> None:
    passwords = Passwords()
    kept = passwords.hash("zils vilks skrien")
    assert kept.startswith("$argon2id$v=19$m=65536,t=3,p=4$"), "RFC 9106 §4, second recommendation"
    assert kept != passwords.hash("zils vilks skrien")
    assert passwords.verify(kept, "zils vilks skrien").fits
    for other in ("zils vilks skrie", "Zils vilks skrien", "", "zils vilks skrien\0"):
        assert not passwords.verify(kept, other).fits


def test_the_same_password_from_another_keyboard_fits() -> None:
    passwords = Passwords(PasswordHasher(**QUICK))
    kept = passwords.hash("me\u017eu ce\u013c\u0161 naktī")
    assert passwords.verify(kept, "mez\u030cu cel\u0327s\u030c naktī").fits


def test_a_password_kept_under_old_parameters_is_noticed() -> None:
    old, new = Passwords(PasswordHasher(**QUICK)), Passwords(PasswordHasher(**(QUICK | {"memory_cost": 16})))
    kept = old.hash("zils vilks skrien")
    assert not old.verify(kept, "zils vilks skrien").outdated
    assert new.verify(kept, "zils vilks skrien").outdated
    assert not new.verify(kept, "another").outdated, "only who knows it may have it kept anew"


def test_with_nothing_kept_the_same_work_is_done() -> None:
    """Counted, not timed: one verification under the present parameters in either case."""
    done = []

    class Counting(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> bool:
            done.append((str(hash).rpartition("$")[0].rpartition("$")[0], password))
            return super().verify(hash, password)

    passwords = Passwords(Counting(**QUICK))
    kept = passwords.hash("zils vilks skrien")
    passwords.verify(kept, "guess")
    passwords.verify(None, "guess")
    assert done[0] == done[1]
    assert not passwords.verify(None, "nobody").fits, "not even what stands in for nobody's password"
