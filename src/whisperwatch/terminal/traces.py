"""`whisperwatch traces`: those that fit, or one as a waterfall."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from whisperwatch.terminal.paint import Paint, clean, cut, padded
from whisperwatch.terminal.stores import ask, options, told
from whisperwatch.terminal.table import table
from whisperwatch.watcher.answers.numbers import number
from whisperwatch.watcher.query.answers import SpanRecord, Trace, TraceList
from whisperwatch.watcher.query.asking import Asking
from whisperwatch.watcher.query.language import QuestionError, TraceQuestion
from whisperwatch.watcher.query.language.parsing import parse
from whisperwatch.watcher.query.language.traces import TraceSearch
from whisperwatch.watcher.query.language.words import quoted

_BAR: Final = 30
_NAME: Final = 44
_DEEPEST: Final = 12


def main(argv: Sequence[str]) -> int:
    """List traces, or show one.

    Returns:
        the exit status: 1 where a store failed or there is no such trace, 2 where something is wrong with the question.
    """
    given = _parser().parse_args(argv)

    async def work(asking: Asking) -> int:
        answer = await asking.ask(_question(given))
        if given.json:
            json.dump(dataclasses.asdict(answer), sys.stdout, ensure_ascii=False, indent=1, default=str)
            print()
        elif isinstance(answer, Trace):
            show_one(answer, Paint())
        elif isinstance(answer, TraceList):
            show_list(answer, Paint())
        status = told(answer)
        if isinstance(answer, Trace) and not answer.spans and not status:
            print(f"there is no trace {given.id}, or it is not kept any more", file=sys.stderr)
            return 1
        return status

    return ask(given.state_dir, work)


def _question(given: argparse.Namespace) -> TraceSearch | TraceQuestion:
    """By the language: what it refuses is refused here in the same words."""
    if given.id is not None:
        found = parse(f"trace {quoted(given.id)}")
    else:
        conditions = [f"root = {quoted(given.root)}"] if given.root else []
        conditions += [f"duration >= {given.longer}"] if given.longer else []
        conditions += ["error"] if given.error else []
        conditions += [_condition(one) for one in given.where or ()]
        where = f" where {' and '.join(conditions)}" if conditions else ""
        slowest = " slowest" if given.slowest else ""
        found = parse(f"traces{where} over {given.since}{slowest} limit {given.lines}")
    assert isinstance(found, TraceSearch | TraceQuestion)
    return found


def _condition(text: str) -> str:
    attribute, sign, value = text.partition("=")
    if not sign or not attribute.strip():
        raise QuestionError(f"--where: {text!r} is no attribute=value")
    return f"{attribute.strip()} = {quoted(value)}"


def show_list(answer: TraceList, paint: Paint) -> None:
    """Print traces as a table."""
    if not answer.traces:
        if not answer.problems:
            print("no trace fits", file=sys.stderr)
        return
    rows = [
        [
            f"{datetime.fromtimestamp(one.start / 1e9).astimezone():%m-%d %H:%M:%S}",
            number(one.duration_s, "s"),
            "-" if one.spans is None else str(one.spans),
            "error" if one.error else "",
            one.root or "(its root is missing)",
            one.trace_id,
        ]
        for one in answer.traces
    ]
    for line in table(("time", "duration", "spans", "", "root", "trace"), rows, paint, frozenset({1, 2})):
        print(line)
    if answer.more:
        print(paint("there are more: --lines N, or another --since", "dim"), file=sys.stderr)


def show_one(answer: Trace, paint: Paint) -> None:
    """Print a trace as a tree with bars: when each span ran, and how long."""
    if not answer.spans:
        return
    start = min(span.start for span in answer.spans)
    whole = max(span.end for span in answer.spans) - start
    first = answer.spans[0]
    at = f"{datetime.fromtimestamp(start / 1e9).astimezone():%Y-%m-%d %H:%M:%S}"
    print(
        paint(
            f"{clean(first.name)}  {at}  {number(whole / 1e9, 's')}  {len(answer.spans)} spans  {first.trace_id}",
            "bold",
        )
    )
    columns = max(16, min(_NAME, (paint.width or 120) - _BAR - 26))
    for span, deep in answer.tree():
        depth = min(deep, _DEEPEST)
        name = padded(cut(f"{'  ' * depth}{clean(span.name)}", columns), columns)
        duration = padded(number((span.end - span.start) / 1e9, "s"), 9, right=True)
        failed = span.status == "error"
        line = f"{name} {duration} {_bar(span, start, whole)}"
        print(paint(line, "red") if failed else line)
        for detail in _details(span):
            print(paint(cut(f"{'  ' * (depth + 1)}{detail}", paint.width), "red" if failed else "dim"))


def _bar(span: SpanRecord, start: int, whole: int) -> str:
    before = (span.start - start) * _BAR // max(whole, 1)
    length = max(1, round((span.end - span.start) * _BAR / max(whole, 1)))
    return f"│{' ' * before}{'█' * min(length, _BAR - min(before, _BAR - 1))}".ljust(_BAR + 1) + "│"


def _details(span: SpanRecord) -> Iterator[str]:
    if span.description:
        yield clean(span.description)
    for event in span.events:
        told = ", ".join(
            f"{key}={value}" for key, value in event.attributes.items() if key != "exception.stacktrace"
        )
        yield clean(f"• {event.name} {told}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="whisperwatch traces", description=__doc__)
    parser.add_argument("id", nargs="?", metavar="ID", help="a trace's id: it is shown whole")
    parser.add_argument("--root", metavar="NAME", help="the root span's name, such as message or interaction")
    parser.add_argument("--longer", metavar="DURATION", help="that lasted at least so long, such as 2s")
    parser.add_argument("--error", action="store_true", help="in which something failed")
    parser.add_argument(
        "--where", action="append", metavar="ATTRIBUTE=VALUE", help="that some span has; may be repeated"
    )
    parser.add_argument("--since", default="1h", metavar="DURATION", help="how far back (default: 1h)")
    parser.add_argument("--slowest", action="store_true", help="the slowest first, not the newest")
    parser.add_argument("--lines", default="20", metavar="N", help="how many (default: 20)")
    parser.add_argument("--json", action="store_true", help="for programs")
    options(parser)
    return parser
