"""
docs/reference/cli.md, made from the commands themselves: `python tests/docs/docs_cli_page.py` writes it again.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from placet.interfaces.cli.main import main

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "cli.md"
WIDTH = 100
HEAD = """# Command line

This page is what `--help` says; a test makes it again and compares. Settings come from the environment or from
`placet.toml`: [settings](settings.md). Errors go to stderr as one line with their code ([errors](errors.md)).

| exit code | means |
|---|---|
| 0 | done; of `check`: yes |
| 1 | an error, or a finding (`ledger verify`, `audit`, `receipt verify`, `catalogue check`, `import` of refused rows) |
| 2 | a wrong setting, or a command line that cannot be read |
| 3 | of `check` only: no |

`placet receipt X` is short for `placet receipt make X`.
"""


def commands(command: click.Command, parent: click.Context | None = None, name: str = "placet") -> Iterator[str]:
    """The section of *command*, then those of its members."""
    context = click.Context(
        command, parent, name, terminal_width=WIDTH, help_option_names=main.context_settings["help_option_names"]
    )
    yield f"## {context.command_path}\n\n```text\n{command.get_help(context).rstrip()}\n```\n"
    if isinstance(command, click.Group):
        for member in command.list_commands(context):
            found = command.get_command(context, member)
            assert found is not None
            yield from commands(found, context, member)


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *commands(main)])


if __name__ == "__main__":
    if sys.argv[1:] == ["--print"]:
        sys.stdout.write(page())
    else:
        PAGE.write_text(page(), encoding="utf-8")
