"""`is2`: every command of the platform. Carts add theirs by the entry point group `is2.commands`."""

from __future__ import annotations

import getpass
import importlib
import os
from importlib.metadata import entry_points
from typing import Any

import click

from is2_core.audit import Actor, acting
from is2_core.config import warnings
from is2_core.errors import CannotStart

COMMAND_GROUP = "is2.commands"
# Imported when asked for: `is2 worker` must not pay for the demo, nor a machine without test tools for the explorer.
_OURS = {
    "account": "cli.people:account",
    "admin": "cli.people:admin",
    "advance": "cli.advance:advance",
    "audit": "cli.audit_log.verifying:audit",
    "db": "cli.database:db",
    "demo": "cli.demo.command:demo",
    "dispatcher": "cli.services:dispatcher",
    "explore": "exploration.command:explore",
    "incident": "cli.audit_log.incident:incident",
    "keys": "cli.keys:keys",
    "privacy": "cli.privacy:privacy",
    "up": "cli.up:up",
    "user": "cli.people:user",
    "web": "cli.services:web",
    "worker": "cli.services:worker",
}


class Commands(click.Group):
    """Our commands and those of the installed carts; one that cannot be loaded stays listed and says why."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*_OURS, *(entry.name for entry in entry_points(group=COMMAND_GROUP))})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in _OURS:
            module, _, attribute = _OURS[cmd_name].partition(":")
        else:
            found = next((entry for entry in entry_points(group=COMMAND_GROUP) if entry.name == cmd_name), None)
            if found is None:
                return None
            module, attribute = found.module, found.attr
        try:
            command = getattr(importlib.import_module(module), attribute)
        except Exception as error:  # whatever a plugin's import raises must not take the other commands away
            return _broken(cmd_name, f"{type(error).__name__}: {error}")
        return command if isinstance(command, click.Command) else _broken(cmd_name, f"{module} holds no command")

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; in which environment it cannot is told in one line, whichever command it is."""
        try:
            for message in warnings():
                click.echo(f"Warning: {message}", err=True)
            with acting(Actor(name=f"command line ({_os_user()})", role="command line")):
                return super().invoke(ctx)
        except CannotStart as error:
            raise click.ClickException(str(error)) from error


def _os_user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no entry for this number, as in a container
        return f"number {os.getuid()}"


def _broken(name: str, detail: str) -> click.Command:
    message = f"The command {name} could not be loaded ({detail})."

    def refuse() -> None:
        raise click.ClickException(message)

    # Whatever follows the name belongs to the command that is not there.
    return click.Command(
        name,
        callback=refuse,
        help=message,
        short_help=f"Not available ({detail}).",
        context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
    )


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="is2", prog_name="is2")
def main() -> None:
    """IS2, the integration server: orders in from shops, tracking and stock back out."""


if __name__ == "__main__":
    main()
