"""`whisperwatch check`: what is set, what is in force, and every mistake in it, before a bot runs with it."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from whisperwatch.state import VARIABLE, open_state
from whisperwatch.watcher.settings import Export, Settings, Target, load
from whisperwatch.watcher.settings.reading import Group, settings_of

_WIDTH = 42


def main(argv: Sequence[str]) -> int:
    """Print the settings in force; mistakes go to stderr.

    Returns:
        the exit status: 0, or 1 if a setting is wrong.
    """
    parser = argparse.ArgumentParser(prog="whisperwatch check", description=__doc__)
    parser.parse_args(argv)
    settings = load()
    print("\n".join(_in_force(settings)))
    for warning in settings.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    if unwritable := _state_problem():
        print(f"warning: {unwritable}", file=sys.stderr)
    for problem in settings.problems:
        print(f"error: {problem}", file=sys.stderr)
    return 1 if settings.problems else 0


def _state_problem() -> str | None:
    """Of the state directory that is set or that is here: beside which script the bot's will be isn't known."""
    here = Path.cwd() / ".whisperwatch"
    if not os.environ.get(VARIABLE) and not here.exists():
        return None
    return open_state(str(here)).problem


def _in_force(settings: Settings) -> Iterator[str]:
    yield "What is in force. * is set by the environment or monitoring.yaml, all else is the default."
    if settings.disabled:
        yield "\nNothing is recorded or exported: OTEL_SDK_DISABLED is true."
    for group in (settings.service, settings.web, settings.performance, settings.process):
        yield f"\n{group.title}"
        yield from _group(group)
    yield "\nExport"
    yield from _export(settings.export)


def _group(group: Group) -> Iterator[str]:
    for field, setting in settings_of(group).items():
        is_set = field in group.given
        value = getattr(group, field)
        shown = (
            setting.unset if setting.unset and not is_set else _shown(value, in_seconds=field.endswith("_s"))
        )
        name = (*setting.variables, setting.yaml)[0] or ""
        yield _line(name, "(set, not shown)" if setting.secret and is_set else shown, is_set=is_set)


def _export(export: Export) -> Iterator[str]:
    yield _line("traces", _target(export.traces), is_set=export.traces is not None)
    yield _line("metrics", _target(export.metrics), is_set=export.metrics is not None)
    if export.metrics is not None:
        yield _line("metrics every", f"{export.metric_interval_s:g}s")
    if export.traces is not None or export.metrics is not None:
        yield _line("kept while the collector is away", _shown(export.buffer_bytes))


def _target(target: Target | None) -> str:
    if target is None:
        return "not exported: no endpoint is set"
    headers = ", ".join(f"{name}=***" for name, _ in target.headers) or "none"
    return f"{target.shown} ({target.protocol}, compression {target.compression}, headers: {headers})"


def _line(name: str, shown: str, *, is_set: bool = False) -> str:
    return f"  {'*' if is_set else ' '} {name:<{_WIDTH}} {shown}"


def _shown(value: Any, *, in_seconds: bool = False) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ",".join(f"{key}={text}" for key, text in value)
    if in_seconds:
        return f"{value:g}s"
    if isinstance(value, int) and value >= 2**20:
        return f"{value / 2**20:g}MB"
    return f"{value:g}" if isinstance(value, float) else str(value)
