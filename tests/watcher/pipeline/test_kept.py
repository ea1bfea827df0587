"""What is kept of logs and spans: all that was said, redacted as it is for every other way out."""

from __future__ import annotations

import json
import time

import pytest

from whisperwatch.watcher.pipeline.kept import Kept
from whisperwatch.watcher.pipeline.kept_attributes import KeptAttributes, pair
from whisperwatch.watcher.pipeline.kept_logs import KeptLogs
from whisperwatch.watcher.pipeline.kept_spans import KeptSpans
from whisperwatch.watcher.pipeline.redaction import Redaction
from whisperwatch.watcher.query.choosing import Stores
from whisperwatch.watcher.query.embedded.logs import EmbeddedLogs
from whisperwatch.watcher.query.embedded.traces import EmbeddedTraces
from whisperwatch.watcher.query.language import LogFilter, Match, Period, TraceSearch
from whisperwatch.watcher.query.language.parsing import parse
from whisperwatch.watcher.records import LocalStream, Stream
from whisperwatch.watcher.redaction import Redactor
from whisperwatch.watcher.settings.load import load
from whisperwatch.watcher.store.logs.waiting import MOST
from whisperwatch.watcher.store.traces import decode

OFFSET = 1_700_000_000_000_000_000
PLANTED = "hunter2-planted-secret"
KEY = "sk-proj-abcdEFGH1234ijklMNOP5678"
USER = 123_456_789_012_345_678
REDACTION = Redaction(b"k" * 32, redactor=Redactor({"BOT_PASSWORD": PLANTED}))
HASHED = REDACTION(USER)
LOG = (
    1_000_000_000, 17, "ERROR", "asyncpg.pool", f"no more of {PLANTED}",
    {"user": 5, "discord.user.id": USER, "password": "x"}, 0xABC, 0xDEF, 1, ("a.py", 3, "look"),
    ("OSError", f"gone: {KEY}", (("a.py", 3, "look"),), None), "bot.error",
)  # fmt: skip
STATIC = {"bot.name": "demo", "discord.user.id": USER, "note": PLANTED}


def span(number, parent=0, **changed):
    told = {
        "trace": 0xABC, "name": "message", "kind": 4, "start": 1_000_000_000, "end": 2_000_000_000, "static": 1,
        "attributes": None, "status": 0, "description": None, "events": None, "links": None, **changed,
    }  # fmt: skip
    t = told
    return (
        t["trace"], number, parent, 1, None, t["name"], t["kind"], t["start"], t["end"], t["static"], t["attributes"],
        t["status"], t["description"], t["events"], t["links"], 1, None,
    )  # fmt: skip


@pytest.fixture
def stream():
    made = Stream({"service.name": "bot", "service.instance.id": "one"})
    made.take(("batch", 1, 0, [("scope", 1, "s", None, None, None), ("attributes", 1, STATIC)], [], [], {}))
    return made


def failed():
    return span(
        2, 1, name="SELECT", kind=2, status=2,
        attributes={"text": f"is {PLANTED}", "bot.name": "own", "n": 1, "on": True},
        description=f"because of {KEY}", events=(("exception", 1_500_000_000, {"discord.user.id": USER, "k": KEY}, 0),),
        links=((0xF, 0xE, 1, None, {"why": PLANTED}, 0),),
    )  # fmt: skip


def test_a_log_is_a_row(stream):
    (row,) = KeptLogs(REDACTION, {}).rows(stream, [LOG], OFFSET)
    assert row[:11] == (
        OFFSET + 1_000_000_000, 17, "ERROR", "database", "asyncpg.pool", "no more of [redacted:secret]",
        "OSError: gone: [redacted:api_key]", (0xABC).to_bytes(16), (0xDEF).to_bytes(8), "one", "bot.error",
    )  # fmt: skip
    attributes = json.loads(row[11])
    assert attributes.pop("exception.stacktrace").endswith("OSError: gone: [redacted:api_key]")
    assert attributes == {
        "user": 5, "discord.user.id": HASHED, "password": "[redacted:secret]", "code.file.path": "a.py",
        "code.line.number": 3, "code.function.name": "look", "exception.type": "OSError",
        "exception.message": "gone: [redacted:api_key]",
    }  # fmt: skip


def test_what_a_text_cannot_be_is_replaced(stream):
    (row,) = KeptLogs(REDACTION, {}).rows(
        stream,
        [(*LOG[:2], "\ud800", "bot.\ud800", "a\0b \ud800 é", {"k": "\ud800\0"}, *LOG[6:11], "\ud800")],
        OFFSET,
    )
    assert (row[2], row[4], row[5], row[10]) == ("?", "bot.?", "a\ufffdb ? é", "?")
    assert json.loads(row[11])["k"] == "?\0"


def test_a_record_that_cannot_be_kept_costs_no_other(stream):
    logs = KeptLogs(REDACTION, {})
    wrong = [
        (*LOG[:6], "no id", *LOG[7:]), (1 << 63, *LOG[1:]), (-OFFSET, *LOG[1:]), (1, "x", *LOG[2:]),
        (1.5, *LOG[1:]), (1, 1 << 63, *LOG[2:]),
    ]  # fmt: skip
    assert len(list(logs.rows(stream, [LOG, *wrong, LOG], OFFSET))) == 2
    spans = KeptSpans(REDACTION)
    good, bad = (
        span(1),
        [
            span(2, kind=77),
            span(3, status="x"),
            span(4, start=None),
            span(5, static=99),
            span(7, end=1 << 63),
        ],
    )
    (part,) = spans.parts(stream, [*bad, good, span(6, trace=1 << 129)], OFFSET)
    assert (part.spans, spans.broken) == (1, 6)
    assert logs.broken == 6


def test_spans_of_a_trace_are_a_part(stream):
    one, other = KeptSpans(REDACTION).parts(stream, [span(1), span(3, trace=0xF), failed()], OFFSET)
    assert (one.trace, one.root, one.start, one.end) == (
        (0xABC).to_bytes(16), "message", OFFSET + 1_000_000_000, OFFSET + 2_000_000_000,
    )  # fmt: skip
    assert (one.error, one.spans, one.instance) == (True, 2, "one")
    assert (other.trace, other.error, other.spans) == ((0xF).to_bytes(16), False, 1)
    static = {"bot.name": "demo", "discord.user.id": HASHED, "note": "[redacted:secret]"}
    root, child = decode(one.body)
    assert root == [
        f"{1:016x}", "", "message", "consumer", OFFSET + 1_000_000_000, OFFSET + 2_000_000_000, "unset", "", static,
        [], [],
    ]  # fmt: skip
    assert child == [
        f"{2:016x}", f"{1:016x}", "SELECT", "client", OFFSET + 1_000_000_000, OFFSET + 2_000_000_000, "error",
        "because of [redacted:api_key]",
        {**static, "bot.name": "own", "text": "is [redacted:secret]", "n": 1, "on": True},
        [["exception", OFFSET + 1_500_000_000, {"discord.user.id": HASHED, "k": "[redacted:api_key]"}]],
        [[f"{0xF:032x}", f"{0xE:016x}", {"why": "[redacted:secret]"}]],
    ]  # fmt: skip


def test_what_is_remembered_is_told_apart_by_type(stream):
    told = [span(1, static=0, attributes={"k": value}) for value in (1, True, 1.0, "1", 1, True)]
    (part,) = KeptSpans(REDACTION).parts(stream, told, OFFSET)
    kept = [one[8]["k"] for one in decode(part.body)]
    assert [(type(value), value) for value in kept] == [
        (int, 1), (bool, True), (float, 1.0), (str, "1"), (int, 1), (bool, True),
    ]  # fmt: skip


def test_sql_is_read_as_its_database_reads_it():
    kept = KeptAttributes(REDACTION, pair)
    for system, shown in (("postgresql", 'SELECT "a"'), ("sqlite", "SELECT ?")):
        attributes = {"db.query.text": 'SELECT "a"', "db.system.name": system}
        for _ in range(2):
            assert dict(kept.each(attributes))["db.query.text"] == shown


@pytest.mark.parametrize("at", [float("nan"), float("inf"), 1.5])
def test_an_event_at_an_odd_time_leaves_its_trace_readable(stream, at):
    (part,) = KeptSpans(REDACTION).parts(
        stream, [span(1, events=(("odd", at, None, 0),)), span(2, 1)], OFFSET
    )
    assert [one[0] for one in decode(part.body)] == [f"{1:016x}", f"{2:016x}"]


@pytest.mark.parametrize(
    "value", ['"quoted" \\', "\ud800", {"a": [1, None]}, float("nan"), b"bytes", (1, "x"), None, 1 << 70]
)
def test_what_is_put_together_is_what_json_would_say(stream, value):
    own = {"k": value, "note": value, "": 1}
    (part,) = KeptSpans(REDACTION).parts(
        stream, [span(1, static=0, attributes=own), span(2, attributes=own)], OFFSET
    )
    kept = [one[8] for one in decode(part.body)]
    redacted = {key: REDACTION.redactor.value(key, one) for key, one in own.items()}
    text = json.dumps(redacted, default=str, ensure_ascii=False).encode("utf-8", "replace")
    assert repr(kept[0]) == repr(json.loads(text))
    assert list(kept[1]) == ["bot.name", "discord.user.id", "note", "k", ""]
    assert repr(kept[1]["note"]) == repr(kept[0]["note"])


def test_ids_are_shown_where_the_operator_wants_it(stream):
    exposing = Redaction(b"k" * 32, expose_ids=True)
    (row,) = KeptLogs(exposing, {}).rows(stream, [LOG], OFFSET)
    assert json.loads(row[11])["discord.user.id"] == str(USER)


async def test_nothing_planted_is_in_the_file_and_a_user_is_found_and_forgotten(stream, tmp_path):
    path = tmp_path / "store.db"
    settings = load({}, tmp_path)
    kept = Kept(path, lambda: settings, lambda: [stream], LocalStream({}), REDACTION)
    now = time.time_ns() - 60 * 10**9
    kept.add_logs(stream, [LOG], now)
    kept.add_spans(stream, [span(1), failed()], now)
    await kept.commit()
    assert kept.store.state.problem is None
    raw = b"".join(file.read_bytes() for file in tmp_path.glob("store.db*"))
    for secret in (PLANTED, KEY, str(USER), PLANTED[:7], KEY[8:20]):
        assert secret.encode() not in raw

    span_of_time = (now / 1e9 - 10, now / 1e9 + 10)
    logs, traces = EmbeddedLogs(kept.store.readers), EmbeddedTraces(kept.store.readers)
    (record,) = (await logs.logs(LogFilter(text="OSERROR"), *span_of_time, 5, None)).records
    theirs = TraceSearch(Period(1.0), where=(Match("discord.user.id", (HASHED,)),))
    (trace,) = (await traces.search(theirs, *span_of_time)).traces
    assert record.trace_id == trace.trace_id
    assert PLANTED not in repr(await traces.trace(trace.trace_id))

    signals = {signal.name: signal for signal in kept.store.signals}
    removed = await kept.store.do(
        lambda database: [signals[name].forget(database, HASHED) for name in ("logs", "traces")]
    )
    assert removed == [1, 1]
    assert (await logs.logs(LogFilter(), *span_of_time, 5, None)).records == ()
    assert (await traces.search(theirs, *span_of_time)).traces == ()
    await kept.store.stop()


async def test_errors_are_kept_as_long_as_the_settings_say_and_found(stream, tmp_path):
    settings = load({"ERROR_RETENTION_PERIOD": "30d", "WHISPERWATCH_LOG_RETENTION": "7d"}, tmp_path)
    kept = Kept(tmp_path / "store.db", lambda: settings, lambda: [stream], LocalStream({}), REDACTION)
    kept.add_logs(stream, [LOG, (*LOG[:1], 9, "INFO", *LOG[3:])], time.time_ns() - 20 * 86_400 * 10**9)
    stores = Stores(lambda: settings, kept.store.readers, 5.0)
    for _ in range(3):  # a slice, the last one, and what follows
        kept.store._tended = float("-inf")
        await kept.commit()
    told = await stores.asking.ask(parse("logs where level >= error over 30d"))
    assert ([record.severity for record in told.records], told.notes) == ([LOG[1]], ())
    (count,) = (await stores.asking.ask(parse("count logs where level >= error over 30d"))).series
    assert count.points[-1][1] == 1
    await stores.close()
    await kept.store.stop()


async def test_a_store_that_cannot_be_written_loses_what_does_not_fit_and_counts_it(stream, tmp_path):
    (tmp_path / "store.db").mkdir()
    settings = load({}, tmp_path)
    own = LocalStream({})
    kept = Kept(tmp_path / "store.db", lambda: settings, lambda: [stream], own, REDACTION)
    await kept.commit()
    assert kept.store.state.problem is not None
    debug = (*LOG[:1], 5, "DEBUG", *LOG[3:])
    kept.add_logs(stream, [LOG] * 10 + [debug] * MOST, OFFSET)
    dropped = {
        tuple(sorted(cell.attributes.items())): cell.value[0]
        for instrument in own.instruments
        if instrument.name == "whisperwatch.export.dropped"
        for cell in instrument.cells
        if cell.value
    }
    assert dropped[("reason", "store"), ("signal", "logs")] == 10
    await kept.store.stop()


async def test_what_cannot_be_kept_is_counted(stream, tmp_path):
    settings, own = load({}, tmp_path), LocalStream({})
    kept = Kept(tmp_path / "store.db", lambda: settings, lambda: [stream], own, REDACTION)
    kept.add_logs(stream, [LOG, (*LOG[:6], "no id", *LOG[7:])], OFFSET)
    kept.add_spans(stream, [span(1), span(2, kind=77), span(3, kind=77)], OFFSET)
    dropped = {
        (cell.attributes["signal"], cell.attributes["reason"]): cell.value[0]
        for instrument in own.instruments
        if instrument.name == "whisperwatch.export.dropped"
        for cell in instrument.cells
    }
    assert (dropped["logs", "unencodable"], dropped["spans", "unencodable"]) == (1, 2)
    await kept.store.stop()
