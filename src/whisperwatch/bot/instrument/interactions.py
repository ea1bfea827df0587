"""Slash commands, context menus and autocomplete.

discord.py starts their tasks while it parses the interaction; the root is current there (`gateway`), and whoever makes
a task's coroutine here holds it.
"""

from __future__ import annotations

from typing import Any

from discord import InteractionType
from discord.ext.commands.hybrid import HybridAppCommand

from whisperwatch import semconv
from whisperwatch.bot import guard
from whisperwatch.bot.instrument.bots import MOST_CELLS, bot_of
from whisperwatch.bot.instrument.invocation import (
    CommandCells,
    Invocation,
    cells_of,
    current_invocation,
    note_error,
)
from whisperwatch.bot.instrument.outcomes import outcome_of, passes_through
from whisperwatch.bot.recording.current import ROOT_KEY, read
from whisperwatch.bot.recording.roots import live_root


def from_interaction(original: Any) -> Any:
    """`CommandTree._from_interaction` makes the task: hold the root until `_call` or `_dispatch_error` is over."""

    def _from_interaction(self: Any, interaction: Any) -> None:
        try:
            root: Any = read().get(ROOT_KEY)
            if root is not None:
                root.pending += 1
                root.subject = interaction
        except Exception:
            guard.failed("interaction")
        original(self, interaction)

    return _from_interaction


def call(original: Any) -> Any:
    """`CommandTree._call`: the one way to every application command."""

    async def _call(self: Any, interaction: Any) -> None:
        root: Any = read().get(ROOT_KEY)
        invocation = _begin(self, interaction)
        handled_later = False
        try:
            await original(self, interaction)
        except BaseException as raised:
            handled_later = root is not None and passes_through(raised)
            if invocation is not None:
                invocation.raised(raised)
            raise
        finally:
            if not handled_later:
                _end(invocation, interaction, root)

    return _call


def dispatch_error(original: Any) -> Any:
    """`CommandTree._dispatch_error`: what `_call` raised, taken to the error handlers."""

    async def _dispatch_error(self: Any, interaction: Any, error: Any) -> None:
        try:
            await original(self, interaction, error)
        except BaseException as raised:
            if (invocation := current_invocation()) is not None:
                invocation.raised(raised)
            raise
        finally:
            _end(current_invocation(), interaction, live_root())

    return _dispatch_error


def invoke_error_handlers(original: Any) -> Any:
    """`Command._invoke_error_handlers`: where discord.py takes a command's exception to the error handlers."""

    async def _invoke_error_handlers(self: Any, interaction: Any, error: Any) -> None:
        note_error(error)
        await original(self, interaction, error)

    return _invoke_error_handlers


def observed(original: Any) -> Any:
    """Where an application command's own exception passes, before discord.py gives it to the error handlers."""

    async def invoke(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return await original(self, *args, **kwargs)
        except BaseException as error:
            note_error(error)
            raise

    return invoke


def register(client: Any) -> None:
    """Make the cells of every registered application command, so that they are exported as 0 from the start."""
    tree = getattr(client, "tree", None) or client._connection._command_tree
    if tree is None:
        return
    bot = bot_of(client)
    for kind in (None, *_menu_types()):
        for command in tree.walk_commands() if kind is None else tree.walk_commands(type=kind):
            if not hasattr(command, "walk_commands"):
                name = command.qualified_name
                cells_of(bot, name, "context_menu" if kind else _slash_kind(command))


def _menu_types() -> tuple[Any, Any]:
    from discord import AppCommandType

    return AppCommandType.user, AppCommandType.message


def _begin(tree: Any, interaction: Any) -> Invocation | None:
    try:
        bot, data = bot_of(tree.client), interaction.data
        options = data.get("options")
        name = _path(data, options) if options else data["name"]
        key = (interaction.type, data.get("type", 1), name)
        return Invocation(bot.cells.get(key) or _registered(bot, interaction, key))
    except Exception:
        guard.failed("app command")
        return None


def _registered(bot: Any, interaction: Any, key: Any) -> CommandCells:
    command = interaction.command
    if command is None:
        return cells_of(bot, semconv.UNKNOWN_COMMAND, "slash")
    if interaction.type is InteractionType.autocomplete:
        kind = "autocomplete"
    elif key[1] != 1:
        kind = "context_menu"
    else:
        kind = _slash_kind(command)
    cells = cells_of(bot, command.qualified_name, kind)
    if len(bot.cells) < MOST_CELLS:
        bot.cells[key] = cells
    return cells


def _slash_kind(command: Any) -> str:
    return "hybrid" if isinstance(command, HybridAppCommand) else "slash"


def _path(data: Any, options: Any) -> str:
    """The qualified name in an interaction's data: types 1 and 2 are sub-commands and their groups."""
    name: str = data["name"]
    while options and options[0].get("type") in (1, 2):
        name = f"{name} {options[0]['name']}"
        options = options[0].get("options")
    return name


def _end(invocation: Invocation | None, interaction: Any, root: Any) -> None:
    try:
        if invocation is not None:
            if invocation.error is not None:
                invocation.complete(outcome_of(invocation.error))
            else:  # a failure without an exception: the tree's interaction_check refused it
                invocation.complete("user_error" if interaction.command_failed else "ok")
    except Exception:
        guard.failed("app command end")
    if root is not None:
        root.release()
