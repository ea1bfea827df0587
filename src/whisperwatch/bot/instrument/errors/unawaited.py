"""Tasks that failed, and that nobody awaited: asyncio tells the loop's exception handler of them when they are gone."""

from __future__ import annotations

from typing import Any

from whisperwatch.bot import guard
from whisperwatch.bot.instrument.errors.counting import note
from whisperwatch.bot.recording.current import ROOT_KEY, read
from whisperwatch.bot.recording.roots import Root


def call_exception_handler(original: Any) -> Any:
    """`BaseEventLoop.call_exception_handler`: the bot's own handler, or asyncio's, gets to hear of it as without us."""

    def call_exception_handler(self: Any, context: dict[str, Any]) -> Any:
        try:
            error = context.get("exception")
            if isinstance(error, Exception):
                note(error, root=_root_of(context.get("task") or context.get("future")), swallowed=True)
        except Exception:
            guard.failed("unawaited task")
        return original(self, context)

    return call_exception_handler


def _root_of(task: Any) -> Root | None:
    """The root that the task worked for: its own context is what it ran in (Python 3.12 and newer tell it)."""
    get_context = getattr(task, "get_context", None)
    root = get_context().run(lambda: read().get(ROOT_KEY)) if get_context is not None else None
    return root if isinstance(root, Root) else None
