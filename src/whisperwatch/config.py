"""`whisperwatch config`: each setting's value and where it came from, secrets masked."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from whisperwatch.state import VARIABLE
from whisperwatch.watcher.settings import Settings, known, load
from whisperwatch.watcher.settings.misspelt import did_you_mean, nearest
from whisperwatch.watcher.settings.overrides import NAME as OVERRIDES
from whisperwatch.watcher.settings.table import NAME, rows

_WIDEST = 32
"""Longer values push their own line's columns, not all lines'."""


def main(argv: Sequence[str]) -> int:
    """Print all settings, or one; mistakes go to stderr.

    Returns:
        the exit status: 0; 1 if a setting is wrong, or no watcher runs; 2 if there is no such setting.
    """
    arguments = _parser().parse_args(argv)
    beside = Path.cwd() if arguments.bot is None else arguments.bot.absolute().parent
    state = Path(os.environ.get(VARIABLE) or beside / ".whisperwatch").expanduser()
    if arguments.running:
        found, problems = _running(state)
        if found is None:
            print(f"no watcher has told its settings in {state}", file=sys.stderr)
            return 1
    else:
        settings = load(None, [beside, Path.cwd()], overrides=state / OVERRIDES)
        found, problems = rows(settings), _problems(settings)
    if arguments.name is not None:
        found = [one for one in found if arguments.name in (one["name"], one.get("key"))]
        if not found:
            near = did_you_mean(nearest(arguments.name, known()))
            print(f"there is no setting {arguments.name}{near}", file=sys.stderr)
            return 2
    _print(found, as_json=arguments.json)
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if any(problem.startswith("error") for problem in problems) else 0


def _print(found: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(found, indent=1, ensure_ascii=False))
        return
    width = max(len(one["name"]) for one in found)
    least = max(len(one["shown"]) for one in found if len(one["shown"]) <= _WIDEST or len(found) == 1)
    for one in found:
        later = f"  not yet used: {one['not yet used']}" if "not yet used" in one else ""
        print(f"{one['name']:<{width}}  {one['shown']:<{least}}  {one['from']}{later}")


def _running(state: Path) -> tuple[list[dict[str, Any]] | None, list[str]]:
    try:
        told = json.loads((state / NAME).read_text(encoding="utf-8"))
        os.kill(told["pid"], 0)
        return list(told["settings"]), [f"error: {problem}" for problem in told["problems"]]
    except (OSError, ValueError, KeyError, TypeError):
        return None, []


def _problems(settings: Settings) -> list[str]:
    return [
        *(f"warning: {warning}" for warning in settings.warnings),
        *(f"error: {problem}" for problem in settings.problems),
    ]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="whisperwatch config", description=__doc__)
    parser.add_argument("name", nargs="?", metavar="NAME", help="a variable, or a key of monitoring.yaml")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument(
        "--bot", type=Path, metavar="FILE", help="the bot's main script: its directory is read"
    )
    parser.add_argument(
        "--running", action="store_true", help="those of the watcher that runs, not those of this shell"
    )
    return parser
