"""What the tests of survival lend to the benchmarks: people who have said yes, a relay, a sender, its crashes."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "survival"))

import addressees
import mail_crash
import mail_sink
import sender

__all__ = ["addressees", "mail_crash", "mail_sink", "sender"]
