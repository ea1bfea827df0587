"""Whether what was recorded is what was done, number by number: `whisperwatch demo --check`.

`compare` sets the two sides against each other. Every key of either side makes a row, so that what was recorded and
never done is as wrong as what was done and not recorded.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.table import Table
from rich.text import Text

from whisperwatch import semconv
from whisperwatch.demo.ledgers import Done
from whisperwatch.demo.measured import Measured
from whisperwatch.demo.receiver import ReceivedSpan, Traces
from whisperwatch.demo.trails import Trails

_LOOK_AGAIN_S = 0.3
_TODAY = {semconv.WINDOW: "day"}


@dataclass(frozen=True, slots=True)
class Row:
    """One number: what was done, what was recorded."""

    item: str
    did: int
    recorded: int

    @property
    def ok(self) -> bool:
        return self.did == self.recorded


def compare(done: Done, measured: Measured, traces: Traces, hashed: Callable[[int], str]) -> list[Row]:
    """All rows. `hashed` is how an id leaves the bot's process."""
    return [*_metrics(done, measured), *_spans(done, traces, hashed)]


async def settle(
    read: Callable[[], Awaitable[Done]], scrape: Callable[[], Awaitable[Measured]], traces: Traces,
    hashed: Callable[[int], str], timeout_s: float,
) -> list[Row]:  # fmt: skip
    """Compare until everything agrees while nothing happens, or the time is over.

    Then the comparison that came nearest: the others also show what was just then under way, such as a task's run.
    """
    deadline = time.monotonic() + timeout_s
    nearest: list[Row] | None = None
    while True:
        done = await read()
        measured = await scrape()
        rows = compare(done, measured, traces, hashed)
        if all(row.ok for row in rows) and await read() == done:
            return rows
        if nearest is None or wrong(rows) <= wrong(nearest):
            nearest = rows
        if time.monotonic() >= deadline:
            return nearest
        await asyncio.sleep(_LOOK_AGAIN_S)


def wrong(rows: Sequence[Row]) -> int:
    """How many rows disagree."""
    return sum(not row.ok for row in rows)


def _metrics(done: Done, measured: Measured) -> Iterator[Row]:
    yield from _pairs("event", done.events, _by(measured, semconv.GATEWAY_EVENTS, semconv.EVENT))
    yield Row("connects", done.connections["ready"], round(measured.total(semconv.GATEWAY_CONNECTS)))
    yield Row("resumes", done.connections["resumed"], round(measured.total(semconv.GATEWAY_RESUMES)))
    commands = _by(measured, semconv.COMMAND_DURATION, semconv.COMMAND, semconv.COMMAND_KIND, semconv.OUTCOME)
    yield from _pairs("command", done.commands, commands)
    handled = {"message": len(done.command_messages | done.replied), "interaction": done.interactions}
    yield from _pairs("handled", handled, _by(measured, semconv.MESSAGES_HANDLED, semconv.EVENT))
    replied = {"message": len(done.replied), "interaction": done.answered_interactions}
    yield from _pairs("replied", replied, _by(measured, semconv.RESPONSE_TIME, semconv.EVENT))
    requests = _by(measured, semconv.HTTP_DURATION, semconv.METHOD, semconv.ROUTE, semconv.STATUS_CODE)
    yield from _pairs("REST", done.requests, requests)
    yield from _pairs("task", done.tasks, _by(measured, semconv.TASK_DURATION, semconv.TASK, semconv.OUTCOME))
    tokens = _by(measured, semconv.LLM_USED_TOKENS, semconv.GEN_AI_TOKEN_TYPE)
    yield from _pairs("LLM tokens,", done.tokens, tokens)
    yield from _pairs(
        "look-up in the cache", done.lookups, _by(measured, semconv.CACHE_REQUESTS, semconv.CACHE_RESULT)
    )
    yield from _pairs(
        "memory", done.memories, _by(measured, semconv.MEMORY_DURATION, semconv.MEMORY_OPERATION)
    )
    yield Row("conversations", done.conversations, round(measured.total(semconv.CONVERSATIONS)))
    feedback = _by(measured, semconv.FEEDBACK, semconv.FEEDBACK_VALUE, semconv.SOURCE)
    yield from _pairs("feedback", done.feedback, feedback)
    yield Row("people answered today", done.users, round(measured.total(semconv.USERS_ACTIVE, _TODAY)))
    yield Row("internal errors", 0, round(measured.total(semconv.SELF_INTERNAL_ERRORS)))


def _spans(done: Done, traces: Traces, hashed: Callable[[int], str]) -> Iterator[Row]:
    roots = Counter(span.name for span in traces.spans() if _is_root(span))
    expected = {"message": len(done.command_messages | done.talks), "interaction": done.interactions}
    expected |= {f"task {name}": count for (name, _), count in done.tasks.items()}
    yield from _pairs("root span", expected, roots)
    trails = Trails(traces, hashed)
    talked = done.talks & done.replied
    commanded = done.command_messages & done.replied
    yield Row("talks with a trace of their own", len(talked), trails.single(talked))
    yield Row(
        "… SQL, Redis and REST under it", len(talked), trails.with_all(talked, {"SQL", "Redis", "REST"})
    )
    yield Row("commands with a trace of their own", len(commanded), trails.single(commanded))
    yield Row("… command and REST under it", len(commanded), trails.with_all(commanded, {"command", "REST"}))
    yield Row("model answers (LLM spans)", done.model_answers, trails.calls("LLM", ""))
    yield Row("turns stored (INSERT spans)", done.turns, trails.calls("SQL", "INSERT INTO turns"))
    yield Row("cache reads (GET spans)", done.cache_reads, trails.calls("Redis", "GET"))
    yield Row("spans whose parent is missing", 0, trails.orphans)
    yield Row("spans that came twice", 0, traces.doubled)


def _is_root(span: ReceivedSpan) -> bool:
    """A root of ours; requests of the bot's start, before any event, are roots too, and none of an event's."""
    return not span.parent_id and span.scope == semconv.SCOPE and span.kind != "client"


def _by(measured: Measured, metric: semconv.Metric, *keys: str) -> Counter[Hashable]:
    found = measured.by(metric, *keys)
    return Counter({key if len(keys) > 1 else key[0]: round(value) for key, value in found.items()})


def _pairs(what: str, did: Mapping[Any, int], recorded: Mapping[Any, int]) -> Iterator[Row]:
    for key in sorted(did.keys() | recorded.keys(), key=str):
        name = " ".join(key) if isinstance(key, tuple) else str(key)
        if did.get(key) or recorded.get(key):
            yield Row(f"{what} {name}", did.get(key, 0), recorded.get(key, 0))


def table(rows: Sequence[Row]) -> Table:
    """The rows, for the terminal."""
    drawn = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    drawn.add_column("item", overflow="fold")
    drawn.add_column("did", justify="right")
    drawn.add_column("recorded", justify="right")
    drawn.add_column("ok")
    for row in rows:
        mark = Text("ok", style="green") if row.ok else Text("WRONG", style="bold red")
        drawn.add_row(row.item, str(row.did), str(row.recorded), mark)
    return drawn
