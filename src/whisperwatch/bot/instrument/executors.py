"""Thread pools: what a message's work gives to a pool's thread belongs to the message there too.

`asyncio.to_thread` copies the context. `loop.run_in_executor` doesn't; with any loop it ends in
`ThreadPoolExecutor.submit`, which is patched. Only OpenTelemetry's context is carried, where a root is current, and
only while the function runs: the bot's own context variables are in the thread what they are without us.
"""

from __future__ import annotations

from typing import Any

from opentelemetry.context import Context

from whisperwatch.bot.recording.current import ROOT_KEY, enter, leave, read


def submit(original: Any) -> Any:
    """`ThreadPoolExecutor.submit`."""

    def submit(self: Any, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
        context = read()
        if ROOT_KEY in context:
            return original(self, _within, context, fn, *args, **kwargs)
        return original(self, fn, *args, **kwargs)

    return submit


def _within(context: Context, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
    token = enter(context)
    try:
        return fn(*args, **kwargs)
    finally:
        leave(token)
