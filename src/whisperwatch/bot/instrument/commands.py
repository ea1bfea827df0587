"""Prefix and hybrid commands that were called by a message."""

from __future__ import annotations

from typing import Any

from discord.ext import commands

from whisperwatch import semconv
from whisperwatch.bot import guard
from whisperwatch.bot.instrument.bots import bot_of
from whisperwatch.bot.instrument.invocation import CommandCells, Invocation, cells_of, note_error
from whisperwatch.bot.instrument.outcomes import outcome_of


def invoke(original: Any) -> Any:
    """`BotBase.invoke`: the one way to every command that a message calls."""

    async def invoke(self: Any, ctx: Any) -> None:
        command = ctx.command
        try:
            kept = getattr(command, "_whisperwatch", None)
            cells = kept[1] if kept is not None and kept[0] is self._whisperwatch else None
            if cells is None:
                cells = _cells(self, ctx)
            invocation = None if cells is None else Invocation(cells)
        except Exception:
            guard.failed("command")
            invocation = None
        if invocation is None:
            if _is_own(command):
                await command.invoke(ctx)
            else:
                await original(self, ctx)
            return
        try:
            await original(self, ctx)
        except BaseException as error:
            invocation.raised(error)
            raise
        finally:
            try:
                if (
                    invocation.error is None
                    and ctx.command is command
                    and not ctx.command_failed
                    and command is not None
                ):
                    invocation.complete("ok")
                else:
                    _complete(self, ctx, invocation)
            except Exception:
                guard.failed("command end")

    return invoke


def _complete(client: Any, ctx: Any, invocation: Invocation) -> None:
    if invocation.error is None and ctx.command is None:
        invocation.error = commands.CommandNotFound()
    invocation.complete(
        outcome_of(invocation.error, ctx.command_failed), _final(client, ctx, invocation.cells)
    )


def dispatch_error(original: Any) -> Any:
    """`Command.dispatch_error`: where discord.py takes a command's exception to the error handlers."""

    async def dispatch_error(self: Any, ctx: Any, error: Any) -> None:
        note_error(error)
        await original(self, ctx, error)

    return dispatch_error


def register(client: Any) -> None:
    """Make the cells of every registered command, so that they are exported as 0 from the start."""
    bot = bot_of(client)
    for command in client.walk_commands():
        cells_of(bot, command.qualified_name, _kind(command))


def _cells(client: Any, ctx: Any) -> CommandCells | None:
    command = ctx.command
    if _is_own(command):
        return None
    if command is None:
        return cells_of(bot_of(client), semconv.UNKNOWN_COMMAND, "prefix") if ctx.invoked_with else None
    if isinstance(command, commands.Group):
        command = _leaf(command, ctx.view)
    return _cells_of_command(client, command)


def _cells_of_command(client: Any, command: Any) -> CommandCells:
    """Found once, and kept on the command; a group's depend on the message's text, and are not."""
    bot = bot_of(client)
    cells = cells_of(bot, command.qualified_name, _kind(command))
    if not isinstance(command, commands.Group):
        command._whisperwatch = (bot, cells)
    return cells


def _is_own(command: Any) -> bool:
    """Whether it is one of our admin commands: nothing around them is the bot's, and nothing of them is recorded."""
    return getattr(command, "is_whisperwatch", False) is True


def _leaf(command: Any, view: Any) -> Any:
    """The sub-command that the text asks for, without moving the reader's place in it."""
    index, previous = view.index, view.previous
    try:
        while isinstance(command, commands.Group):
            view.skip_ws()
            found = command.all_commands.get(view.get_word())
            if found is None:
                break
            command = found
    finally:
        view.index, view.previous = index, previous
    return command


def _final(client: Any, ctx: Any, cells: CommandCells) -> CommandCells | None:
    """The command that ran in the end: a group that reads arguments of its own can't be foreseen."""
    command = ctx.command
    if command is None:
        return None
    ran = _cells_of_command(client, command)
    return None if ran is cells else ran


def _kind(command: Any) -> str:
    return "hybrid" if isinstance(command, commands.HybridCommand | commands.HybridGroup) else "prefix"
