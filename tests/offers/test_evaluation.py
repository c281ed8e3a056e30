"""The offline evaluation, in towns whose truth is known because we made them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import attrs
import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

from placet.kernel.errors import BadInput
from placet.purposes.offers.learning import world
from placet.purposes.offers.learning.evaluation import evaluate, gain, judge, stopping
from placet.purposes.offers.learning.policy import standard
from placet.purposes.offers.learning.trials import COLUMNS, Trials, before, of_rows, read

POLICY = attrs.evolve(standard(), demands=attrs.evolve(standard().demands, splits=10))
ONCE = attrs.evolve(POLICY, demands=attrs.evolve(POLICY.demands, splits=1, parts=2))


@cache
def differing() -> tuple[world.Town, Trials]:
    town = world.town(people=800, spread=0.7)
    return town, world.history(town, POLICY, rounds=16)


def test_where_people_differ_the_learner_passes_its_interval_holds_the_truth_and_what_it_believes_comes_true() -> None:
    town, trials = differing()
    made = evaluate(trials, POLICY)
    one = judge(trials, before(trials, POLICY), POLICY, seed=1_000)
    truth = world.worth(town, trials, one.learner, POLICY) - world.worth(town, trials, one.rule, POLICY)
    assert made.passed, made.failed
    assert made.gain.low < truth < made.gain.high
    assert len(made.splits) == 10
    assert made.heaviest <= 1 / POLICY.floor
    for part in made.bins:
        assert part.wanted.low - 0.02 <= part.believed <= part.wanted.high + 0.02


def test_where_people_are_alike_the_learner_does_not_pass() -> None:
    town = world.town(people=600, spread=5_000, wishing=0)
    made = evaluate(world.history(town, POLICY, rounds=6), ONCE)
    assert "no-gain" in made.failed


def test_too_few_picks_promote_nobody() -> None:
    town = world.town(people=150, spread=1.5)
    assert "too-few" in evaluate(world.history(town, POLICY, rounds=3), ONCE).failed


def test_of_many_towns_nineteen_in_twenty_have_their_truth_in_the_interval() -> None:
    held = 0
    for seed in range(24):
        town = world.town(people=400, spread=2.0, seed=seed)
        trials = world.history(town, POLICY, rounds=5, seed=seed)
        one = judge(trials, before(trials, POLICY), ONCE, seed=seed)
        found = gain(one, trials.person)
        truth = world.worth(town, trials, one.learner, POLICY) - world.worth(town, trials, one.rule, POLICY)
        held += found.low < truth < found.high
    # 23 are expected; fewer than 20 would come by chance once in two hundred times.
    assert held >= 20


def test_a_wrong_model_of_interest_leaves_the_estimate_right_as_long_as_the_propensities_are() -> None:
    town, trials = differing()
    wrong = attrs.evolve(POLICY, prior=attrs.evolve(POLICY.prior, rate=0.4, strength=1e7, segment_strength=1e9))
    one = judge(trials, before(trials, wrong), wrong, seed=1)
    truth = world.worth(town, trials, one.rule, POLICY)
    errors = (one.rule_worth - truth).std() / np.sqrt(len(trials))
    assert one.rule_worth.mean() == pytest.approx(truth, abs=5 * errors)


def test_stopping_saves_messages_and_keeps_most_of_what_was_wanted() -> None:
    town = world.town(people=400, spread=0.5)
    trials = world.history(town, POLICY, rounds=20)
    told = before(trials, POLICY)
    made = stopping(trials, told, judge(trials, told, POLICY, seed=1), POLICY)
    assert made.saved.low > 0.1
    assert made.kept.low > 0.95


def test_nothing_is_known_of_a_message_before_the_time_of_silence_is_over() -> None:
    rows = [_row(at=day, wanted=1.0, unwanted=0.0) for day in ("2026-01-01", "2026-01-10", "2026-01-20", "2026-04-01")]
    told = before(of_rows(rows), POLICY)
    assert told.sends[:, 1].tolist() == [0, 0, 1, 3]
    assert told.wanted[3, 1] == pytest.approx(2 ** (-90 / 90) + 2 ** (-81 / 90) + 2 ** (-71 / 90))


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_picks_are_read_from_a_file(tmp_path: Path, suffix: str) -> None:
    rows = [_row(person="a"), _row(person="b", chosen="nothing", wanted=0.0, unwanted=0.0)]
    path = tmp_path / f"picks{suffix}"
    table = pa.Table.from_pylist(rows)
    (pa.parquet.write_table if suffix == ".parquet" else pa.csv.write_csv)(table, path)
    trials = read(path)
    assert (trials.topics, trials.segments, len(trials)) == (("phones", "travel"), ("lv",), 2)
    assert trials.sent.tolist() == [True, False]


@pytest.mark.parametrize(
    ("change", "said"),
    [({"chosen": "gaming"}, "not among"), ({"propensity": 0.0}, "propensity"), ({"unwanted": -1.0}, "weight")],
)
def test_picks_that_make_no_sense_are_refused_with_their_row(change: dict[str, object], said: str) -> None:
    with pytest.raises(BadInput, match=f"row 2.*{said}"):
        of_rows([_row(), _row() | change])


def test_a_file_without_a_column_says_which(tmp_path: Path) -> None:
    path = tmp_path / "picks.csv"
    path.write_text(",".join(COLUMNS[:-1]) + "\n")
    with pytest.raises(BadInput, match="lacks the columns unwanted"):
        read(path)


def _row(
    *, person: str = "a", at: str = "2026-01-01", chosen: str = "travel", wanted: float = 0.0, unwanted: float = 1.0
) -> dict[str, object]:
    return {
        "person": person, "at": f"{at}T10:00:00Z", "segment": "lv", "eligible": "phones|travel", "wished": "",
        "chosen": chosen, "propensity": 0.5, "wanted": wanted, "unwanted": unwanted,
    }  # fmt: skip
