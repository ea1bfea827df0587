"""`Tracer.start_as_current_span`: a `with` block, without the two generators that the API makes one of."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from opentelemetry import trace
from opentelemetry.trace import Status, StatusCode

from whisperwatch.bot.recording.current import enter_span, leave


class SpanBlock(AbstractContextManager[trace.Span]):
    """Starts a span and makes it current; notes an exception that leaves the block, and ends the span.

    As a decorator it does so at each call, for a coroutine function until the coroutine is done.
    """

    def __init__(
        self,
        start: Callable[..., trace.Span],
        how: tuple[Any, ...],
        record: bool,
        set_status: bool,
        end: bool,
    ) -> None:
        self._start = start
        self._how = how
        self._record = record
        self._set_status = set_status
        self._end = end

    def __enter__(self) -> trace.Span:
        span = self._span = self._start(*self._how)
        self._token = enter_span(span)
        return span

    def __exit__(self, kind: Any, exception: BaseException | None, traceback: Any) -> None:
        leave(self._token)
        try:
            if isinstance(exception, Exception):
                self._note(exception)
        finally:
            if self._end:
                self._span.end()

    def _note(self, exception: Exception) -> None:
        span = self._span
        if not span.is_recording():
            return
        if self._record:
            span.record_exception(exception)
        if self._set_status:
            span.set_status(Status(StatusCode.ERROR, f"{type(exception).__name__}: {exception}"))

    def _anew(self) -> SpanBlock:
        return SpanBlock(self._start, self._how, self._record, self._set_status, self._end)

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def in_block_async(*args: Any, **kwargs: Any) -> Any:
                with self._anew():
                    return await function(*args, **kwargs)

            return in_block_async

        @functools.wraps(function)
        def in_block(*args: Any, **kwargs: Any) -> Any:
            with self._anew():
                return function(*args, **kwargs)

        return in_block
