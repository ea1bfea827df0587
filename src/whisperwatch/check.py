"""`whisperwatch check`: what is set, what is in force, and every mistake in it; of a bot that runs also how it is, what
is misconfigured though it works, and what its telemetry costs.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from whisperwatch import ask, clock
from whisperwatch.state import VARIABLE, open_state
from whisperwatch.watcher.answers.page import symbol
from whisperwatch.watcher.settings import Export, Settings, Target, load
from whisperwatch.watcher.settings.load import ALL
from whisperwatch.watcher.settings.reading import Group, settings_of
from whisperwatch.watcher.settings.show import shown, text

_WIDTH = 42


def main(argv: Sequence[str]) -> int:
    """Print the settings in force, and what a running watcher says; mistakes go to stderr.

    Returns:
        the exit status: 1 if a setting is wrong or the bot is unhealthy, 2 if no watcher answers, else 0.
    """
    parser = argparse.ArgumentParser(prog="whisperwatch check", description=__doc__)
    ask.state_option(parser)
    parser.add_argument(
        "--settings", action="store_true", help="only the settings: before a bot runs with them"
    )
    parsed = parser.parse_args(argv)
    settings = load()
    print("\n".join(_in_force(settings)))
    for warning in (*settings.warnings, *settings.waiting):
        print(f"warning: {warning}", file=sys.stderr)
    if unwritable := _state_problem():
        print(f"warning: {unwritable}", file=sys.stderr)
    for problem in settings.problems:
        print(f"error: {problem}", file=sys.stderr)
    running = ask.WELL if parsed.settings else _running(parsed.state_dir)
    return 1 if settings.problems else running


def _running(directory: Path | None) -> int:
    print()
    try:
        answer = ask.ask("check", {}, directory)
    except ask.NobodyError as error:
        print(error, file=sys.stderr)
        return ask.NOBODY
    print(answer["text"])
    try:
        if finding := clock.finding(clock.offset_s()):
            print(f"\n{symbol('degraded')}{finding}")
    except clock.UnreadableClockError as error:
        print(f"\n{symbol('unknown')}{error}: whether this machine's is right is not known.")
    return ask.UNWELL if answer["error"] or answer["status"] == "unhealthy" else ask.WELL


def _state_problem() -> str | None:
    """Of the state directory that is set or that is here: beside which script the bot's will be isn't known."""
    here = Path.cwd() / ".whisperwatch"
    if not os.environ.get(VARIABLE) and not here.exists():
        return None
    return open_state(str(here)).problem


def _in_force(settings: Settings) -> Iterator[str]:
    yield "What is in force. * is set by the environment or a file, all else is the default."
    if settings.disabled:
        yield "\nNothing is recorded or exported: OTEL_SDK_DISABLED is true."
    for group in ALL:
        if lines := list(_group(group, settings)):
            yield from (f"\n{group.title}", *lines)
    yield "\nExport"
    yield from _export(settings.export)


def _group(group: type[Group], settings: Settings) -> Iterator[str]:
    """Of what there is one for each signal or store, only what is set."""
    for about in settings_of(group).values():
        for value in settings.values.values():
            is_set = value.origin.layer != "default"
            if value.about is about and (is_set or value.name == about.name):
                yield _line(value.name, shown(value), is_set=is_set)


def _export(export: Export) -> Iterator[str]:
    yield _line("traces", _target(export.traces), is_set=export.traces is not None)
    yield _line("metrics", _target(export.metrics), is_set=export.metrics is not None)
    yield _line("logs", _target(export.logs), is_set=export.logs is not None)
    if export.metrics is not None:
        yield _line("metrics every", f"{export.metric_interval_s:g}s")
    if any((export.traces, export.metrics, export.logs)):
        room = f"{text(export.spool_bytes)} on the disk" if export.spool else text(export.buffer_bytes)
        yield _line("kept while the collector is away", room)


def _target(target: Target | None) -> str:
    if target is None:
        return "not exported: no endpoint is set"
    headers = ", ".join(f"{name}=***" for name, _ in target.headers) or "none"
    return f"{target.shown} ({target.protocol}, compression {target.compression}, headers: {headers})"


def _line(name: str, value: str, *, is_set: bool = False) -> str:
    return f"  {'*' if is_set else ' '} {name:<{_WIDTH}} {value}"
