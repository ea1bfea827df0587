"""`logs` and `trace`: single records, as pages. What is typed is compared, and never part of a question's text."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from whisperwatch.questions import WrongWordsError
from whisperwatch.semconv import COMPONENTS
from whisperwatch.watcher.answers.asked_period import period
from whisperwatch.watcher.answers.figures import title
from whisperwatch.watcher.answers.grafana import Linking, linked, nowhere
from whisperwatch.watcher.answers.log_export import FORMATS, within
from whisperwatch.watcher.answers.numbers import number
from whisperwatch.watcher.answers.page import Attachment, Line, Moment, Page, remarks
from whisperwatch.watcher.insight.plain import plain
from whisperwatch.watcher.query.answers import Answer, LogAnswer, LogRecord, SpanRecord, Trace
from whisperwatch.watcher.query.asking import Asking
from whisperwatch.watcher.query.language import LogFilter, LogQuestion, TraceQuestion
from whisperwatch.watcher.query.language.logs import LEVELS
from whisperwatch.watcher.query.language.periods import Period
from whisperwatch.watcher.settings.misspelt import did_you_mean, nearest

Arguments = Mapping[str, Any]
_DAY_S: Final = 86_400.0
_LINES: Final = 20
_MOST: Final = 100
_SIGNS: Final = {"warning": "⚠️ ", "error": "❌ ", "critical": "❌ "}
_BODY: Final = 300
"""Characters of one record's text: an answer is read on a phone."""
MOST_EXPORTED: Final = 10_000
_LARGEST_FILE: Final = 8 * 2**20
"""Discord takes 10 MiB wherever there are no boosts."""
_FILE: Final = re.compile(r"[^\w.-]")
_LONGEST_NAME: Final = 80
_SPANS: Final = 40
_LONGEST_TEXT: Final = 1000
_ID: Final = re.compile(r"[0-9a-f]{32}")


class Records:
    """Answers with records.

    Args:
        asking: asks the stores.
        linking: where answers link to.
    """

    def __init__(self, asking: Asking, linking: Linking = nowhere) -> None:
        self._asking, self._linking = asking, linking
        self.tellers: dict[str, Callable[[Arguments], Awaitable[Page]]] = {
            "logs": self._logs,
            "trace": self._trace,
        }

    async def json(self, question: str, arguments: Arguments) -> str:
        """The records of `logs`, the newest first, or the spans of `trace`, as JSON.

        Raises:
            WrongWordsError: the arguments are wrong.
            QuestionError: nobody keeps such records.
        """
        found: LogAnswer | Trace
        if question == "logs":
            if _exports(arguments):
                raise WrongWordsError("an export is a file already: `whisperwatch logs export` writes it")
            found = await self._asking.logs(_question(arguments))
        else:
            found = await self._asking.trace(TraceQuestion(_trace_id(arguments)))
        return json.dumps(plain(found), ensure_ascii=False, indent=1)

    async def _logs(self, arguments: Arguments) -> Page:
        form, question = _form(arguments), _question(arguments)
        over_s, ends = question.period.over_s, question.period.until
        found = await self._asking.logs(question)
        if _exports(arguments):
            return await asyncio.to_thread(export, found, over_s, form, arguments.get("output"))
        end = int(time.time()) + 1 if ends is None else int(ends)
        page = replace(logs(found, over_s), again={**arguments, "at": end})
        if (grafana := self._linking()) is None:
            return page
        return linked(page, grafana.logs(question.filter, end - over_s, end))

    async def _trace(self, arguments: Arguments) -> Page:
        trace_id = _trace_id(arguments)
        found = await self._asking.trace(TraceQuestion(trace_id))
        page = trace(found, trace_id)
        if (grafana := self._linking()) is None or not found.spans:
            return page
        start, end = (
            min(span.start for span in found.spans) / 1e9,
            max(span.end for span in found.spans) / 1e9,
        )
        return linked(page, grafana.trace(trace_id, start, end), grafana.logs_of(trace_id, start, end))


def logs(found: LogAnswer, over_s: float) -> Page:
    """The newest first."""
    count = len(found.records)
    lines: list[Line] = [
        f"The newest {count}:" if found.more else f"{count} record{'' if count == 1 else 's'}:"
    ]
    lines += [line for one in found.records for line in _record(one)]
    if not count:
        lines = [] if found.problems else ["Nothing that fits was logged in this time."]
    more = ("There are older ones: ask for more lines, or for less.",) if found.more else ()
    return _page(title("Logs", over_s), tuple(lines), found, more)


def export(found: LogAnswer, over_s: float, form: str, output: Any) -> Page:
    """Records as a file, whose name is the last part of what was asked for; of too many the newest."""
    content, count = within(found.records, form, _LARGEST_FILE)
    named = _FILE.sub("_", str(output or "").replace("\\", "/").rpartition("/")[2]).strip("._")[
        :_LONGEST_NAME
    ]
    name = named or f"logs.{form}"
    lines: list[Line] = [f"{count:,} records, the oldest first, are in {name}."]
    if output is not None and name != output:
        lines.append(
            "A file on the bot's machine is written by `whisperwatch logs --output` in a terminal there."
        )
    if count < len(found.records) or found.more:
        lines.append("There are older ones, which don't fit: ask for less, or in a terminal.")
    page = _page(f"{title('Logs', over_s)}, as {form}", tuple(lines), found, ())
    return replace(page, files=(Attachment(name, content),))


def trace(found: Trace, trace_id: str) -> Page:
    """The tree of its spans, each with its duration."""
    if not found.spans:
        said = () if found.problems else ("There is no such trace, or it is not kept any more.",)
        return _page(f"Trace {trace_id}", said, found, ())
    start = min(span.start for span in found.spans)
    whole = max(span.end for span in found.spans) - start
    began: Line = (f"{number(whole / 1e9, 's')}, {len(found.spans)} spans, ", Moment(start / 1e9))
    tree = tuple(_span(span, depth) for span, depth in found.tree())
    more = (
        (f"{len(tree) - _SPANS} more: `whisperwatch traces` in a terminal shows all.",)
        if len(tree) > _SPANS
        else ()
    )
    return _page(f"Trace {trace_id}", (began, *tree[:_SPANS]), found, more)


def _page(title: str, lines: tuple[Line, ...], answer: Answer, more: tuple[str, ...]) -> Page:
    below = remarks([problem.what for problem in answer.problems], [*answer.notes, *more])
    return Page(title, lines, below, status="unknown" if answer.problems else None)


def _lines(arguments: Arguments, most: int, unless_said: int) -> int:
    lines = arguments.get("lines", unless_said)
    if not isinstance(lines, int) or not 1 <= lines <= most:
        raise WrongWordsError(
            f"logs takes from 1 to {most} lines; a terminal's `whisperwatch logs` takes more"
        )
    return lines


def _question(arguments: Arguments) -> LogQuestion:
    exports, at = _exports(arguments), arguments.get("at")
    most = _lines(arguments, MOST_EXPORTED if exports else _MOST, MOST_EXPORTED if exports else _LINES)
    ends = at if isinstance(at, int) else None  # of an answer that goes on: its pages are of one time
    over_s = period(arguments, _DAY_S, "since")
    return LogQuestion(Period(over_s, ends), _filter(arguments), most)


def _exports(arguments: Arguments) -> bool:
    return arguments.get("what") == "export"


def _trace_id(arguments: Arguments) -> str:
    trace_id = str(arguments.get("id", "")).lower()
    if not _ID.fullmatch(trace_id):
        raise WrongWordsError("trace takes an id of 32 hexadecimal digits, as `logs` shows it")
    return trace_id


def _form(arguments: Arguments) -> str:
    for name in ("format", "output"):
        if not _exports(arguments) and name in arguments:
            raise WrongWordsError(f"--{name} goes with `logs export`")
    form = str(arguments.get("format", FORMATS[0]))
    if form not in FORMATS:
        raise WrongWordsError(f"{form!r:.40} is no format: there are {', '.join(FORMATS)}")
    return form


def _filter(arguments: Arguments) -> LogFilter:
    what, text, level = (arguments.get(name) for name in ("what", "text", "level"))
    if level is not None and level not in LEVELS:
        raise WrongWordsError(f"{level!r:.40} is no level: there are {', '.join(LEVELS)}")
    if what == "export":
        what, text = ("component", text) if text else (None, None)
    if what == "search":
        if not text or len(text) > _LONGEST_TEXT:
            raise WrongWordsError(f"logs search needs a text of 1 to {_LONGEST_TEXT} characters")
        return LogFilter(level=level, text=text)
    component = text if what == "component" else what
    if component is None and what is None:
        return LogFilter(level=level)
    if component not in COMPONENTS:
        given = str(component or "")[:40]
        known = f"There are {', '.join(COMPONENTS)}; `logs search` looks for a text."
        raise WrongWordsError(
            f"there is no component {given!r}{did_you_mean(nearest(given, COMPONENTS))}. {known}"
        )
    return LogFilter(level=level, components=(component,))


def _record(record: LogRecord) -> Iterator[Line]:
    """How bad, when, what it says; and below its trace, as it is asked for."""
    body = " ".join(record.body.split())
    failed = str(record.attributes.get("exception.type") or "").rpartition(".")[2]
    if failed not in body:
        body = f"{body} ({failed})"
    shown = body if len(body) <= _BODY else f"{body[: _BODY - 1]}…"
    level = record.level or "?"
    of = record.component or record.logger
    yield (f"{_SIGNS.get(level.lower(), '')}{level} ", Moment(record.at / 1e9), f" {of}: {shown}")
    if record.trace_id:
        yield f"`trace {record.trace_id}`"


def _span(span: SpanRecord, depth: int) -> str:
    failed = (
        f" failed{f' ({kind})' if (kind := span.attributes.get('error.type')) else ''}"
        if span.status == "error"
        else ""
    )
    return f"{'· ' * min(depth, 8)}{span.name} {number((span.end - span.start) / 1e9, 's')}{failed}"
