"""
SMS end to end: from offers that are planned until the carrier has taken each, has reported it as delivered, and that is
written down. The carrier is an SMSC of another make (npm `smpp`) in a process of its own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs

from bench.borrowed import addressees
from bench.carried import Carried
from bench.ground import Ground
from bench.harness import QUICK, Report
from placet.config import Config

WHAT = "SMS end to end, with receipts, to an SMSC on this machine"
MESSAGES = 300 if QUICK else 5_000
WINDOW = 100
_SMPP = Path(__file__).parents[1] / "build" / "smsc" / "node_modules"


def run(report: Report, here: Ground) -> None:
    if shutil.which("node") is None or not _SMPP.exists():
        report.fail(WHAT, "npm is not installed: the SMSC runs under node")
        return
    place = here.place("texting")
    with place.application() as application, _smsc() as port:
        offers = Carried(application, _to_smsc(place.config, port), "sms", addressees.mobile, "delivered")
        report.compare(WHAT, lambda: offers.measured(MESSAGES), {}, unit="/s", n=MESSAGES, must=">= 700/s")
    here.drop(place)


def _to_smsc(config: Config, port: int) -> Config:
    return attrs.evolve(
        config,
        smpp_host="127.0.0.1",
        smpp_port=port,
        smpp_security="none",
        smpp_system_id="placet",
        smpp_sender="1717",
        smpp_window=WINDOW,
    )


@contextmanager
def _smsc() -> Iterator[int]:
    process = subprocess.Popen(
        ["node", str(Path(__file__).parent / "peers" / "smsc.js")],
        env=os.environ | {"NODE_PATH": str(_SMPP)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        process.terminate()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()
