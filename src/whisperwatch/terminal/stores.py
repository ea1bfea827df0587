"""The stores that a terminal asks: those of the settings, else the embedded one of a state directory."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, TypeVar

from whisperwatch.ask import state_option
from whisperwatch.state import VARIABLE
from whisperwatch.watcher import settings as all_settings
from whisperwatch.watcher.query.answers import Answer
from whisperwatch.watcher.query.asking import Asking
from whisperwatch.watcher.query.choosing import FILE, Stores, store_path
from whisperwatch.watcher.query.language import QuestionError
from whisperwatch.watcher.settings.overrides import NAME as OVERRIDES
from whisperwatch.watcher.store.reading import Readers

FOUND, PROBLEM, WRONG = 0, 1, 2
"""Exit statuses: answered; a store failed; the question is wrong."""
_DIRECTORY: Final = ".whisperwatch"
_ABOUT_STORES: Final = ("PROMETHEUS_", "LOKI_", "TEMPO_", "WHISPERWATCH_STORE")
T = TypeVar("T")


def options(parser: argparse.ArgumentParser) -> None:
    """What every command here takes."""
    state_option(parser)


def ask(directory: Path | None, work: Callable[[Asking], Awaitable[int]]) -> int:
    """Do `work` with one who asks, and tell what went wrong.

    Returns:
        the exit status.
    """
    try:
        return asyncio.run(_ask(directory, work))
    except QuestionError as error:
        print(error, file=sys.stderr)
        return WRONG
    except BrokenPipeError:  # `… | head`
        sys.stderr.close()
        return FOUND
    except KeyboardInterrupt:
        return 130


async def _ask(directory: Path | None, work: Callable[[Asking], Awaitable[int]]) -> int:
    state = state_directory(directory)
    settings = all_settings.load(overrides=None if state is None else state / OVERRIDES)
    for problem in settings.problems:
        if problem.name.startswith(_ABOUT_STORES):
            print(f"problem: {problem}", file=sys.stderr)
    path = store_path(settings, state)
    readers = None if path is None else Readers(path)
    stores = Stores(lambda: settings, readers)
    try:
        return await work(stores.asking)
    finally:
        await stores.close()
        if readers is not None:
            readers.close()


def state_directory(given: Path | None) -> Path | None:
    """The one that is meant: given, set, here, or one folder further down where a store is."""
    if given is not None:
        return given
    if named := os.environ.get(VARIABLE):
        return Path(named).expanduser()
    here = Path(_DIRECTORY)
    near = [here, *sorted(Path().glob(f"*/{_DIRECTORY}"))]
    return next((path for path in near if (path / FILE).exists()), here if here.is_dir() else None)


def told(answer: Answer) -> int:
    """Say on stderr what was done to the question, and what failed.

    Returns:
        the exit status.
    """
    for note in answer.notes:
        print(f"note: {note}", file=sys.stderr)
    for problem in answer.problems:
        print(f"problem: {problem.what}", file=sys.stderr)
    return PROBLEM if answer.problems else FOUND
