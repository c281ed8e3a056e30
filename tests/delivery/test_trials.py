"""A trial goes to the addresses of the settings and to nobody else, as the mail that customers would get."""

from __future__ import annotations

import email
import email.policy
from datetime import datetime
from pathlib import Path

import pytest
from mail_office import letter
from sink_thread import sink_beside

from placet.config import Config
from placet.delivery.model import Deferred, Sent
from placet.delivery.sms import publish_folded
from placet.delivery.trials import Trials
from placet.kernel.errors import Misconfigured, NotFound, Unavailable
from placet.kernel.seal import MasterKey

MASTER = MasterKey(bytes(32))
MARKETING = "marketing@amigo.lv"


def trials(folder: Path, *, port: int | None = None, to: str = f"{MARKETING}, +371 2000 0009") -> Trials:
    config = Config(
        data_dir=folder, smtp_host=None if port is None else "127.0.0.1", smtp_port=port or 25, smtp_security="none",
        smtp_from="jaunumi@amigo.lv", trial_addresses=to,
    )  # fmt: skip
    return Trials.of(config, MASTER)


def test_a_trial_is_the_mail_that_customers_would_get(tmp_path: Path, now: datetime) -> None:
    with sink_beside() as sink:
        outcome = trials(tmp_path, port=sink.port).letter(letter(), MARKETING, values={"name": "Anna"}, now=now)
        (taken,) = sink.taken
    assert outcome == Sent("Q1")
    mail = email.message_from_bytes(taken.content, policy=email.policy.default)
    assert (taken.recipient, mail["Subject"]) == (MARKETING, "Labdien, Anna!")
    assert mail["List-Unsubscribe"] is not None


def test_nothing_is_sent_elsewhere_or_by_a_channel_that_is_not_there(tmp_path: Path, now: datetime) -> None:
    with sink_beside() as sink:
        found = trials(tmp_path, port=sink.port)
        with pytest.raises(NotFound, match="no address for trials"):
            found.letter(letter(), "anna@example.lv", values={"name": "Anna"}, now=now)
        text = publish_folded(dict.fromkeys(("lv", "ru", "en"), "Sveiki!"), declared=set())["lv"]
        with pytest.raises(NotFound):
            found.text(text, MARKETING, language="lv", values={}, now=now)
        with pytest.raises(Unavailable, match="not set up"):
            found.text(text, "+37120000009", language="lv", values={}, now=now)
        assert sink.taken == []


def test_a_relay_that_is_away_is_said(tmp_path: Path, now: datetime) -> None:
    with sink_beside() as sink:
        port = sink.port
    outcome = trials(tmp_path, port=port).letter(letter(), MARKETING, values={"name": "Anna"}, now=now)
    assert isinstance(outcome, Deferred)


@pytest.mark.parametrize("said", ["marketing", "marketing@", "+37190000000", "80700000"])
def test_an_address_that_cannot_be_one_is_told_at_the_start(tmp_path: Path, said: str) -> None:
    with pytest.raises(Misconfigured, match="PLACET_TRIAL_ADDRESSES"):
        trials(tmp_path, to=said)


def test_nobody_is_named_without_the_setting(tmp_path: Path, now: datetime) -> None:
    with pytest.raises(NotFound):
        trials(tmp_path, to="").letter(letter(), "", values={"name": "Anna"}, now=now)
