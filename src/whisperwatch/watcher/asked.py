"""What is asked on the tape, by a bot for its admins or by a terminal: bounded, and always answered."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from whisperwatch import tape
from whisperwatch.questions import BY_NAME
from whisperwatch.semconv import OTHER_QUESTION, OUTCOME, QUESTION, SELF_ASKED
from whisperwatch.watcher.connection import Connection
from whisperwatch.watcher.records import LocalStream

_logger = logging.getLogger(__name__)
MOST: Final = 64
"""Questions that are being answered at once, of all who ask."""
_LONGEST_S: Final = 9.0
"""Who asks waits ten."""

Answer = Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]
"""From a question and its arguments to an ANSWER's dict. What it raises is logged, and told of as a failure."""


async def no_answer(question: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """The answer of a watcher that has none."""
    return failure(f"This watcher does not know the question {question!r:.40}.")


def failure(error: str) -> dict[str, Any]:
    """An ANSWER that says why there is none."""
    return {"embeds": [], "text": error, "status": None, "error": error}


class Asked:
    """Questions that are being answered.

    Args:
        answer: answers them.
        own: takes the count of them.
    """

    def __init__(self, answer: Answer, own: LocalStream) -> None:
        self._answer, self._own = answer, own
        self._tasks: set[asyncio.Task[None]] = set()
        for question in BY_NAME:
            own.add(SELF_ASKED, 0, {QUESTION: question, OUTCOME: "ok"})

    @property
    def busy(self) -> bool:
        """Whether somebody waits for an answer."""
        return bool(self._tasks)

    def take(self, connection: Connection, asked: Sequence[Any]) -> None:
        """Answer in a task of its own; the tape goes on.

        Raises:
            TapeError: it is no question.
        """
        number, question, arguments = _checked(asked)
        if len(self._tasks) >= MOST:
            connection.send((tape.ANSWER, number, failure("Too much is asked at once: ask again later.")))
            return
        task = asyncio.create_task(self._reply(connection, number, question, arguments))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def terminal(self, connection: Connection, asked: Sequence[Any]) -> None:
        """Answer the one question of a connection.

        Raises:
            TapeError: it is no question.
        """
        await self._reply(connection, *_checked(asked))

    async def close(self) -> None:
        """Answer nothing more."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _reply(
        self, connection: Connection, number: int, question: str, arguments: dict[str, Any]
    ) -> None:
        try:
            async with asyncio.timeout(_LONGEST_S):
                answer = await self._answer(question, arguments)
        except TimeoutError:
            answer = failure("The watcher could not answer in time.")
        except Exception:
            _logger.exception("the question %r could not be answered", question)
            answer = failure("The watcher failed to answer; its log says why.")
        self._count(question, answer.get("error"))
        connection.send((tape.ANSWER, number, answer))

    def _count(self, question: str, error: Any) -> None:
        named = question if question in BY_NAME else OTHER_QUESTION
        self._own.add(SELF_ASKED, 1, {QUESTION: named, OUTCOME: "failure" if error else "ok"})


def _checked(asked: Sequence[Any]) -> tuple[int, str, dict[str, Any]]:
    match asked:
        case [int() as number, str() as question, dict() as arguments]:
            return number, question, arguments
    raise tape.TapeError(f"{asked!r:.60} is no question")
