"""`placet delivery post` lists, prints, hands over and throws away."""

from __future__ import annotations

import json
from pathlib import Path
from uuid import uuid4

from click.testing import CliRunner
from delivery_house import House
from test_post import customer, make, notes, plan

from placet.delivery.post import Letters
from placet.delivery.tokens import tokens
from placet.interfaces.cli.main import main
from placet.kernel import clock


def run(house: House, *words: str, exit_code: int = 0) -> dict[str, object]:
    environment = {
        "PLACET_DATABASE_URL": house.placet.config.database_url, "PLACET_DATA_DIR": str(house.placet.config.data_dir),
        "PLACET_MASTER_KEY": "00" * 32,
    }  # fmt: skip
    result = CliRunner().invoke(main, ["delivery", "post", *words, "--json"], env=environment)
    assert result.exit_code == exit_code, result.output
    found: dict[str, object] = json.loads(result.output.strip().splitlines()[-1]) if exit_code == 0 else {}
    return found


def test_mailings_are_listed_handed_over_and_thrown_away(house: House, tmp_path: Path) -> None:
    house.now = clock.now()
    letters = Letters(house.placet.delivery, notes, tokens(house.placet.master), "https://placet.example")
    for name in ("anna", "berta"):
        plan(house, customer(house, name))
    target = tmp_path / "letters.pdf"
    assert run(house)["due"] == 2
    run(house, "--out", str(target), "--discard", str(uuid4()), exit_code=1)
    first = make(house, letters)
    assert run(house, "--discard", str(first.id)) == {"discarded": str(first.id)}
    second = make(house, letters, clock.now() - house.now)
    assert run(house, "--hand-over", str(second.id)) == {"sent": 2, "pulled": [], "open": []}
    run(house, "--discard", str(second.id), exit_code=1)
    newest, oldest = run(house)["mailings"]  # type: ignore[misc]
    assert (newest["mailing"], newest["sent"], newest["letters"]) == (str(second.id), 2, 2)
    assert oldest["discarded_at"] is not None


def test_letter_that_nobody_has_words_for_makes_no_file(house: House, tmp_path: Path) -> None:
    house.now = clock.now()
    plan(house, customer(house, "anna"))
    target = tmp_path / "letters.pdf"
    assert run(house, "--out", str(target)) == {"mailing": None, "letters": 0, "refused": 1}
    assert not target.exists()
