"""Which channels the settings describe, and which settings are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from mail_office import NOW, key, letters

from placet.config import Config
from placet.delivery import channels
from placet.delivery.model import Channel
from placet.delivery.sms_returns import Receipt, Reply
from placet.kernel.errors import Misconfigured
from placet.kernel.seal import MasterKey

MASTER = MasterKey(bytes(32))


async def forget(_found: Receipt | Reply) -> None:
    """Nobody listens."""


@pytest.fixture
def mail(tmp_path: Path) -> dict[str, Any]:
    (tmp_path / "dkim.pem").write_bytes(key())
    (tmp_path / "password").write_text("secret\n")
    return {
        "smtp_host": "relay.amigo.lv",
        "smtp_from": "jaunumi@amigo.lv",
        "smtp_user": "placet",
        "smtp_password_file": tmp_path / "password",
        "dkim_domain": "amigo.lv",
        "dkim_selector": "k2026",
        "dkim_key_file": tmp_path / "dkim.pem",
    }


def email(**settings: Any) -> Channel | None:
    return channels.email(Config(**settings), MASTER, letters, clock=lambda: NOW)


def sms(**settings: Any) -> Channel | None:
    settings = {"smpp_host": "smsc.amigo.lv", "smpp_system_id": "placet", "smpp_sender": "1717", **settings}
    return channels.sms(
        Config(**settings), lambda _template, _language: None, clock=lambda: NOW, on_receipt=forget, on_reply=forget
    )


def test_without_a_host_there_is_no_channel() -> None:
    assert email() is None
    assert sms(smpp_host=None) is None


def test_the_settings_make_both_channels(mail: dict[str, Any]) -> None:
    made = email(**mail, smtp_connections=3)
    assert made is not None
    assert (made.id, made.width, made.needs_address) == ("email", 3, True)
    other = sms(smpp_window="7")
    assert other is not None
    assert (other.id, other.width, other.needs_address) == ("sms", 7, True)


def test_mail_returns_to_the_domain_of_the_sender_unless_another_is_named(mail: dict[str, Any]) -> None:
    assert channels.sender(Config(**mail), MASTER).returns == "amigo.lv"
    assert channels.sender(Config(**mail, smtp_return_domain="r.amigo.lv"), MASTER).returns == "r.amigo.lv"


@pytest.mark.parametrize(
    "wrong",
    [
        {"smtp_from": None},
        {"smtp_from": "nobody"},
        {"smtp_from_name": "Amigo\r\nBcc: all@example.lv"},
        {"smtp_security": "sometimes"},
        {"smtp_security": "none", "mode": "production"},
        {"smtp_connections": 0},
        {"smtp_password_file": "/nowhere/password"},
        {"dkim_domain": "other.lv"},
        {"dkim_domain": None},
        {"dkim_selector": None},
        {"dkim_key_file": "/nowhere/key"},
    ],
)
def test_mail_that_could_not_be_sent_as_meant_is_refused_at_the_start(
    mail: dict[str, Any], wrong: dict[str, Any]
) -> None:
    with pytest.raises(Misconfigured):
        email(**{**mail, **wrong})


@pytest.mark.parametrize(
    "wrong",
    [
        {"smpp_system_id": None},
        {"smpp_sender": None},
        {"smpp_sender": "Amigo Latvija"},
        {"smpp_security": "starttls"},
        {"smpp_security": "none", "mode": "production"},
        {"smpp_window": 0},
        {"smpp_password_file": "/nowhere/password"},
    ],
)
def test_sms_that_could_not_be_sent_as_meant_are_refused_at_the_start(wrong: dict[str, Any]) -> None:
    with pytest.raises(Misconfigured):
        sms(**wrong)


def test_a_relay_on_this_machine_needs_no_encryption(mail: dict[str, Any]) -> None:
    made = email(**{**mail, "smtp_host": "127.0.0.1", "smtp_security": "none", "mode": "production"})
    assert made is not None
