"""Traces are found by what is said of them, and come back whole."""

from __future__ import annotations

from typing import Any

import pytest

from whisperwatch.watcher.query.answers import SpanEvent, SpanLink, SpanRecord
from whisperwatch.watcher.query.embedded import traces as embedded
from whisperwatch.watcher.query.embedded.traces import EmbeddedTraces, find, several, whole
from whisperwatch.watcher.query.engines import EngineError
from whisperwatch.watcher.query.language import Match, Period, TraceSearch
from whisperwatch.watcher.store.reading import Readers
from whisperwatch.watcher.store.traces import Part
from whisperwatch.watcher.store.traces.packing import encode

DAY = 1_700_006_400
NS = 10**9
SPAN = (DAY - 86_400, DAY + 5 * 86_400)


def part(trace: int, at: float, took: float = 0.1, root: str = "message", **changed: Any) -> Part:
    told = {"error": False, "instance": "one", "spans": [{}], **changed}
    start, end = DAY * NS + round(at * NS), DAY * NS + round((at + took) * NS)
    packed = [
        [f"{n + 1:016x}", f"{1:016x}" if n else "", root, "internal", start + n, end, "unset", "", given, [], []]
        for n, given in enumerate(told["spans"])
    ]  # fmt: skip
    return Part(
        trace.to_bytes(16, "big"),
        root,
        start,
        end,
        told["error"],
        len(packed),
        told["instance"],
        encode(packed),
    )


def found(view: Any, span: tuple[float, float] = SPAN, **told: Any) -> list[int]:
    answer = find(view, TraceSearch(Period(1.0), **told), *span)
    return [int(one.trace_id, 16) for one in answer.traces]


@pytest.fixture
def some(kept):
    kept.write_traces(
        part(1, 5_000.0, 0.5),
        part(2, 5_001.0, 3.0, "command ask", error=True),
        part(3, 5_002.0, 1.0, "command ask", instance="two"),
        part(4, 90_000.0, 2.0),
    )
    return kept.database


def test_newest_or_slowest_first(some):
    assert found(some) == [4, 3, 2, 1]
    assert found(some, slowest=True) == [2, 4, 3, 1]
    answer = find(some, TraceSearch(Period(1.0), most=2, slowest=True), *SPAN)
    assert [one.root for one in answer.traces] == ["command ask", "message"]
    assert answer.more
    assert not find(some, TraceSearch(Period(1.0), most=4), *SPAN).more


def test_conditions_hold_together(some):
    assert found(some, roots=("command ask",)) == [3, 2]
    assert found(some, roots=("command",)) == []
    assert found(some, roots=("command ask", "message")) == [4, 3, 2, 1]
    assert found(some, longer_s=1.0) == [4, 3, 2]
    assert found(some, longer_s=1.0, shorter_s=2.0) == [4, 3]
    assert found(some, error=True) == [2]
    assert found(some, error=False) == [4, 3, 1]
    assert found(some, instance="two") == [3]
    assert found(some, roots=("command ask",), instance="one", error=True, longer_s=3.0) == [2]
    assert found(some, (DAY + 5_000, DAY + 5_001)) == [2]
    assert found(some, (DAY + 5_000, DAY + 5_001), slowest=True) == [2]
    assert found(some, (DAY + 6 * 86_400, DAY + 7 * 86_400), slowest=True) == []


VALUES = {
    "discord.user.id": "0123456789abcdef", "n": 5, "x": 0.25, "on": True, "none": None, "text": 'a "b" {c}\n',
    "ключ": "значение", "list": ["a", "b"], "inf": float("inf"),
}  # fmt: skip


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("discord.user.id", "0123456789abcdef"), ("n", "5"), ("x", "0.25"), ("on", "true"), ("none", "None"),
        ("text", 'a "b" {c}\n'), ("ключ", "значение"), ("list", "['a', 'b']"), ("inf", "inf"), ("missing", ""),
    ],
)  # fmt: skip
def test_attributes_are_found_as_text(kept, attribute, value):
    kept.write_traces(
        part(1, 1.0, spans=[{}, VALUES]), part(2, 2.0, spans=[{"missing": "there", attribute: "other"}])
    )
    assert found(kept.database, where=(Match(attribute, (value,)),)) == [1]
    assert found(kept.database, where=(Match(attribute, ("nothing", value)), Match("n", ("5",)))) == [1]


def test_attributes_are_those_of_one_span(kept):
    kept.write_traces(
        part(1, 1.0, spans=[{"a": "1"}, {"b": "2"}]), part(2, 2.0, spans=[{"a": "1", "b": "2"}]), part(3, 3.0)
    )
    view = kept.database
    assert found(view, where=(Match("a", ("1",)), Match("b", ("2",)))) == [2]
    assert found(view, where=(Match("a", ("1",)), Match("b", ("2",), negated=True))) == [1]
    assert found(view, where=(Match("a", ("1",), negated=True),)) == [3, 1]
    assert found(view, where=(Match("a", ("1",)),), most=1) == [2]


def test_how_many_are_looked_into_is_bounded_and_said(kept, monkeypatch):
    monkeypatch.setattr(embedded, "_LOOKED_INTO", 3)
    kept.write_traces(*[part(n, float(n), spans=[{"a": str(n)}]) for n in range(1, 6)])
    answer = find(kept.database, TraceSearch(Period(1.0), where=(Match("a", ("1",)),)), *SPAN)
    assert answer.traces == ()
    assert answer.more
    assert "3 traces only" in answer.notes[0]
    answer = find(kept.database, TraceSearch(Period(1.0), where=(Match("a", ("3",)),)), *SPAN)
    assert [int(one.trace_id, 16) for one in answer.traces] == [3]


def test_a_trace_comes_back_whole(kept):
    root = [
        "00000000000000aa",
        "",
        "message",
        "consumer",
        DAY * NS,
        DAY * NS + 9,
        "ok",
        "",
        {"k": [1]},
        [],
        [],
    ]
    child = [
        "00000000000000bb", "00000000000000aa", "SELECT", "client", DAY * NS + 1, DAY * NS + 5, "error", "gone", {},
        [["exception", DAY * NS + 3, {"exception.type": "OSError"}]], [["0f" * 16, "0e" * 8, {"why": "x"}]],
    ]  # fmt: skip
    body = encode([child, root])
    kept.write_traces(Part(b"\1" * 16, "message", DAY * NS, DAY * NS + 9, True, 2, "one", body))
    assert whole(kept.database, "01" * 16).spans == (
        SpanRecord(
            "01" * 16, "00000000000000aa", "", "message", "consumer", DAY * NS, DAY * NS + 9, "ok", "", {"k": [1]},
            instance="one",
        ),
        SpanRecord(
            "01" * 16, "00000000000000bb", "00000000000000aa", "SELECT", "client", DAY * NS + 1, DAY * NS + 5,
            "error", "gone", {}, (SpanEvent("exception", DAY * NS + 3, {"exception.type": "OSError"}),),
            (SpanLink("0f" * 16, "0e" * 8, {"why": "x"}),), "one",
        ),
    )  # fmt: skip
    assert whole(kept.database, "02" * 16).spans == ()


async def test_the_engine_asks_the_file(some, kept):
    readers = Readers(kept.path)
    engine = EmbeddedTraces(readers)
    answer = await engine.search(TraceSearch(Period(1.0), error=True), *SPAN)
    assert [one.root for one in answer.traces] == ["command ask"]
    assert len((await engine.trace(f"{2:032x}")).spans) == 1
    readers.close()


async def test_a_store_that_is_not_there_is_an_engines_error(tmp_path):
    readers = Readers(tmp_path / "none.db")
    with pytest.raises(EngineError, match="there is no store"):
        await EmbeddedTraces(readers).trace("00" * 16)
    with pytest.raises(EngineError, match="there is no store"):
        await EmbeddedTraces(readers).search(TraceSearch(Period(1.0)), *SPAN)
    readers.close()


def test_several_come_back_whole_in_the_order_asked_for(kept):
    kept.write_traces(
        part(1, 5.0, spans=[{}, {}]), part(2, 90_000.0), part(3, 6.0, instance="two"), part(4, 7.0)
    )
    kept.write_traces(part(1, 5.05))  # a part that came later
    asked = [f"{number:032x}" for number in (2, 9, 1, 3)]
    traces = several(kept.database, asked)
    assert [(int(one.spans[0].trace_id, 16), len(one.spans)) for one in traces] == [(2, 1), (1, 3), (3, 1)]
    assert [one.spans[0].instance for one in traces] == ["one", "one", "two"]
    assert traces == tuple(whole(kept.database, f"{number:032x}") for number in (2, 1, 3))
    assert several(kept.database, []) == ()
