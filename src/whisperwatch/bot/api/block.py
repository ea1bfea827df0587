"""A stretch of the bot's work that its code marks: a block, sync or async, or each call of a function."""

from __future__ import annotations

import functools
import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, Self, TypeVar, cast

from whisperwatch.bot import guard
from whisperwatch.bot.instrument.bots import bots

Function = TypeVar("Function", bound=Callable[..., Any])


class Block(ABC):
    """A `with` or `async with` block, or a decorator of a function or coroutine function (each call is one).

    Begins only where a bot is watched, and ends only what has begun.
    """

    __slots__ = ("_began", "_name")
    kind: ClassVar[str]
    """What it is called where one of our hooks fails."""

    def __init__(self, name: str | None) -> None:
        self._name = name or ""
        """Without one it never begins."""
        self._began = False

    @abstractmethod
    def _begin(self) -> bool:
        """Begin; says whether there is something to end."""

    @abstractmethod
    def _end(self, error: BaseException | None) -> None:
        """End what `_begin` began; `error` leaves the block."""

    def __enter__(self) -> Self:
        if bots and self._name:
            try:
                self._began = self._begin()
            except Exception:
                guard.failed(self.kind)
        return self

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        if self._began:
            self._began = False
            try:
                self._end(error)
            except Exception:
                guard.failed(f"{self.kind} end")

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        self.__exit__(kind, error, traceback)

    def __call__(self, function: Function) -> Function:
        block, name = type(self), self._name
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def in_block_async(*args: Any, **kwargs: Any) -> Any:
                with block(name):
                    return await function(*args, **kwargs)

            return cast("Function", in_block_async)

        @functools.wraps(function)
        def in_block(*args: Any, **kwargs: Any) -> Any:
            with block(name):
                return function(*args, **kwargs)

        return cast("Function", in_block)


def outcome_of(error: BaseException | None) -> str:
    """How a block ended that this left."""
    if error is None:
        return "ok"
    return "failure" if isinstance(error, Exception) else "cancelled"
