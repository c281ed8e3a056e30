"""
Plays the console blocks of a page: what stands after `$ ` is typed into one shell, what stands below must be its
answer. A line that begins with `> ` goes on with the command above it.

`…` in an answer stands for anything within the line, and a line of `…` for any number of lines. Where a block shows no
answers at all, its commands must succeed. `<!-- not played: why -->` before a block leaves it out; a `text` block is
plain output. Each block starts where the one before it ended: folder and variables stay.

Starting Python for each command would take longer than everything else, so `placet` in that shell is a short client of
a process that has the program loaded and forks for each command (`loaded`).
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import attrs

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
MARK = "<!-- not played:"
PATIENCE = 120.0
"""Seconds after which a command that hangs is ended."""
_BLOCK = re.compile(r"^(?P<before>[^\n]*)\n+```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@attrs.frozen
class Block:
    """One fenced block of a page."""

    page: Path
    line: int
    language: str
    text: str
    left_out: bool

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    def exchanges(self) -> Iterator[tuple[str, list[str]]]:
        """Each command, with the lines below it that go on with `> `, and the lines that it must print."""
        command, answer = "", []
        for line in self.text.splitlines():
            if line.startswith("$ "):
                if command:
                    yield command, answer
                command, answer = line[2:], []
            elif line.startswith("> ") and not answer:
                command += "\n" + line[2:]
            else:
                answer.append(line)
        yield command, answer


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of *page*, in order."""
    text = "\n" + page.read_text(encoding="utf-8")
    return [
        Block(
            page,
            text.count("\n", 0, match.start("text")) - 1,
            match["language"],
            match["text"],
            match["before"].startswith(MARK),
        )
        for match in _BLOCK.finditer(text)
    ]


def fits(expected: list[str], said: list[str]) -> bool:
    """Whether *said* is what the page shows."""
    pattern = "".join(
        r"(?:[^\n]*\n)*" if line.strip() == "…" else re.escape(line.rstrip()).replace("…", r"[^\n]*") + r"[ ]*\n"
        for line in expected
    )
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in said)) is not None


class Shell:
    """One bash that stays open, with `placet` on its path."""

    def __init__(self, folder: Path, environment: Mapping[str, str], replaced: Mapping[str, str]) -> None:
        self.status = 0
        self._replaced = replaced
        self._bash = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
        )

    def type(self, command: str) -> list[str]:
        """The lines that *command* prints, on stdout and stderr."""
        assert self._bash.stdin is not None
        assert self._bash.stdout is not None
        for shown, real in self._replaced.items():
            command = command.replace(shown, real)
        end = f"end-of-answer-{time.monotonic_ns()}"
        # `(exit $status)` hands the command's own exit code to the next one.
        self._bash.stdin.write(f"{command}\nstatus=$?; echo; echo {end} $status; (exit $status)\n")
        self._bash.stdin.flush()
        lines: list[str] = []
        late = threading.Timer(PATIENCE, self._bash.kill)
        late.start()
        for line in self._bash.stdout:
            if line.startswith(end):
                self.status = int(line.split()[1])
                break
            lines.append(line.rstrip("\n"))
        else:
            lines.append("the shell ended, or did not answer in time")
            self.status = 1
        late.cancel()
        # One line break is ours, unless the answer had none at its end.
        if lines and lines[-1] == "":
            lines.pop()
        for shown, real in self._replaced.items():
            lines = [line.replace(real, shown) for line in lines]
        return lines

    def play(self, block: Block) -> None:
        """Type the commands of *block*; an answer that is not the one shown fails the test."""
        exchanges = list(block.exchanges())
        shows = any(answer for _, answer in exchanges)
        for command, expected in exchanges:
            said = self.type(command)
            if not shows:
                assert self.status == 0, "\n".join([f"{block}: $ {command}", *said])
                continue
            assert fits(expected, said), "\n".join([f"{block}: $ {command}", "--- shown", *expected, "--- said", *said])

    def close(self) -> None:
        with contextlib.suppress(BrokenPipeError):
            self._bash.communicate("exit\n", timeout=20)


@contextlib.contextmanager
def loaded(folder: Path) -> Iterator[Path]:
    """A folder for the path, with a `placet` that needs no time to start (once `folder`/placet.socket is there)."""
    programs, socket = folder / "bin", folder / "placet.socket"
    programs.mkdir()
    program = programs / "placet"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -S -E {HERE / "docs_client.py"} {socket} "$@"\n')
    program.chmod(0o755)
    process = subprocess.Popen([sys.executable, str(HERE / "docs_forks.py"), str(socket)])
    try:
        yield programs
    finally:
        process.terminate()
        process.wait(timeout=10)


def environment(*programs: Path, **more: str) -> dict[str, str]:
    """What a shell of a page may know: nothing of the settings that the tests themselves run under."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PLACET_", "PYTEST_"))}
    path = [*map(str, programs), str(Path(sys.executable).parent), kept.get("PATH", os.defpath)]
    return {**kept, "PATH": ":".join(path), "LC_ALL": "C.UTF-8", "PYTHONIOENCODING": "utf-8", "NO_COLOR": "1", **more}
