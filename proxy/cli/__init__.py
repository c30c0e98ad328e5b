"""The command `joch`: one module per subcommand, imported when it is asked for, so that `joch serve` starts at once.

Exit codes: 0 ok, 1 a negative answer (not valid by --strict, a check failed, the port is taken), 2 wrong usage or a
configuration with errors, 3 the router cannot be reached. No command prints a secret's value.
"""

from __future__ import annotations

from importlib import import_module

import click

COMMANDS = {
    "serve": "start the router",
    "validate": "check a configuration and print every problem",
    "models": "what can be asked for, and what each model can do",
    "route": "where the calls of an execution went, and why",
    "describe": "a route with its candidates, or an execution, as they are now",
    "keys": "make keys that clients are recognised by",
    "providers": "the installed providers and the keys they look for",
    "doctor": "find out why something does not work",
    "version": "the version of joch and of what it runs on",
}
"""Subcommand to its line in the help; each is a module of this package with a `command`."""


class _Commands(click.Group):
    """Finds subcommands by name without importing the others."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        found = import_module(f"{__name__}.{cmd_name}").command
        return found if isinstance(found, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """A model router that speaks OpenAI: one base URL, every provider."""
