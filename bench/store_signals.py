"""What logs and traces cost in the embedded store, and how fast they are found in it.

    python -m bench.store_signals [--records N] [--traces N]

Fills a store on the disk as the watcher does it, a commit for every 30,000 records, and asks it each question three
times. `from the tape` is one thread that redacts and converts while another writes, as in the watcher; then the µs of
a processor that each of the two takes. Then bytes of the file for each, and ms of the first and the fastest answer.
"""

from __future__ import annotations

import argparse
import itertools
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from bench.pipeline_cost import RESOURCE, STATIC, spans
from whisperwatch.watcher import interpreter
from whisperwatch.watcher.pipeline.kept_logs import KeptLogs
from whisperwatch.watcher.pipeline.kept_spans import KeptSpans
from whisperwatch.watcher.pipeline.redaction import Redaction
from whisperwatch.watcher.query.embedded.log_counts import counts
from whisperwatch.watcher.query.embedded.log_search import newest
from whisperwatch.watcher.query.embedded.traces import find
from whisperwatch.watcher.query.language import Grid, LogFilter, Match, Period, TraceSearch
from whisperwatch.watcher.records import Stream
from whisperwatch.watcher.store.file import open_to_read, open_to_write
from whisperwatch.watcher.store.logs import Logs
from whisperwatch.watcher.store.partitions import Database, View
from whisperwatch.watcher.store.shares import used_bytes
from whisperwatch.watcher.store.traces import Traces
from whisperwatch.watcher.store.transactions import transaction

DAY = 1_700_006_400
DAYS = 3
_NS = 10**9
_BATCH = 30_000
_ALONE = 300_000
"""Records of which the store's own pace is taken."""
_SAID = (
    "replied to user in ms tokens cache miss hit fetched memories for channel model answered took seconds retry pool "
    "connection acquired released query select command ask remember forget gateway heartbeat event message guild shard "
    "resumed session rate limited bucket webhook interaction deferred vector distance score prompt completion stream"
)
_WORDS = _SAID.split()
_LOGGERS = ["bot.chat"] * 6 + ["discord.gateway"] * 4 + ["asyncpg.pool"] * 3 + ["redis"] * 2 + ["bot.memory"]
_LEVELS = [(9, "INFO")] * 80 + [(5, "DEBUG")] * 12 + [(13, "WARNING")] * 6 + [(17, "ERROR")] * 2
_RAISED = ("ConnectionError", "the server closed the connection", (("bot/chat.py", 3, "reply"),) * 4, None)

LOG_QUESTIONS = {
    "the newest": LogFilter(),
    "level error": LogFilter(level="error"),
    "one component": LogFilter(components=("cache",)),
    "a level that nothing has": LogFilter(level="critical"),
    "a frequent word": LogFilter(text="pool"),
    "a frequent word, level error": LogFilter(text="pool", level="error"),
    "a rare word": LogFilter(text="zyzzyva"),
    "an exception's text": LogFilter(text="closed the conn"),
    "a word that is nowhere": LogFilter(text="qqqqzz"),
    "words that are nowhere together": LogFilter(text="connection refuted"),
    "two characters": LogFilter(text="ms"),
    "two characters that are nowhere": LogFilter(text="qq"),
    "a trace id": LogFilter(trace_id="00" * 16),
}

TRACE_QUESTIONS = {
    "the newest": TraceSearch(Period(1.0)),
    "the slowest": TraceSearch(Period(1.0), slowest=True),
    "failed": TraceSearch(Period(1.0), error=True),
    "an attribute that is nowhere": TraceSearch(Period(1.0), where=(Match("discord.user.id", ("nobody",)),)),
}


def logs(count: int, dice: random.Random) -> Iterator[tuple[object, ...]]:
    """LOGs of the tape, over three days."""
    step = DAYS * 86_400 * _NS // count
    for number in range(count):
        severity, level = dice.choice(_LEVELS)
        said = " ".join(dice.choices(_WORDS, k=9))
        if number % (count // 5) == 7:
            said += " zyzzyva"
        yield (
            number * step + dice.randrange(step), severity, level, dice.choice(_LOGGERS), f"{said} {number}",
            {"tokens": number % 500} if number % 3 else None, dice.getrandbits(128) if number % 2 else 0, 5, 1,
            ("bot/chat.py", number % 300, "reply"), _RAISED if severity == 17 else None, None,
        )  # fmt: skip


def fill(signal: Any, convert: Callable[[list[Any]], Any], given: Iterator[Any], database: Database) -> str:
    """Write what is given; how fast that was."""

    def write(taken: Any) -> float:
        begun = time.thread_time()
        if taken:
            with transaction(database):
                signal.write(database, taken)
        return time.thread_time() - begun

    spent = writing = converting = 0.0
    done, taken = 0, None
    with ThreadPoolExecutor(1) as store:
        while (batch := list(itertools.islice(given, _BATCH))) or taken:
            begun, of_thread = time.perf_counter(), time.thread_time()
            written = store.submit(write, taken)
            signal.add(convert(batch))
            taken = signal.take()
            converting += time.thread_time() - of_thread
            writing += written.result()
            spent, done = spent + time.perf_counter() - begun, done + len(batch)
    database.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    micro = 1e6 / done
    return f"{done / spent:,.0f}/s; {converting * micro:.1f} + {writing * micro:.1f} µs each"


def alone(rows: list[Any], path: Path) -> str:
    """How fast the store writes records that somebody else has converted."""
    database = Database(open_to_write(path, ()))
    told = fill(Logs(lambda: 0.0), lambda some: some, iter(rows), database)
    database.connection.close()
    return told


def timed(question: Callable[[], Any]) -> str:
    """How long it takes, in ms."""
    spent = []
    for _ in range(3):
        begun = time.perf_counter()
        question()
        spent.append((time.perf_counter() - begun) * 1e3)
    return f"first {spent[0]:6.1f} ms, then {min(spent):6.1f} ms"


def questions(view: View) -> Iterator[tuple[str, Callable[[], Any]]]:
    """What is asked."""
    first, last = DAY, DAY + DAYS * 86_400
    for name, filter in LOG_QUESTIONS.items():
        yield f"logs: {name}", partial(newest, view, filter, first, last, 50, None)
    whole, daily = Grid(last, last, 1, last - first), Grid(last - 86_100, last, 300, 300)
    yield "logs: counted by level", partial(counts, view, LogFilter(), ("level",), whole)
    yield (
        "logs: errors of a day each 5 min",
        partial(counts, view, LogFilter(level="error"), ("component",), daily),
    )
    for name, search in TRACE_QUESTIONS.items():
        yield f"traces: {name}", partial(find, view, search, first, last)


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--records", type=int, default=1_000_000)
    options.add_argument("--traces", type=int, default=60_000)
    arguments = options.parse_args()
    interpreter.share()
    dice, stream, redaction = random.Random(1), Stream(RESOURCE), Redaction(b"k" * 32)
    sets = [("attributes", number, told) for number, told in enumerate(STATIC, 1)]
    stream.take(("batch", 1, 0, [("scope", 1, "bench", None, None, None), *sets], [], [], {}))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store.db"
        database = Database(open_to_write(path, ()))
        log_rows, span_parts, offset = KeptLogs(redaction, {}), KeptSpans(redaction), DAY * _NS
        rows = list(log_rows.rows(stream, logs(min(arguments.records, _ALONE), dice), offset))
        print("log records, written:", alone(rows, path.with_name("alone.db")))
        del rows
        given = logs(arguments.records, dice)
        print(
            "log records, from the tape:",
            fill(Logs(lambda: 0.0), lambda some: log_rows.rows(stream, some, offset), given, database),
        )
        size = used_bytes(database.connection)
        print(f"  {size / arguments.records:.0f} bytes each")
        made = iter(spans(arguments.traces * 4, dice))
        traces = Traces(most_bytes=10**9)
        print(
            "spans, from the tape:",
            fill(traces, lambda some: span_parts.parts(stream, some, offset), made, database),
        )
        print(
            f"  {(used_bytes(database.connection) - size) / (arguments.traces * 4):.0f} bytes each, in traces of four"
        )
        view = View(open_to_read(path))
        for name, question in questions(view):
            print(f"{name:<46} {timed(question)}")
        view.connection.close()
        database.connection.close()


if __name__ == "__main__":
    main()
