"""A group of commands each of which is imported when it is named."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click


class WholeSentences(click.Group):
    """A click group whose help tells of each command in a whole sentence, on as many lines as that takes."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what the commands do."""
        commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        told = [(name, each.get_short_help_str(limit=1000)) for name, each in commands if each and not each.hidden]
        if told:
            with formatter.section("Commands"):
                formatter.write_dl(told)


class LazyGroup(WholeSentences):
    """A click group that knows its commands by where they stand, as "module:attribute".

    All of them are imported only where all are shown: in the group's help and when a shell completes a command's
    name. One life of the process needs one command, and to import every other would take longer than most do.
    """

    def __init__(self, *args: Any, places: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._places = places

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, sorted."""
        return sorted({*self._places, *super().list_commands(ctx)})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of that name; None if there is none."""
        return self.load(cmd_name) if cmd_name in self._places else super().get_command(ctx, cmd_name)

    def load(self, name: str) -> click.Command:
        """Import the command of that name; raise `KeyError` if there is none."""
        module, _, attribute = self._places[name].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def load_all(self) -> tuple[click.Command, ...]:
        """Import all commands."""
        return tuple(self.load(name) for name in self._places)
