"""Writes the tables of docs/reference/benchmarks.md from bench/results/: `python -m bench.page`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).parent.parent
PAGE = _ROOT / "docs" / "reference" / "benchmarks.md"
RESULTS = _ROOT / "bench" / "results"
TABLES = ("core", "faces", "offers", "mobility")
_HEAD = "| what | n | ratio | ours | peer | CPU an operation | must |\n|---|---|---|---|---|---|---|"


def table(result: dict[str, Any]) -> str:
    """The measured rows, the ratio first; a peer that is only shown has none."""
    machine = (
        f"{result['cores']} cores, {round(result['memory_mib'] / 1024)} GiB of memory;"
        f" load average up to {result['load']:.1f}."
    )
    if result["load"] > 2 * result["cores"]:
        machine += " The machine had other work: the ratios count, times and rates are those of a share of it."
    return "\n".join([machine, "", _HEAD, *map(_line, result["rows"])])


def _line(row: dict[str, Any]) -> str:
    unit = row["unit"]
    peer = "" if row["peer"] is None else row["peer"]
    if row["peer_value"] is not None:
        peer += f": {_number(row['peer_value'])} {unit}"
    ratio = "" if row["ratio"] is None else f"**{_number(row['ratio'])}×**"
    cpu = row.get("cpu_us")
    cells = [
        row["what"], _number(row["n"]), ratio, f"{_number(row['value'])} {unit}", peer,
        "" if cpu is None else _time(cpu), row.get("must", ""),
    ]  # fmt: skip
    return "| " + " | ".join(cells) + " |"


def _number(value: float) -> str:
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _time(microseconds: float) -> str:
    for unit, size in (("s", 1e6), ("ms", 1e3)):
        if microseconds >= size:
            return f"{microseconds / size:.3g} {unit}"
    return f"{microseconds:.3g} µs"


def main() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for name in TABLES:
        begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
        before, _, rest = page.partition(begin)
        _, _, after = rest.partition(end)
        result = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
        page = f"{before}{begin}\n{table(result)}\n{end}{after}"
    PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
