"""Logs are found as they were logged: every text that occurs, none other, the newest first, page by page."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import example, given, settings

from whisperwatch.watcher.query.embedded.log_counts import counts
from whisperwatch.watcher.query.embedded.log_search import _GLANCE, newest
from whisperwatch.watcher.query.embedded.logs import EmbeddedLogs
from whisperwatch.watcher.query.engines import EngineError
from whisperwatch.watcher.query.language import Grid, LogFilter, QuestionError
from whisperwatch.watcher.store.file import open_to_write
from whisperwatch.watcher.store.logs import Logs, fold
from whisperwatch.watcher.store.partitions import Database
from whisperwatch.watcher.store.reading import Readers

DAY = 1_700_006_400
NS = 10**9
ALL = (DAY - 86_400, DAY + 2 * 86_400)

texts = st.text(max_size=40) | st.text("aAbBäÄß\u017fK\u212aςΣİ%_\"'{}[]()*?.\\\n ", max_size=30)
ALL_LEVELS = {"debug": 5, "info": 9, "warning": 13, "error": 17, "critical": 21}


def row(at: float, body: str = "text", **changed: Any) -> tuple[Any, ...]:
    """A row at seconds after DAY; `at` of type int is ns."""
    told = {
        "severity": 9, "level": "INFO", "component": "bot", "logger": "bot.main", "exception": "", "trace": None,
        "span": None, "instance": "one", "event": "", "attributes": {},
    }  # fmt: skip
    t = {**told, **changed}
    wall = at if isinstance(at, int) else DAY * NS + round(at * NS)
    return (
        wall, t["severity"], t["level"], t["component"], t["logger"], body, t["exception"], t["trace"], t["span"],
        t["instance"], t["event"], json.dumps(t["attributes"]),
    )  # fmt: skip


def memory(*batches: list[Any]) -> Database:
    logs = Logs(lambda: 86_400.0)
    with tempfile.TemporaryDirectory() as folder:
        database = Database(open_to_write(Path(folder) / "s.db", ()))
        for batch in batches:
            logs.add(batch)
            if (taken := logs.take()) is not None:
                logs.write(database, taken)
    return database


def bodies(
    view: Any, most: int = 1_000, span: tuple[float, float] = ALL, before=None, **told: Any
) -> list[str]:
    return [record.body for record in newest(view, LogFilter(**told), *span, most, before).records]


def count_of(view: Any, **told: Any) -> float:
    found = counts(view, LogFilter(**told), (), Grid(ALL[1], ALL[1], 1, ALL[1] - ALL[0]))
    return sum(value for series in found for _, value in series.points)


def test_a_record_comes_back_as_it_was_put_in(kept):
    kept.write(
        row(
            1.5, "hello", severity=17, level="ERROR", component="llm", logger="bot.llm", exception="OSError: gone",
            trace=bytes(15) + b"\xab", span=bytes(7) + b"\xcd", event="bot.error", attributes={"k": [1, "é"]},
        )
    )  # fmt: skip
    (found,) = newest(kept.database, LogFilter(), *ALL, 10, None).records
    assert (found.at, found.severity, found.level) == (DAY * NS + 15 * NS // 10, 17, "ERROR")
    assert (found.component, found.logger, found.body) == ("llm", "bot.llm", "hello")
    assert (found.trace_id, found.span_id) == (f"{0xAB:032x}", f"{0xCD:016x}")
    assert (found.instance, found.event, found.attributes) == ("one", "bot.error", {"k": [1, "é"]})


@given(st.lists(texts, min_size=1, max_size=6), st.data())
@settings(max_examples=80, deadline=None)
@example(["\u017f\u017f\u017f \u212a\u212a\u212a ςςς"], None)
def test_every_part_of_a_text_is_found_in_any_case_and_nothing_else(said, data):
    said = [text.replace("\0", "x").encode("utf-8", "replace").decode() for text in said]
    database = memory([row(float(n + 1), text) for n, text in enumerate(said)])
    of = max(said, key=len)
    if data is None:
        wanted = ["sss", "kkk", "s", "ΣΣΣ", "k"]
    else:
        first = data.draw(st.integers(0, max(0, len(of) - 1)))
        part = of[first : first + data.draw(st.integers(1, 100))]
        wanted = [part, part.swapcase(), data.draw(texts)]
    for text in wanted:
        text = text.replace("\0", "x").encode("utf-8", "replace").decode()
        hits = [one for one in reversed(said) if fold(text) in fold(one)]
        assert bodies(database, text=text) == hits
        assert count_of(database, text=text) == len(hits)
    database.connection.close()


@pytest.mark.parametrize(
    "text",
    ['say "hi"', "{'a': 1}", "100%", "a_c", ".*", "^$", "x OR y", "NEAR(a b)", "col:ab", "*",
     "日本語で", "привет", "🙂🙂🙂", "-a-", "'; --"],
)  # fmt: skip
def test_nothing_in_a_text_means_anything(kept, text):
    kept.write(row(1.0, f"before {text} after"), row(2.0, "abc x y a b col ab 100 aXc"), row(3.0, "other"))
    assert bodies(kept.database, text=text.upper()) == [f"before {text} after"]
    assert count_of(kept.database, text=text) == 1


def test_a_long_text_is_found_whole_or_not_at_all(kept):
    long = "the same words again " * 45
    kept.write(row(1.0, f"{long}end"), row(2.0, f"{long}other"))
    assert bodies(kept.database, text=f"{long}END") == [f"{long}end"]
    assert count_of(kept.database, text=f"{long}END") == 1


@pytest.mark.parametrize(("text", "said"), [("a\0b", "null byte"), ("x" * 10_000, "at most 1,000")])
async def test_a_text_that_cannot_be_looked_for_is_refused(kept, text, said):
    readers = Readers(kept.path)
    engine = EmbeddedLogs(readers)
    with pytest.raises(QuestionError, match=said):
        await engine.logs(LogFilter(text=text), *ALL, 5, None)
    with pytest.raises(QuestionError, match=said):
        await engine.count(LogFilter(text=text), (), Grid(DAY, DAY, 60, 60))
    readers.close()


async def test_another_process_reads_what_was_committed(kept):
    readers = Readers(kept.path)
    kept.write(row(1.0, "there"))
    answer = await EmbeddedLogs(readers).logs(LogFilter(text="THERE"), *ALL, 5, None)
    assert [record.body for record in answer.records] == ["there"]
    readers.close()


async def test_a_store_that_is_not_there_is_an_engines_error(tmp_path):
    readers = Readers(tmp_path / "none.db")
    with pytest.raises(EngineError, match="there is no store"):
        await EmbeddedLogs(readers).logs(LogFilter(), *ALL, 5, None)
    readers.close()


def test_a_text_is_found_in_the_exception_but_not_across(kept):
    kept.write(row(1.0, "it failed", exception="asyncpg.TooManyConnections: none left"))
    for text in ("toomany", "none left", "Connections: none"):
        assert bodies(kept.database, text=text) == ["it failed"]
    assert bodies(kept.database, text="failedasync") == []


def test_filters_hold_together(kept):
    kept.write(
        row(1.0, "one", severity=17, component="llm", logger="bot.llm", trace=b"\1" * 16, event="bot.error"),
        row(2.0, "two", severity=13, component="llm", logger="bot.llm.openai", instance="two"),
        row(3.0, "three", severity=21, component="database", logger="bot.llmx"),
        row(4.0, "four", severity=8),
    )
    view = kept.database
    assert bodies(view) == ["four", "three", "two", "one"]
    assert bodies(view, level="debug") == ["four", "three", "two", "one"]
    assert bodies(view, level="info") == ["three", "two", "one"]
    assert bodies(view, level="error") == ["three", "one"]
    assert bodies(view, components=("llm",)) == ["two", "one"]
    assert bodies(view, components=("llm", "database", "llm"), level="error") == ["three", "one"]
    assert bodies(view, components=("nothing",)) == []
    assert bodies(view, logger="bot.llm") == ["two", "one"]
    assert bodies(view, trace_id="01" * 16) == ["one"]
    assert bodies(view, instance="two") == ["two"]
    assert bodies(view, event="bot.error") == ["one"]
    assert bodies(view, text="o", level="error") == ["one"]
    assert bodies(view, text="one", level="error", components=("llm",), logger="bot") == ["one"]
    assert bodies(view, text="one", level="critical") == []


def test_a_filter_by_kind_finds_the_same_by_index_and_by_looking(kept):
    kept.write(*[row(n / 10 + 0.1, f"common {n}", severity=9 if n % 3 else 13) for n in range(7_000)])
    kept.write(row(800.0, "common rare", severity=21))
    assert bodies(kept.database, 3, text="common", level="critical") == ["common rare"]
    assert bodies(kept.database, 2, text="common", level="warning") == ["common rare", "common 6999"]
    assert bodies(kept.database, 2, text="common 1", components=("bot",)) == ["common 1999", "common 1998"]


def test_a_span_of_time_has_its_end_and_not_its_start(kept):
    kept.write(*[row(float(n), str(n)) for n in range(1, 5)])
    assert bodies(kept.database, span=(DAY + 1, DAY + 3)) == ["3", "2"]
    assert count_of(kept.database) == 4
    found = counts(kept.database, LogFilter(), (), Grid(DAY + 2, DAY + 4, 2, 2))
    assert [series.points for series in found] == [((DAY + 2, 2.0), (DAY + 4, 2.0))]


def test_midnight_belongs_to_the_day_before_and_is_in_order(kept):
    kept.write(row(-1.0, "before"), row(0.0, "midnight"), row(1.0, "after"))
    assert len(kept.database.partitions(kept.logs.families[0])) == 2
    assert bodies(kept.database) == ["after", "midnight", "before"]
    assert bodies(kept.database, 1, before=DAY * NS + NS) == ["midnight"]
    assert bodies(kept.database, span=(DAY, DAY + 5)) == ["after"]


moments = st.lists(
    st.lists(
        st.integers(0, 40_000).map(lambda n: DAY * NS + 5 * NS + n)
        | st.sampled_from([DAY * NS + s * NS + d for s in range(3) for d in (-1, 0, 1)]),
        max_size=30,
    ),
    max_size=4,
)


@given(moments, st.integers(1, 7))
@settings(max_examples=40, deadline=None)
def test_pages_show_every_record_once_newest_first(batches, most):
    taken: set[int] = set()
    unique = [[at for at in batch if not (at in taken or taken.add(at))] for batch in batches]
    database = memory(*[[row(at, str(at)) for at in batch] for batch in unique])
    found, before = [], None
    while True:
        answer = newest(database, LogFilter(), *ALL, most, before)
        found += [record.at for record in answer.records]
        if not answer.more:
            break
        assert len(answer.records) == most
        before = answer.records[-1].at
    assert found == sorted(taken, reverse=True)
    database.connection.close()


@given(moments, st.sampled_from([(1, 1), (2, 1), (1, 3), (60, 60)]))
@settings(max_examples=40, deadline=None)
def test_counts_are_of_whole_windows_whatever_falls_on_their_edges(batches, shape):
    database = memory(*[[row(at) for at in batch] for batch in batches])
    step, window = shape
    grid = Grid(DAY, DAY + step * 4, step, window)
    every = [at for batch in batches for at in batch]
    wanted = {at: sum((at - window) * NS < one <= at * NS for one in every) for at in grid}
    found = counts(database, LogFilter(), (), grid)
    assert {at: n for series in found for at, n in series.points} == {at: n for at, n in wanted.items() if n}
    database.connection.close()


def test_counts_are_by_group(kept):
    for n, (severity, component) in enumerate([(9, "llm"), (17, "llm"), (17, "llm"), (21, "bot")]):
        kept.write(row(float(n + 1), severity=severity, component=component, instance=f"i{n % 2}"))
    whole = Grid(DAY + 60, DAY + 60, 60, 60)

    def found(*by: Any, **told: Any) -> dict[tuple[str, ...], float]:
        series = counts(kept.database, LogFilter(**told), by, whole)
        return {tuple(one.group[key] for key in by): one.points[0][1] for one in series}

    assert found("level") == {("info",): 1, ("error",): 2, ("critical",): 1}
    assert found("component", "level") == {("llm", "info"): 1, ("llm", "error"): 2, ("bot", "critical"): 1}
    assert found("component", level="error") == {("llm",): 2, ("bot",): 1}
    assert found("instance", text="TEXT") == {("i0",): 2, ("i1",): 2}
    assert found("logger", components=("bot",)) == {("bot.main",): 1}
    assert found("level", level="error", instance="i1") == {("error",): 1, ("critical",): 1}


def test_a_short_text_is_found_however_far_back(kept):
    """By looking at the newest, by the index behind that, and where that had to be asked for too much, by looking."""
    every_letter = "".join(f"\u00fe{chr(0x4E00 + n)}" for n in range(300))
    kept.write(
        row(1.0, "zq"),
        row(2.0, "other", exception="E: so \u00e4Q"),
        row(3.0, f"\u00de {every_letter}"),
        *[row(4.0 + n / 100, "other") for n in range(_GLANCE)],
        row(90_000.0, "ZQ in the morning"),
    )
    for text, wanted in {
        "zq": ["ZQ in the morning", "zq"], "\u00c4q": ["other"], "Q": ["ZQ in the morning", "other", "zq"],
        "\u00fe": [f"\u00de {every_letter}"], "\u00fe\u4e05": [f"\u00de {every_letter}"], "q\n": [], "qo": [],
    }.items():  # fmt: skip
        assert bodies(kept.database, text=text) == wanted, text
        assert count_of(kept.database, text=text) == len(wanted)
    assert bodies(kept.database, 1, text="zq", components=("bot",), logger="bot") == ["ZQ in the morning"]


@pytest.mark.parametrize("most", [0, 50_000])
@pytest.mark.parametrize("glance", [0, 1, 399, 400, 1499, 2000])
def test_short_texts_are_found_wherever_they_are(kept, monkeypatch, glance, most):
    """Where looking ends and the index begins, over a day's end, in an exception, by level and component."""
    monkeypatch.setattr("whisperwatch.watcher.query.embedded.log_search._GLANCE", glance)
    monkeypatch.setattr("whisperwatch.watcher.query.embedded.log_search._FEW", 0)
    monkeypatch.setattr("whisperwatch.watcher.query.embedded.log_filters._MOST_RECORDS", most)
    hits = {0: "qz", 399: "aQZ", 400: "ÄqZ", 1370: "qz\n", 1371: "q", 1499: "qzqz"}
    kept.write(
        *[
            row(
                86_000.0 + n,
                hits.get(n, "other"),
                exception="QZ: q" if n == 700 else "z: q" if hits.get(n) == "q" else "",
                logger="bot.ä" if n % 2 else "bot.main",
                severity=17 if n % 2 else 9,
            )
            for n in range(1500)
        ]
    )

    def found(**told: Any) -> list[str]:
        return bodies(kept.database, 50, (DAY, DAY + 90_000), **told)

    assert found(text="qZ") == ["qzqz", "qz\n", "other", "ÄqZ", "aQZ", "qz"]
    assert found(text="qz", logger="bot.ä") == ["qzqz", "aQZ"]
    assert found(text="qz", level="error") == ["qzqz", "aQZ"]
    assert found(text="z\n") == ["qz\n"]


def test_levels_are_what_the_language_says():
    database = memory(
        [row(float(n + 1), name, severity=number) for n, (name, number) in enumerate(ALL_LEVELS.items())]
    )
    for n, name in enumerate(ALL_LEVELS):
        assert bodies(database, level=name) == list(ALL_LEVELS)[n:][::-1]
    database.connection.close()
