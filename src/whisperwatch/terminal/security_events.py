"""`whisperwatch security-events export`: the security events that are kept, as a SIEM reads them, a line each."""

from __future__ import annotations

import argparse
import socket
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

from whisperwatch import semconv
from whisperwatch.terminal.output import stream
from whisperwatch.terminal.period import seconds, since_option
from whisperwatch.terminal.stores import ask, options, told
from whisperwatch.watcher.query.answers import LogRecord
from whisperwatch.watcher.query.asking import Asking
from whisperwatch.watcher.query.language import LogFilter, LogQuestion, Period
from whisperwatch.watcher.settings import Settings, load
from whisperwatch.watcher.siem.formats import FORMATS
from whisperwatch.watcher.siem.reading import of_record

_EVENTS: Final = LogFilter(event=semconv.EVENT_SECURITY)
_PAGE: Final = 1_000
"""Loki gives 5,000 at once at most, where nobody has set it otherwise."""


def main(argv: Sequence[str]) -> int:
    """Write the events, oldest first.

    Returns:
        the exit status: 1 where a store failed, 2 where something is wrong with the question.
    """
    given = _parser().parse_args(argv)
    return ask(given.state_dir, partial(_export, given=given))


async def _export(asking: Asking, given: argparse.Namespace) -> int:
    records, status = await _newest_first(asking, Period(seconds(given.since)))
    service, host = _whose(load(), asking)
    form = FORMATS[given.format]
    with stream(given.output) as out:
        for record in reversed(records):
            print(form(of_record(record, service, host)), file=out)
    count = f"{len(records):,} security event{'' if len(records) == 1 else 's'}"
    print(count if given.output is None else f"{count} in {given.output}", file=sys.stderr)
    return status


async def _newest_first(asking: Asking, period: Period) -> tuple[list[LogRecord], int]:
    """All that there are in a period, and the exit status."""
    records: list[LogRecord] = []
    before = None
    while True:
        answer = await asking.logs(LogQuestion(period, _EVENTS, _PAGE, before))
        records += answer.records
        if not answer.more or answer.problems:
            return records, told(answer)
        before = answer.records[-1].at


def _whose(settings: Settings, asking: Asking) -> tuple[str, str]:
    """The service and the host of what is kept, as far as they are known: no store says so of a record."""
    said = dict(settings.service.attributes)
    here = socket.gethostname() if asking.logs_store == "embedded" else ""
    return settings.service.name or said.get("service.name", ""), said.get("host.name", here)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="whisperwatch security-events", description=__doc__)
    parser.add_argument("action", choices=("export",), help="write them")
    parser.add_argument("--format", required=True, choices=FORMATS, help="what a line is")
    since_option(parser)
    parser.add_argument("--output", type=Path, metavar="FILE", help="write there instead of here")
    options(parser)
    return parser
