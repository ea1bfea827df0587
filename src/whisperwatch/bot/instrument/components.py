"""Components and modals: a view's items, dynamic items, and what a modal submits.

Their tasks, too, start while the interaction is parsed, with the root current.
"""

from __future__ import annotations

from typing import Any

from discord import ui

from whisperwatch.bot import guard
from whisperwatch.bot.instrument.bots import bot_of
from whisperwatch.bot.instrument.event_roots import EventRoot
from whisperwatch.bot.instrument.events import count_error
from whisperwatch.bot.instrument.invocation import CommandCells, begin, cells_of, note_error
from whisperwatch.bot.instrument.outcomes import outcome_of
from whisperwatch.bot.recording.roots import live_root


def view_task(original: Any) -> Any:
    """`View._scheduled_task(item, interaction)` and `Modal._scheduled_task(interaction, …)`."""

    def _scheduled_task(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            is_item = isinstance(args[0], ui.Item)
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


def _about(root: Any, interaction: Any) -> None:
    if isinstance(root, EventRoot):
        root.subject = interaction
