"""The `whisperwatch` command.

Each command's module is imported when it is called: `whisperwatch run` starts a bot, and must not cost it more than
it needs.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

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
  check                     read the settings, show what is in force, name every mistake
  config [NAME] [--json]    each setting, its value and where it came from
  config get|set|unset NAME one of the running bot's settings, read or changed; config monitoring
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line `argv` (that of this process by default).

    Returns:
        the exit status: 2 for a wrong command line, else the command's own.
    """
    command, *rest = (sys.argv[1:] if argv is None else argv) or ("--help",)
    match command:
        case "run":
            from whisperwatch.run import main as run

            return run(rest)
        case "demo":
            from whisperwatch.demo.command import main as demo

            return demo(rest)
        case "check":
            from whisperwatch.check import main as check

            return check(rest)
        case "sync":
            from whisperwatch.sync import main as sync

            return sync(rest)
        case "query":
            from whisperwatch.terminal.query import main as query

            return query(rest)
        case "logs":
            from whisperwatch.terminal.logs import main as logs

            return logs(rest)
        case "traces":
            from whisperwatch.terminal.traces import main as traces

            return traces(rest)
        case "security-events":
            from whisperwatch.terminal.security_events import main as security_events

            return security_events(rest)
        case "report":
            from whisperwatch.report import main as report

            return report(rest)
        case "serve":
            from whisperwatch.serve import main as serve

            return serve(rest)
        case "store":
            from whisperwatch.terminal.store import main as store

            return store(rest)
        case "config" if not rest or rest[0] not in ("get", "set", "unset", "monitoring"):
            from whisperwatch.config import main as config

            return config(rest)
        case "--version":
            from whisperwatch.version import __version__

            print(f"whisperwatch {__version__}")
            return 0
        case "--help" | "-h":
            print(_USAGE, end="")
            return 0
    from whisperwatch.questions import BY_NAME

    if command in BY_NAME:
        from whisperwatch.ask import main as ask

        return ask(command, rest)
    print(f"{_USAGE}\nwhisperwatch: there is no command {command!r}", file=sys.stderr)
    return 2
