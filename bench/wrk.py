"""Load on a server, made by wrk (Debian's package): connections of which each asks again as soon as it is answered."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import attrs

from bench.serving import Server

_DONE = """
function done(summary, latency)
  local errors = summary.errors
  io.write(string.format("rate %.1f p95 %.3f p99 %.3f requests %d failed %d\\n",
    summary.requests / summary.duration * 1e6, latency:percentile(95) / 1000, latency:percentile(99) / 1000,
    summary.requests, errors.status + errors.read + errors.timeout))
end
"""
_SAID = re.compile(r"rate ([\d.]+) p95 ([\d.]+) p99 ([\d.]+) requests (\d+) failed (\d+)")


@attrs.frozen
class Load:
    """What was measured: requests a second, percentiles in ms, and seconds of the server's CPU."""

    rate: float
    p95: float
    p99: float
    requests: int
    cpu: float


def missing() -> str | None:
    """What to do before load can be made."""
    return None if shutil.which("wrk") else "wrk is not installed: apt-get install wrk"


def load(server: Server, requests: str, *, folder: Path, connections: int, seconds: int) -> Load:
    """Run the Lua function `request` in *requests* for so long; one failed request fails the measurement."""
    script = folder / "load.lua"
    script.write_text(requests + _DONE)
    settings = ["-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "20s", "-s", str(script)]
    before = server.cpu()
    said = subprocess.run(["wrk", *settings, server.url], check=True, capture_output=True, text=True).stdout
    cpu = server.cpu() - before
    found = _SAID.search(said)
    if found is None or int(found[5]):
        raise RuntimeError(f"wrk did not get its answers: {said}")
    return Load(float(found[1]), float(found[2]), float(found[3]), int(found[4]), cpu)
