"""Thread pools: work that is handed to one, also by `loop.run_in_executor`, belongs to the trace of who handed it over.

Only the OpenTelemetry context goes along; the bot's own context variables stay as they are without us.
`asyncio.to_thread` takes all of them along by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import thread
from typing import Any

from opentelemetry.context import Context

from whisperwatch.bot import guard
from whisperwatch.bot.instrument.libraries.library import Undo
from whisperwatch.bot.instrument.libraries.patching import LibraryPatches
from whisperwatch.bot.instrument.patches import Patch
from whisperwatch.bot.recording.current import enter, leave, read

_patches = LibraryPatches("Python")


def apply() -> Undo:
    """Patch the thread pool; returns what takes it back."""
    _patches.apply([Patch(thread.ThreadPoolExecutor, "submit", _submitting)])
    return _patches.undo


def _submitting(original: Any) -> Any:
    def submit(self: Any, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
        if _patches.on:
            try:
                context = read()
                if context:
                    fn = _within(context, fn)
            except Exception:
                guard.failed("thread pool")
        return original(self, fn, *args, **kwargs)

    return submit


def _within(context: Context, fn: Callable[..., Any]) -> Callable[..., Any]:
    def run(*args: Any, **kwargs: Any) -> Any:
        token = enter(context)
        try:
            return fn(*args, **kwargs)
        finally:
            leave(token)

    return run
