"""The report for planners says the same in every language, and can be made anew of any release."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner
from counted_town import PLACES

from mobility.faces.atlas_town import released
from placet.bootstrap import Application
from placet.interfaces.cli.main import main
from placet.purposes.mobility.releasing import report, stored
from placet.purposes.mobility.releasing.model import REPORTS, Release
from placet.purposes.mobility.releasing.saying import Tongue, _said

WORDS = re.compile(r"[A-Za-z]{4,}")
SAME = {"Europe", "Riga", "opendp", "zCDP"}


def folder(application: Application, release: Release) -> Path:
    return application.mobility.releases.place(release)


def sentences(page: str) -> str:
    """What is read, without markup, style, ids and hashes."""
    body = re.sub(r"<(style|svg)\b.*?</\1>|<code>.*?</code>", " ", page.partition("<body>")[2], flags=re.DOTALL)
    return re.sub(r"<[^>]+>", " ", body)


def figures(page: str) -> list[float]:
    """All numbers of the rankings, however they are written."""
    texts = re.findall(r'<text class="value"[^>]*>([^<]*)<', page)
    plain = [text.replace("\N{NO-BREAK SPACE}", "").replace(",", ".") for text in texts]
    return [float(number) for text in plain for number in re.findall(r"\d+(?:\.\d+)?", text)]


def test_every_text_is_there_in_every_language_with_the_same_places() -> None:
    def look(node: object, path: tuple[str, ...]) -> None:
        if isinstance(node, dict) and set(node) == set(REPORTS):
            places = {tuple(sorted(re.findall(r"{\w+}", text))) for text in node.values()}
            assert len(places) == 1, path
            assert all(text.strip() for text in node.values()), path
        else:
            items = node.items() if isinstance(node, dict) else enumerate(node)  # type: ignore[arg-type, union-attr]
            for key, value in items:
                look(value, (*path, str(key)))

    look(_said(), ())


def test_numbers_and_days_are_written_as_the_language_has_them() -> None:
    told = {
        language: (tongue.number(1234567.5, 1), tongue.exact(Decimal("0.005")), tongue.day(date(2040, 6, 1)))
        for language in REPORTS
        if (tongue := Tongue(language))
    }
    assert told == {
        "lv": ("1\N{NO-BREAK SPACE}234\N{NO-BREAK SPACE}567,5", "0,005", "01.06.2040."),
        "ru": ("1\N{NO-BREAK SPACE}234\N{NO-BREAK SPACE}567,5", "0,005", "01.06.2040"),
        "en": ("1,234,567.5", "0.005", "2040-06-01"),
    }


def test_a_release_bears_its_report_in_each_language_with_the_same_figures(placet: Application) -> None:
    place = folder(placet, released(placet))
    pages = {language: (place / name).read_text("utf-8") for language, name in REPORTS.items()}
    assert all(f'<html lang="{language}">' in page for language, page in pages.items())
    told = {language: figures(page) for language, page in pages.items()}
    assert len(told["lv"]) > 60
    assert told["lv"] == told["ru"]
    assert "Kā cilvēki pārvietojās: 2026. gada oktobris" in pages["lv"]
    assert not any(".." in sentences(page) for page in pages.values())
    assert len(told["en"]) >= len(told["lv"])
    for language in ("lv", "ru"):
        assert pages[language].count("<h2>") == pages["en"].count("<h2>") >= 9
    assert set(WORDS.findall(sentences(pages["ru"]))) <= SAME
    assert "trips" not in sentences(pages["lv"])


def test_what_few_products_tell_is_told_in_every_language(placet: Application) -> None:
    about, _, _ = stored.read(folder(placet, released(placet)))
    for language in REPORTS:
        page = report.page(about, {}, PLACES, None, language)
        assert page.count("<h2>") == 2


def test_the_command_makes_the_report_of_an_older_release_anew(
    placet: Application, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("database_url", "data_dir", "master_key"):
        monkeypatch.setenv(f"PLACET_{name.upper()}", str(getattr(placet.config, name)))
    release = released(placet)
    place, made = folder(placet, release), tmp_path / "report.html"
    result = CliRunner().invoke(main, ["mobility", "report", "2026-10", "--language", "ru", "--out", str(made)])
    assert result.exit_code == 0, result.output
    assert made.read_bytes() == (place / REPORTS["ru"]).read_bytes()
    shown = CliRunner().invoke(main, ["mobility", "report", "2026-10", "--language", "lv"])
    assert shown.stdout.rstrip("\n") == (place / REPORTS["lv"]).read_text("utf-8").rstrip("\n")
    (place / "noisy.npz").write_bytes(b"other")
    broken = CliRunner().invoke(main, ["mobility", "report", "2026-10"])
    assert (broken.exit_code, "(release-broken)" in broken.stderr) == (1, True)
