"""Slash commands, context menus, autocomplete, components and modals.

discord.py starts their tasks while it parses the interaction; the root is current there (`gateway`), and whoever makes
a task's coroutine here holds it.
"""

from __future__ import annotations

from typing import Any

from discord import InteractionType
from discord.ext.commands.hybrid import HybridAppCommand

from whisperwatch import semconv
from whisperwatch.bot import guard
from whisperwatch.bot.instrument.bots import EventRoot, bot_of
from whisperwatch.bot.instrument.events import count_error
from whisperwatch.bot.instrument.invocation import CommandCells, Invocation, begin, cells_of, note_error
from whisperwatch.bot.instrument.outcomes import outcome_of, passes_through
from whisperwatch.bot.recording.roots import live_root


def from_interaction(original: Any) -> Any:
    """`CommandTree._from_interaction` makes the task: hold the root until `_call` or `_dispatch_error` is over."""

    def _from_interaction(self: Any, interaction: Any) -> None:
        root = live_root()
        if root is not None:
            root.hold()
            _about(root, interaction)
        original(self, interaction)

    return _from_interaction


def call(original: Any) -> Any:
    """`CommandTree._call`: the one way to every application command."""

    async def _call(self: Any, interaction: Any) -> None:
        root = live_root()
        invocation = _begin(self, interaction)
        error: BaseException | None = None
        try:
            await original(self, interaction)
        except BaseException as raised:
            error = raised
            if invocation is not None:
                invocation.error = raised
            raise
        finally:
            if invocation is not None:
                _end(invocation, interaction)
            if root is not None and not passes_through(error):
                root.release()

    return _call


def dispatch_error(original: Any) -> Any:
    """`CommandTree._dispatch_error`: what `_call` raised, taken to the error handlers."""

    async def _dispatch_error(self: Any, interaction: Any, error: Any) -> None:
        root = live_root()
        try:
            await original(self, interaction, error)
        finally:
            if root is not None:
                root.release()

    return _dispatch_error


def observed(original: Any) -> Any:
    """Where an application command's own exception passes, before discord.py gives it to the error handlers."""

    async def invoke(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return await original(self, *args, **kwargs)
        except BaseException as error:
            note_error(error)
            raise

    return invoke


def view_task(original: Any) -> Any:
    """`View._scheduled_task(item, interaction)` and `Modal._scheduled_task(interaction, …)`."""

    def _scheduled_task(self: Any, *args: Any, **kwargs: Any) -> Any:
        coro = original(self, *args, **kwargs)
        try:
            interaction = next(a for a in args if hasattr(a, "response"))
            item = None if args[0] is interaction else args[0]
            return _run_component(coro, _component_name(self, item), item is not None, self, interaction)
        except Exception:
            guard.failed("component")
            return coro

    return _scheduled_task


def dynamic_item(original: Any) -> Any:
    """`ViewStore.schedule_dynamic_item_call`."""

    def schedule_dynamic_item_call(
        self: Any, component_type: int, factory: Any, interaction: Any, custom_id: str, match: Any
    ) -> Any:
        name = getattr(factory, "__name__", "dynamic item")
        coro = original(self, component_type, _Factory(factory), interaction, custom_id, match)
        try:
            return _run_component(coro, name, True, None, interaction)
        except Exception:
            guard.failed("dynamic item")
            return coro

    return schedule_dynamic_item_call


class _Factory:
    """A dynamic item's class, whose items tell of an exception that discord.py only logs."""

    def __init__(self, factory: Any) -> None:
        self._factory = factory

    async def from_custom_id(self, *args: Any) -> Any:
        try:
            item = await self._factory.from_custom_id(*args)
            callback = item.callback
        except Exception as error:
            note_error(error)
            raise

        async def told(interaction: Any) -> Any:
            try:
                return await callback(interaction)
            except Exception as error:
                note_error(error)
                raise

        item.callback = told
        return item

    def __repr__(self) -> str:
        return repr(self._factory)


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


def _run_component(coro: Any, name: str, is_component: bool, owner: Any, interaction: Any) -> Any:
    root = live_root()
    if root is not None:
        root.hold()
        _about(root, interaction)
    bot = bot_of(interaction.client)
    if owner is not None:
        _tell_errors(owner)
    return _component(coro, bot, cells_of(bot, name, "component" if is_component else "modal"), root)


async def _component(coro: Any, bot: Any, cells: CommandCells, root: Any) -> Any:
    invocation = begin(bot, cells)
    try:
        return await coro
    except BaseException as error:
        if invocation is not None:
            invocation.error = error
        raise
    finally:
        if invocation is not None:
            try:
                invocation.end(outcome_of(invocation.error))
                if invocation.error is not None:
                    count_error(bot, "interaction", invocation.error)
            except Exception:
                guard.failed("component end")
        if root is not None:
            root.release()


def _tell_errors(owner: Any) -> None:
    """Let this view's or modal's `on_error` tell us of the exception that it is given."""
    on_error = owner.on_error
    if getattr(on_error, "_whisperwatch", False):
        return

    async def told(interaction: Any, error: Any, *rest: Any) -> Any:
        note_error(error)
        return await on_error(interaction, error, *rest)

    told._whisperwatch = True  # type: ignore[attr-defined]
    owner.on_error = told


def _component_name(owner: Any, item: Any) -> str:
    name = type(owner).__name__
    if item is None:
        return name
    decorated = getattr(getattr(item, "callback", None), "callback", None)
    return f"{name}.{getattr(decorated, '__name__', None) or type(item).__name__}"


def _begin(tree: Any, interaction: Any) -> Invocation | None:
    try:
        bot = bot_of(tree.client)
        name = _path(interaction.data)
        key = (interaction.type, interaction.data.get("type", 1), name)
        cells = bot.cells.get(key)
        if cells is None:
            cells = _registered(bot, interaction, key)
        return begin(bot, cells)
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
    if len(bot.cells) < 20_000:
        bot.cells[key] = cells
    return cells


def _slash_kind(command: Any) -> str:
    return "hybrid" if isinstance(command, HybridAppCommand) else "slash"


def _path(data: Any) -> str:
    """The qualified name in an interaction's data: types 1 and 2 are sub-commands and their groups."""
    name: str = data["name"]
    options = data.get("options")
    while options and options[0].get("type") in (1, 2):
        name = f"{name} {options[0]['name']}"
        options = options[0].get("options")
    return name


def _end(invocation: Invocation, interaction: Any) -> None:
    try:
        if invocation.error is None and interaction.command_failed:
            invocation.end("user_error")  # the tree's interaction_check refused it
        else:
            invocation.end(outcome_of(invocation.error))
    except Exception:
        guard.failed("app command end")


def _about(root: Any, interaction: Any) -> None:
    if isinstance(root, EventRoot):
        root.subject = interaction


