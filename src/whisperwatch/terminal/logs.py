"""`whisperwatch logs`: the newest log records, filtered, followed, or written to a file."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Final, get_args

from whisperwatch.semconv import COMPONENTS, EXCEPTION_STACKTRACE
from whisperwatch.terminal.output import stream
from whisperwatch.terminal.paint import Paint, clean
from whisperwatch.terminal.period import seconds, since_option
from whisperwatch.terminal.stores import ask, options, told
from whisperwatch.watcher.answers.log_export import FORMATS, write
from whisperwatch.watcher.query.answers import LogRecord
from whisperwatch.watcher.query.asking import Asking
from whisperwatch.watcher.query.language import LogFilter, LogQuestion, Period, QuestionError
from whisperwatch.watcher.query.language.literals import MOST
from whisperwatch.watcher.query.language.logs import Level

_AGAIN_S: Final = 1.0
_LATELY_S: Final = 30.0
_FEW: Final = 50
_COLOURS: Final = {"WARNING": "yellow", "ERROR": "red", "CRITICAL": "red", "DEBUG": "dim"}


def main(argv: Sequence[str]) -> int:
    """Print log records, oldest first.

    Returns:
        the exit status: 1 where a store failed, 2 where something is wrong with the question.
    """
    given = parser().parse_args(argv)
    if problem := _take_words(given):
        print(problem, file=sys.stderr)
        return 2
    if given.format not in (None, "text") and given.follow and given.format != "ndjson":
        print("--follow goes with lines: text or ndjson", file=sys.stderr)
        return 2
    return ask(given.state_dir, lambda asking: work(asking, given))


def _take_words(given: argparse.Namespace) -> str | None:
    """The words as Discord has them: a component's name, `component NAME`, `search TEXT`, `export`; what is wrong."""
    what, *rest = given.words or [None]
    if what in ("component", None) or (what in COMPONENTS and not rest):
        names = rest if what == "component" else [what] if what else []
        if what == "component" and not (len(rest) == 1 and rest[0] in COMPONENTS):
            return f"logs component takes one of {', '.join(COMPONENTS)}"
        given.component = [*(given.component or ()), *names]
    elif what == "search" and rest:
        given.search = " ".join(rest)
    elif what == "export" and not rest:
        given.format, given.most = given.format or "json", MOST
    else:
        return f"logs takes a component, `component NAME`, `search TEXT` or `export`, not {' '.join(given.words)!r:.80}"
    return None


async def work(asking: Asking, given: argparse.Namespace) -> int:
    """Print what `given` (by `parser`) asks for, and go on if that is wanted; the exit status."""
    question = _question(given)
    answer = await asking.logs(question)
    with stream(given.output) as out:
        _write(answer.records, given.format or "text", out)
        status = told(answer)
        if given.follow:
            await _follow(asking, question, answer.records, given.format or "text", out)
    if given.output is not None:
        print(f"{len(answer.records)} records are in {given.output}", file=sys.stderr)
    if answer.more:
        print(f"there are more: --lines N shows up to {MOST:,}", file=sys.stderr)
    return status


async def _follow(
    asking: Asking, question: LogQuestion, shown: Sequence[LogRecord], form: str, out: IO[str]
) -> None:
    """Print what is new each second. Records may come late by a moment: the last seconds are asked for again."""
    lately = replace(question, period=Period(_LATELY_S), most=MOST)
    newest = max((record.at for record in shown), default=0)
    known: set[tuple[Any, ...]] | None = None
    said: tuple[str, ...] = ()
    while True:
        answer = await asking.logs(lately)
        problems = tuple(problem.what for problem in answer.problems)
        if problems != said:
            told(answer)
        said = problems
        if not problems:
            fresh = [
                record
                for record in answer.records
                if (record.at > newest if known is None else _key(record) not in known)
            ]
            known = {_key(record) for record in answer.records}
            _write(fresh, form, out)
            out.flush()
        await asyncio.sleep(_AGAIN_S)


def _key(record: LogRecord) -> tuple[Any, ...]:
    return record.at, record.logger, record.body, record.span_id


def _question(given: argparse.Namespace) -> LogQuestion:
    trace = given.trace.lower() if given.trace else None
    if trace is not None and (len(trace) != 32 or set(trace) - set("0123456789abcdef")):
        raise QuestionError(f"a trace id has 32 hexadecimal digits, {given.trace[:40]!r} has not")
    filter = LogFilter(
        level=given.level,
        components=tuple(given.component or ()),
        logger=given.logger,
        text=given.search,
        trace_id=trace,
        instance=given.instance,
    )
    period = Period(seconds(given.since), None if given.until is None else _time(given.until))
    return LogQuestion(period, filter, given.lines or given.most)


def _time(text: str) -> float:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise QuestionError(f"--until: {text!r} is no time such as 2026-11-24T12:00") from None
    return found.timestamp()  # without a zone: as it is here


def _write(records: Sequence[LogRecord], form: str, out: IO[str]) -> None:
    if form == "text":
        show(records, Paint(out), out)
    else:
        write(records, form, out)


def show(records: Iterable[LogRecord], paint: Paint, out: IO[str] | None = None) -> None:
    """Print records, oldest first: a line each, and the traceback below where there is one."""
    for record in reversed(list(records)):
        at = f"{datetime.fromtimestamp(record.at / 1e9).astimezone():%Y-%m-%d %H:%M:%S}"
        level = paint(f"{clean(record.level):<8}", *filter(None, [_COLOURS.get(record.level)]))
        where = paint(f"{record.component:<9}", "cyan")
        trace = paint(f"  trace {record.trace_id}", "dim") if record.trace_id else ""
        print(
            f"{paint(at, 'dim')} {level} {where} {clean(record.logger)}: {clean(record.body)}{trace}",
            file=out,
        )
        stacktrace = record.attributes.get(EXCEPTION_STACKTRACE)
        if isinstance(stacktrace, str):
            for line in stacktrace.splitlines():
                print(paint(f"    {clean(line)}", "dim"), file=out)


def parser() -> argparse.ArgumentParser:
    """The command's options."""
    parser = argparse.ArgumentParser(prog="whisperwatch logs", description=__doc__)
    parser.add_argument(
        "words", nargs="*", metavar="WORD", help="as in Discord: component NAME, search TEXT, or export"
    )
    parser.add_argument("--level", choices=get_args(Level), help="this one and what is worse")
    parser.add_argument(
        "--component", action="append", choices=COMPONENTS, help="a part of the bot; may be repeated"
    )
    parser.add_argument("--logger", help="a logger, and what is below it")
    parser.add_argument(
        "--search", metavar="TEXT", help="in the message or the exception, literally, in any case"
    )
    parser.add_argument("--trace", metavar="ID", help="of one trace")
    parser.add_argument("--instance", metavar="ID", help="of one process (service.instance.id)")
    since_option(parser)
    parser.add_argument("--until", metavar="TIME", help="a time such as 2026-11-24T12:00 (default: now)")
    parser.add_argument(
        "--lines",
        type=_lines,
        metavar="N",
        help=f"how many of the newest (default: {_FEW}; of an export all)",
    )
    parser.add_argument("--follow", "-f", action="store_true", help="go on with what is new")
    parser.add_argument("--format", choices=("text", *FORMATS), help="text by default")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write there instead of here")
    options(parser)
    parser.set_defaults(most=_FEW)
    return parser


def _lines(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MOST:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 to {MOST:,}")
    return int(text)
