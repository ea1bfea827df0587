"""The `whisperwatch` command.

Each command's module is imported when it is called: `whisperwatch run` starts a bot, and must not cost it more than
it needs.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping, Sequence
from typing import Final

_USAGE = """\
usage: whisperwatch [--help] [--version] COMMAND ...

Watches discord.py bots.

  run bot.py [ARG ...]      run a bot as `python bot.py` would, watched
  run -m package [ARG ...]  the same for `python -m package`
  demo [--help]             a demo bot on a Discord of its own, watched, live in this terminal
  health [detailed]         how the running bot is, as in Discord
  performance [VIEW]        how fast it answers; bottlenecks, history, component NAME; --period 7d
  engagement, cache, memory who talks with it, hits and misses, what it remembers
  report QUESTION [--json]  the same, also as JSON, or by --url from a report API elsewhere
  serve                     the watcher without a bot: health, reports, the API, on any store
  query "QUESTION"          ask what is kept, in the language of docs/queries.md
  logs [--help]             the newest log records: filtered, searched, followed, exported
  traces [ID] [--help]      traces that fit, or one as a waterfall
  security-events export    the security events that are kept, for a SIEM: CEF, ECS, OCSF, Splunk's HEC
  store info|backup|forget  the embedded store: what is in it, a copy, a user removed
  sync                      publish /watch in the admin guild
  dashboards --out DIR      Grafana's dashboards, as files to import
  check                     read the settings, show what is in force, name every mistake
  config [NAME] [--json]    each setting, its value and where it came from
  config get|set|unset NAME one of the running bot's settings, read or changed; config monitoring
"""


_COMMANDS: Final[Mapping[str, str]] = {
    "run": "whisperwatch.run",
    "demo": "whisperwatch.demo.command",
    "check": "whisperwatch.check",
    "sync": "whisperwatch.sync",
    "dashboards": "whisperwatch.dashboards",
    "query": "whisperwatch.terminal.query",
    "logs": "whisperwatch.terminal.logs",
    "traces": "whisperwatch.terminal.traces",
    "security-events": "whisperwatch.terminal.security_events",
    "report": "whisperwatch.report",
    "serve": "whisperwatch.serve",
    "store": "whisperwatch.terminal.store",
    "config": "whisperwatch.config",
}
"""Each command's module, whose `main` takes the rest of the command line and returns the exit status."""
_ASKED: Final = ("get", "set", "unset", "monitoring")
"""With one of these `config` is asked of the running bot."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line `argv` (that of this process by default).

    Returns:
        the exit status: 2 for a wrong command line, else the command's own.
    """
    command, *rest = (sys.argv[1:] if argv is None else argv) or ("--help",)
    if command in _COMMANDS and not (command == "config" and rest and rest[0] in _ASKED):
        return int(importlib.import_module(_COMMANDS[command]).main(rest))
    if command == "--version":
        from whisperwatch.version import __version__

        print(f"whisperwatch {__version__}")
        return 0
    if command in ("--help", "-h"):
        print(_USAGE, end="")
        return 0
    from whisperwatch.questions import BY_NAME

    if command in BY_NAME:
        from whisperwatch.ask import main as ask

        return ask(command, rest)
    print(f"{_USAGE}\nwhisperwatch: there is no command {command!r}", file=sys.stderr)
    return 2
