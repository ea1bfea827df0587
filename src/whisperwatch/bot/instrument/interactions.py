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
from whisperwatch.bot.instrument.bots import MOST_CELLS, EventRoot, bot_of
from whisperwatch.bot.instrument.events import count_error
from whisperwatch.bot.instrument.invocation import (
    CommandCells,
    Invocation,
    begin,
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


def view_task(original: Any) -> Any:
    """`View._scheduled_task(item, interaction)` and `Modal._scheduled_task(interaction, …)`."""

    def _scheduled_task(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            is_item = not hasattr(args[0], "response")
            interaction = args[1] if is_item else args[0]
            teller = _Teller(self, args[0] if is_item else None)
            name = _component_name(self, args[0] if is_item else None)
            coro = original(teller, *((teller.item, *args[1:]) if is_item else args), **kwargs)
        except Exception:
            guard.failed("component")
            return original(self, *args, **kwargs)
        return _run_component(coro, name, "component" if is_item else "modal", teller, interaction)

    return _scheduled_task


class _Teller:
    """Stands before a view or modal in discord.py's own function that runs one of its items: tells of the exception
    that `on_error` is given, and whether the checks let the user through. Everything that the user wrote gets the
    view and the item themselves."""

    __slots__ = ("_item", "_view", "item", "let_through")

    def __init__(self, view: Any, item: Any) -> None:
        set_own = object.__setattr__
        set_own(self, "_view", view)
        set_own(self, "_item", item)
        set_own(self, "item", None if item is None else _TellingItem(self, item))
        set_own(self, "let_through", False)

    def __getattr__(self, name: str) -> Any:
        if name == "on_submit":
            object.__setattr__(self, "let_through", True)
        return getattr(self._view, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._view, name, value)

    async def on_error(self, interaction: Any, error: Any, *item: Any) -> Any:
        note_error(error)
        return await self._view.on_error(interaction, error, *((self._item,) if item else ()))


class _TellingItem:
    __slots__ = ("_item", "_teller")

    def __init__(self, teller: _Teller, item: Any) -> None:
        self._teller = teller
        self._item = item

    def __getattr__(self, name: str) -> Any:
        if name == "callback":
            object.__setattr__(self._teller, "let_through", True)
        return getattr(self._item, name)


def dynamic_item(original: Any) -> Any:
    """`ViewStore.schedule_dynamic_item_call`."""

    def schedule_dynamic_item_call(
        self: Any, component_type: int, factory: Any, interaction: Any, custom_id: str, match: Any
    ) -> Any:
        try:
            teller = _Factory(factory)
            name = factory.__name__
            coro = original(self, component_type, teller, interaction, custom_id, match)
        except Exception:
            guard.failed("dynamic item")
            return original(self, component_type, factory, interaction, custom_id, match)
        return _run_component(coro, name, "component", teller, interaction)

    return schedule_dynamic_item_call


class _Factory:
    """Stands before a dynamic item's class: tells of an exception that discord.py only logs, and whether the item's
    check let the user through."""

    def __init__(self, factory: Any) -> None:
        self._factory = factory
        self.let_through = False

    async def from_custom_id(self, *args: Any) -> Any:
        try:
            item = await self._factory.from_custom_id(*args)
        except Exception as error:
            note_error(error)
            raise
        plain = item.callback

        async def callback(interaction: Any) -> Any:
            del item.callback
            self.let_through = True
            try:
                return await plain(interaction)
            except Exception as error:
                note_error(error)
                raise

        item.callback = callback
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


def _run_component(coro: Any, name: str, kind: str, teller: Any, interaction: Any) -> Any:
    root = live_root()
    try:
        if root is not None:
            _about(root, interaction)
        bot = bot_of(interaction.client)
        cells = cells_of(bot, name, kind)
    except Exception:
        guard.failed("component")
        return coro
    if root is not None:
        root.hold()
    return _component(coro, bot, cells, teller, root)


async def _component(coro: Any, bot: Any, cells: CommandCells, teller: Any, root: Any) -> Any:
    invocation = begin(cells)
    try:
        return await coro
    except BaseException as error:
        if invocation is not None:
            invocation.raised(error)
        raise
    finally:
        if invocation is not None:
            try:
                outcome = outcome_of(invocation.error)
                if invocation.error is None:
                    outcome = "ok" if teller.let_through else "user_error"
                elif outcome == "failure":
                    count_error(bot, "interaction", invocation.error)
                invocation.complete(outcome)
            except Exception:
                guard.failed("component end")
        if root is not None:
            root.release()


def _component_name(owner: Any, item: Any) -> str:
    name = type(owner).__name__
    if item is None:
        return name
    decorated = getattr(getattr(item, "callback", None), "callback", None)
    return f"{name}.{getattr(decorated, '__name__', None) or type(item).__name__}"


def _begin(tree: Any, interaction: Any) -> Invocation | None:
    try:
        bot, data = tree.client._whisperwatch, interaction.data
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


def _about(root: Any, interaction: Any) -> None:
    if isinstance(root, EventRoot):
        root.subject = interaction
