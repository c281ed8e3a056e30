"""No wrong yes, nothing lost, nothing twice: a short run; `make bench NAME=model` is the long one."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from model.machine import Consents
from model.world import world
from placet.config import Config


def test_no_wrong_yes_over_a_broken_network(config: Config, tmp_path: Path) -> None:
    if "host=" not in (config.database_url or ""):
        pytest.skip("the proxy stands before the embedded server's socket")
    with world(config, tmp_path / "p") as found:
        machine = type("Run", (Consents,), {"world": found})
        quick = settings(
            max_examples=25,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            derandomize=True,
        )
        run_state_machine_as_test(machine, settings=quick)
        assert found.answers > 100
        assert found.faults > 3
