"""A marketer at the builder, with the words of a campaign; for the tests of the console's campaigns."""

from __future__ import annotations

import re
from collections.abc import Mapping

from console.console_crowd import AtConsole

WORDS: Mapping[str, Mapping[str, str]] = {
    "lv": {
        "subject": "Telefoni no 9 € mēnesī",
        "headline": "Jauns telefons uz nomaksu",
        "paragraphs": "Sveiki{{ called }}!\r\n\r\nŠomēnes telefonus var ņemt uz nomaksu.",
        "button_label": "Apskatīt",
        "button_link": "https://amigo.lv/telefoni",
    },
    "ru": {
        "subject": "Телефоны от 9 € в месяц",
        "headline": "Новый телефон в рассрочку",
        "paragraphs": "Здравствуйте{{ called }}!\r\n\r\nВ этом месяце телефоны можно взять в рассрочку.",
        "button_label": "Посмотреть",
        "button_link": "https://amigo.lv/telefoni",
    },
    "en": {
        "subject": "Phones from €9 a month",
        "headline": "A new phone by instalments",
        "paragraphs": "Hello{{ called }}!\r\n\r\nThis month you can take a phone by instalments.",
        "button_label": "Have a look",
        "button_link": "https://amigo.lv/telefoni",
    },
}
SMS: Mapping[str, str] = {
    "lv": "Sveiki{{ called }}! Telefoni no 9 € mēnesī: amigo.lv",
    "ru": "Здравствуйте{{ called }}! Телефоны от 9 € в месяц: amigo.lv",
    "en": "Hello{{ called }}! Phones from €9 a month: amigo.lv",
}


def begin(at: AtConsole, name: str = "Phones in spring", topic: str = "phones") -> str:
    """A new draft; returns its address."""
    at.go("/console/campaigns/new")
    at.post("/console/campaigns/new", name=name, topic=topic, kind="plain", step="keep")
    assert at.page.status_code == 200, at.words
    return str(at.page.url.path)


def keep(at: AtConsole, address: str, **fields: str) -> None:
    """Fill in one page of the builder and keep it."""
    at.go(address)
    version = re.findall(r'name="version" value="(\d+)"', at.page.text)[0]
    at.post(address, version=version, step="keep", **fields)


def write(at: AtConsole, address: str, *channels: str) -> None:
    """Everything that a campaign through *channels* (`email`, `sms`) needs."""
    keep(at, f"{address}/channels", **{f"channel.{place}": one for place, one in enumerate(channels, 1)})
    if "email" in channels:
        for language, words in WORDS.items():
            keep(at, f"{address}/email?text={language}", **words)
    if "sms" in channels:
        keep(at, f"{address}/sms", fold="1", **{f"sms.{language}": text for language, text in SMS.items()})


def press(at: AtConsole, address: str, step: str, **fields: str) -> None:
    """A button on the page of a campaign."""
    at.go(address)
    version = re.findall(r'name="version" value="(\d+)"', at.page.text)[0]
    at.post(address, version=version, step=step, **fields)
