"""`placet offers evaluate` and `placet offers why`, as a member of staff calls them."""

from __future__ import annotations

import json
from pathlib import Path
from uuid import uuid4

import pyarrow as pa
import pyarrow.csv
import pytest
from click.testing import CliRunner

from placet.bootstrap import Application
from placet.interfaces.cli.evaluation_page import Row, intervals
from placet.interfaces.cli.main import main
from placet.purposes.offers.learning import trials, world
from placet.purposes.offers.learning.evaluation import Estimate
from placet.purposes.offers.learning.policy import standard


def test_a_file_is_judged_with_a_report_and_what_is_not_shown_exits_with_three(tmp_path: Path) -> None:
    town = world.town(people=60, spread=1.5)
    picks, report = tmp_path / "picks.csv", tmp_path / "report.html"
    made = world.history(town, standard(), rounds=3)
    pa.csv.write_csv(pa.Table.from_pylist(trials.rows(made)), picks)
    done = CliRunner().invoke(main, ["offers", "evaluate", "--data", str(picks), "--out", str(report), "--json"])
    said, page = json.loads(done.stdout), report.read_text(encoding="utf-8")
    assert (done.exit_code, said["passed"], said["picks"]) == (3, False, 180)
    assert "too-few" in said["failed"]
    assert "Not shown. The plain rule goes on sorting." in page
    assert page.count("<svg") == 3
    assert "<script" not in page
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "")


def test_rows_of_picks_are_read_back_as_they_were() -> None:
    made = world.history(world.town(people=20, spread=1.5), standard(), rounds=2)
    again = trials.of_rows(trials.rows(made))
    assert sorted(again.propensity.tolist()) == sorted(made.propensity.tolist())
    assert again.wanted.sum() == made.wanted.sum()
    assert again.eligible.sum() == made.eligible.sum()


def test_a_file_that_holds_no_picks_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "picks.csv").write_text("a,b\n1,2\n")
    done = CliRunner().invoke(main, ["offers", "evaluate", "--data", str(tmp_path / "picks.csv")])
    assert done.exit_code == 1
    assert "lacks the columns" in done.stderr


@pytest.mark.parametrize("arguments", [["evaluate"], ["why", str(uuid4())]], ids=["evaluate", "why"])
def test_where_nothing_was_picked_yet_it_is_said(
    placet: Application, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.setenv("PLACET_DATABASE_URL", placet.config.database_url or "")
    monkeypatch.setenv("PLACET_DATA_DIR", str(placet.config.data_dir))
    monkeypatch.setenv("PLACET_MASTER_KEY", "00" * 32)
    monkeypatch.setenv("PLACET_MODE", "development")
    done = CliRunner().invoke(main, ["offers", *arguments])
    assert done.exit_code == 1
    assert ("nothing can be judged yet" in done.stderr) or ("no offer is held" in done.stderr)


def test_a_plot_has_zero_on_its_axis_and_escapes_its_words() -> None:
    drawn = intervals([Row("<b>", Estimate(0.5, -0.1, 1.0), "a & b", mark=0.2)], id="x", title="<i>")
    assert "<b>" not in drawn
    assert "a &amp; b" in drawn
    assert 'class="zero"' in drawn
    assert 'class="mark"' in drawn
