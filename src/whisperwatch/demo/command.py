"""`whisperwatch demo`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from whisperwatch.demo.problem import DemoError, require_packages

if TYPE_CHECKING:
    from rich.console import Console

    from whisperwatch.demo.show import Options, Show

_MOST_USERS = 24
_INTERRUPTED = 128 + signal.SIGINT
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main(argv: Sequence[str]) -> int:
    """Run the demo.

    Returns:
        the exit status: 0, also after Ctrl-C; 1 where something is missing or `--check` finds a difference; 130 where
        Ctrl-C left `--check` no time.
    """
    arguments = _parser().parse_args(argv)
    try:
        require_packages()
        return asyncio.run(_run(_options(arguments)))
    except DemoError as error:
        print(f"whisperwatch demo: {error}", file=sys.stderr)
        return 1
    except asyncio.CancelledError:
        return _INTERRUPTED if arguments.check else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="whisperwatch demo",
        description="A watched companion bot on a loopback Discord, with a database, a cache, a vector memory and a "
        "language model behind it, and synthetic users. Everything runs on this machine and is gone afterwards.",
    )
    parser.add_argument("--for", dest="for_", metavar="TIME", help="end after this time, such as 30s or 5m")
    parser.add_argument(
        "--check", action="store_true", help="compare what was done with what was recorded; differences fail"
    )
    parser.add_argument(
        "--port", type=int, default=0, help="the port of /health and /metrics (default: a free one)"
    )
    parser.add_argument(
        "--users", type=int, default=8, help=f"how many synthetic users, at most {_MOST_USERS}"
    )
    parser.add_argument(
        "--faults", default="", metavar="NAMES", help="what goes wrong by turns; `help` lists them"
    )
    parser.add_argument("--seed", type=int, default=7, help="another number, another plan of what users do")
    return parser


def _options(arguments: argparse.Namespace) -> Options:
    from whisperwatch.demo import faults
    from whisperwatch.demo.backends import elsewhere
    from whisperwatch.demo.show import Options
    from whisperwatch.watcher.settings.values import duration

    if arguments.faults == "help":
        raise DemoError(
            "faults are " + "; ".join(f"{name}: {what}" for name, (what, _) in faults.FAULTS.items())
        )
    if not 1 <= arguments.users <= _MOST_USERS:
        raise DemoError(f"--users {arguments.users}: 1 to {_MOST_USERS} can come")
    if not 0 <= arguments.port < 65536:
        raise DemoError(f"--port {arguments.port}: ports are 1 to 65535, and 0 for a free one")
    if arguments.check and (others := elsewhere.named()):
        raise DemoError(f"--check counts in servers of the demo's own: unset {', '.join(others)}")
    try:
        for_s = None if arguments.for_ is None else duration(arguments.for_)
    except ValueError as error:
        raise DemoError(f"--for {arguments.for_}: {error}") from None
    if arguments.check and for_s is None:
        for_s = 30.0
    names = faults.chosen(arguments.faults)
    return Options(for_s, arguments.check, arguments.port, arguments.users, names, arguments.seed)


async def _run(options: Options) -> int:
    from rich.console import Console

    from whisperwatch.demo.show import Show
    from whisperwatch.demo.stage import Stage

    console = Console()

    def say(line: str) -> None:
        console.print(line, markup=False, highlight=False, soft_wrap=True)

    whole = asyncio.current_task()
    assert whole is not None
    with _on_signal(whole.cancel) as handle:
        async with Stage(say, options.port, options.seed) as stage:
            show = Show(stage, options, console)
            handle(_gently(show.leaving, whole))
            await show.run()
            say(f"{stage.truth.deeds} things done, {stage.truth.unanswered} unanswered.")
            return await _check(show, console) if options.check else 0


async def _check(show: Show, console: Console) -> int:
    from whisperwatch.demo.check import table, wrong

    rows = await show.check()
    console.print(table(rows))
    differ = wrong(rows)
    agreed = f"All {len(rows)} numbers agree." if not differ else f"{differ} of {len(rows)} numbers DISAGREE."
    console.print(agreed, style="red" if differ else "green", highlight=False)
    return 1 if differ else 0


def _gently(leaving: asyncio.Event, whole: asyncio.Task[int]) -> Callable[[], object]:
    """The first Ctrl-C lets the users leave; the second doesn't wait for them."""

    def interrupted() -> None:
        if leaving.is_set():
            whole.cancel()
        leaving.set()

    return interrupted


@contextlib.contextmanager
def _on_signal(first: Callable[[], object]) -> Iterator[Callable[[Callable[[], object]], None]]:
    """Signals call a function, which may be replaced: the block is given what replaces it."""
    loop = asyncio.get_running_loop()

    def handle(call: Callable[[], object]) -> None:
        for number in _SIGNALS:
            loop.add_signal_handler(number, call)

    handle(first)
    try:
        yield handle
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)
