"""`whisperwatch query "increase(bot.errors) by bot.error.category over 1h"`: any question, as a table, JSON or CSV."""

from __future__ import annotations

import argparse
import csv
import dataclasses
import json
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from whisperwatch.terminal import logs, traces
from whisperwatch.terminal.explaining import explain
from whisperwatch.terminal.paint import Paint
from whisperwatch.terminal.stores import FOUND, ask, options, told
from whisperwatch.terminal.table import table
from whisperwatch.watcher.answers.log_export import write
from whisperwatch.watcher.answers.numbers import bars, number
from whisperwatch.watcher.query.answers import (
    Answer,
    LogAnswer,
    MetricAnswer,
    Series,
    Trace,
    TraceList,
)
from whisperwatch.watcher.query.asking import Asking
from whisperwatch.watcher.query.language.parsing import parse
from whisperwatch.watcher.query.language.questions import Question

_BARS: Final = 40


def main(argv: Sequence[str]) -> int:
    """Answer one question.

    Returns:
        the exit status: 1 where a store failed, 2 where the question is wrong.
    """
    parser = argparse.ArgumentParser(prog="whisperwatch query", description=__doc__)
    parser.add_argument(
        "question", nargs="+", help="in the language of docs/queries.md; quote it for the shell"
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_const", dest="form", const="json", help="for programs")
    form.add_argument("--csv", action="store_const", dest="form", const="csv", help="for spreadsheets")
    form.add_argument(
        "--explain",
        action="store_true",
        help="don't ask: show how it is understood, and in PromQL, LogQL or TraceQL",
    )
    options(parser)
    given = parser.parse_args(argv)

    async def work(asking: Asking) -> int:
        question = parse(" ".join(given.question))
        if given.explain:
            print("\n".join(explain(question)))
            return FOUND
        answer = await asking.ask(question)
        show(question, answer, given.form)
        return told(answer)

    return ask(given.state_dir, work)


def show(question: Question, answer: Answer, form: str | None) -> None:
    """Print an answer."""
    if form == "json":
        json.dump(dataclasses.asdict(answer), sys.stdout, ensure_ascii=False, indent=1, default=str)
        print()
    elif form == "csv":
        _csv(answer)
    elif isinstance(answer, MetricAnswer):
        _metrics(answer)
    elif isinstance(answer, LogAnswer):
        logs.show(answer.records, Paint())
    elif isinstance(answer, TraceList):
        traces.show_list(answer, Paint())
    elif isinstance(answer, Trace):
        traces.show_one(answer, Paint())


def _metrics(answer: MetricAnswer) -> None:
    paint = Paint()
    if not answer.series:
        if not answer.problems:
            between = f"{when(answer.start)} and {when(answer.end)}"
            print(f"nothing was recorded of that between {between}", file=sys.stderr)
        return
    keys = list(answer.series[0].group)
    single = not answer.step
    compared = any(one.before is not None for one in answer.series)
    headings = [*keys, *(["value"] if single else ["last", "least", "most", "over time"])]
    headings += ["before", "change"] if compared and single else []
    rows = [
        [
            *(one.group[key] or "-" for key in keys),
            *_cells(one, answer, single=single, compared=compared),
        ]
        for one in answer.series
    ]
    numeric = frozenset(range(len(keys), len(headings) if single else len(keys) + 3))
    for line in table(headings, rows, paint, numeric):
        print(line)
    print(paint(f"{when(answer.start)} to {when(answer.end)}", "dim"))


def _cells(series: Series, answer: MetricAnswer, *, single: bool, compared: bool) -> Iterator[str]:
    values, unit = [value for _, value in series.points], answer.unit
    if not single:
        if not values:
            yield from ("-", "-", "-", "")
            return
        yield from (number(values[-1], unit), number(min(values), unit), number(max(values), unit))
        points = dict(series.points)
        first = max(answer.end - answer.step * (_BARS - 1), min(points))
        yield bars([points.get(at) for at in range(first, answer.end + 1, answer.step)])
        return
    yield number(values[0], unit) if values else "-"
    if compared:
        before = series.before[0][1] if series.before else None
        yield "-" if before is None else number(before, unit)
        yield f"{(values[0] - before) / before:+.0%}" if before and values else "-"


def _csv(answer: Answer) -> None:
    writer = csv.writer(sys.stdout)
    if isinstance(answer, MetricAnswer):
        keys = list(answer.series[0].group) if answer.series else []
        compared = any(one.before is not None for one in answer.series)
        writer.writerow(["time", *keys, "value", *(["before"] if compared else [])])
        for one in answer.series:
            before = dict(one.before or ())
            for at, value in one.points:
                row: list[Any] = [iso(at), *(one.group[key] for key in keys), value]
                writer.writerow([*row, before.get(at, "")] if compared else row)
    elif isinstance(answer, LogAnswer):
        write(answer.records, "csv", sys.stdout)
    elif isinstance(answer, TraceList):
        writer.writerow(["time", "trace_id", "root", "duration_s", "error", "spans"])
        for found in answer.traces:
            writer.writerow(
                [
                    iso(found.start / 1e9),
                    *dataclasses.astuple(found)[:2],
                    found.duration_s,
                    found.error,
                    found.spans,
                ]
            )
    elif isinstance(answer, Trace):
        writer.writerow(["time", "span_id", "parent_id", "name", "kind", "duration_s", "status"])
        for span in answer.spans:
            duration = (span.end - span.start) / 1e9
            writer.writerow(
                [
                    iso(span.start / 1e9),
                    span.span_id,
                    span.parent_id,
                    span.name,
                    span.kind,
                    duration,
                    span.status,
                ]
            )


def when(unix: float) -> str:
    """A time for people, as it is here."""
    return f"{datetime.fromtimestamp(unix).astimezone():%Y-%m-%d %H:%M:%S}"


def iso(unix: float) -> str:
    """A time for programs."""
    return datetime.fromtimestamp(unix, UTC).isoformat().replace("+00:00", "Z")
