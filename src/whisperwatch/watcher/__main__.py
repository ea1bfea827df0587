"""The watcher's process: `python -m whisperwatch.watcher`, started by the bot, or by hand; or a thread of the bot."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from whisperwatch import tape
from whisperwatch.state import VARIABLE, StateDirectory, open_state
from whisperwatch.watcher import doorway, interpreter, priority
from whisperwatch.watcher.lookups import Loop
from whisperwatch.watcher.notes import Notes
from whisperwatch.watcher.settings import Current
from whisperwatch.watcher.watcher import Watcher

_STARTED_AFTER_S = 1.0
_logger = logging.getLogger("whisperwatch")
_LOGGERS = ("whisperwatch.watcher", "whisperwatch.health")


def host(connection: int, state: Path | None, lock: int | None, code: dict[str, Any]) -> None:
    """Be the watcher in a thread of the bot, until its connection ends."""
    try:
        current = Current(os.environ, _folders(_main_folder()), state, code)
        _run(_watch(connection, StateDirectory(state), current, stay=False, own_process=False))
    finally:
        if lock is not None:
            os.close(lock)


def main() -> None:
    """Be the watcher in this process."""
    arguments = _parser().parse_args()
    if arguments.connection is None:
        if arguments.state_dir is not None:
            os.environ[VARIABLE] = str(arguments.state_dir)
        state = open_state()
        try:
            lock = doorway.lock(state)
        except doorway.AlreadyRunningError as error:
            sys.exit(str(error))
    else:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the bot, which then says goodbye
        priority.let_the_bot_go_first()
        state, lock = StateDirectory(arguments.state_dir), arguments.lock
    for descriptor in (arguments.connection, lock):
        if descriptor is not None:
            os.set_inheritable(descriptor, False)
    with contextlib.suppress(KeyboardInterrupt):
        current = Current(os.environ, _folders(arguments.beside), state.path, _code())
        work = _watch(arguments.connection, state, current, stay=arguments.stay, own_process=True)
        _run(_until_told(work))


def serve(state_dir: Path | None, say: Callable[[str], None]) -> None:
    """Be the watcher in this process, with or without a bot, until told to stop.

    Args:
        state_dir: the state directory, by default the one that a bot here would have.
        say: told where it serves, and what is wrong.

    Raises:
        AlreadyRunningError: another watcher has the state directory.
    """
    if state_dir is not None:
        os.environ[VARIABLE] = str(state_dir)
    state = open_state()
    lock = doorway.lock(state)
    try:
        with contextlib.suppress(KeyboardInterrupt):
            current = Current(os.environ, _folders(None), state.path)
            _run(_until_told(_watch(None, state, current, stay=True, own_process=True, say=say)))
    finally:
        if lock is not None:
            os.close(lock)


async def _watch(
    connection: int | None,
    state: StateDirectory,
    current: Current,
    *,
    stay: bool,
    own_process: bool,
    say: Callable[[str], None] | None = None,
) -> None:
    watcher = Watcher(current, state, say)
    clean, loop = watcher.redactor.text, asyncio.get_running_loop()
    if own_process:
        _reread_on_hangup(watcher.current)
        interpreter.share()
        loop.call_later(_STARTED_AFTER_S, interpreter.collect_less)
        notes = Notes(watcher.receiver.note, loop, clean)
        # what health finds of a connected bot, that bot's own log says already
        notes.addFilter(lambda record: record.name != "whisperwatch.health" or not watcher.receiver.streams)
        logging.getLogger().addHandler(notes)
        await watcher.run(None if connection is None else socket.socket(fileno=connection), stay)
        return
    assert connection is not None
    with Notes(_log_in_the_bot, loop, clean).instead_of(*_LOGGERS):
        await watcher.run(socket.socket(fileno=connection), stay)


def _log_in_the_bot(level: int, text: str) -> bool:
    _logger.log(level, "%s", text)
    return True


def _run(work: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=Loop) as runner:
        runner.run(work)


def _folders(beside: Path | None) -> list[Path]:
    """Where monitoring.yaml is looked for."""
    return [*([beside] if beside is not None else []), Path.cwd()]


def _code() -> dict[str, Any]:
    """What the program that started us sets itself (`bot.ship.launch.code`)."""
    found = json.loads(os.environ.pop(tape.CODE_VARIABLE, "{}"))
    return found if isinstance(found, dict) else {}


def _main_folder() -> Path | None:
    script = getattr(sys.modules.get("__main__"), "__file__", None)
    return Path(script).absolute().parent if script else None


def _reread_on_hangup(current: Current) -> None:
    """SIGHUP rereads the settings, as daemons do; of a terminal that has gone it ends the watcher, as ever."""
    terminal = sys.stdin is not None and os.isatty(0)

    def hang_up() -> None:
        if terminal and not os.isatty(0):
            os.kill(os.getpid(), signal.SIGTERM)
        else:
            current.reload()

    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, hang_up)


async def _until_told(work: Any) -> None:
    """Do `work`, and end it in order on SIGTERM."""
    task = asyncio.create_task(work)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m whisperwatch.watcher", description=__doc__)
    parser.add_argument(
        "--state-dir", type=Path, help="where its socket is; bots with the same one attach to it"
    )
    parser.add_argument("--stay", action="store_true", help="stay when no bot is there")
    parser.add_argument(
        "--beside", type=Path, help="where monitoring.yaml is looked for before the working directory"
    )
    parser.add_argument("--connection", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--lock", type=int, help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    main()
