"""Questions answered by engines that keep their promises, or don't."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from whisperwatch.watcher.query import answers
from whisperwatch.watcher.query.answers import LogAnswer, LogRecord, MetricAnswer, Series, Trace, TraceList
from whisperwatch.watcher.query.asking import Asking, Engines
from whisperwatch.watcher.query.catalogue import Known
from whisperwatch.watcher.query.engines import EngineError
from whisperwatch.watcher.query.language import Grid, LogFilter, Measure, QuestionError, TraceSearch
from whisperwatch.watcher.query.language.logs import LogKey
from whisperwatch.watcher.query.language.parsing import parse
from whisperwatch.watcher.query.resolving import Kept

NOW = 1_800_000_000.0


class Metrics:
    """Answers by a table: for a metric, what each group has at any time (the older, the less: its age in hours)."""

    name = "metrics"

    def __init__(self, table: dict[str, dict[str, float]], age_matters: bool = False) -> None:
        self._table, self._age_matters = table, age_matters
        self.asked: list[tuple[Measure, Grid]] = []
        self.fails: str | None = None
        self.hangs = False

    async def measure(self, measure: Measure, metric: Known, grid: Grid) -> Sequence[Series]:
        self.asked.append((measure, grid))
        if self.hangs:
            await asyncio.Event().wait()
        if self.fails:
            raise EngineError(self.fails)
        (key,) = measure.by or ("",)
        return [
            Series(
                {key: group} if key else {},
                tuple((at, value - (NOW - at) // 3600 if self._age_matters else value) for at in grid),
            )
            for group, value in self._table[measure.metric].items()
        ]

    async def quantiles(
        self, measure: Measure, shares: Sequence[float], metric: Known, grid: Grid
    ) -> Sequence[Sequence[Series]]:
        """The share of what the table has."""
        found = await self.measure(measure, metric, grid)
        return [
            [replace(one, points=tuple((at, value * share) for at, value in one.points)) for one in found]
            for share in shares
        ]


class Logs:
    name = "logs"

    async def logs(
        self, filter: LogFilter, start: float, end: float, most: int, before: int | None
    ) -> LogAnswer:
        return LogAnswer(
            (LogRecord(int(end * 1e9), 9, "INFO", "bot", "bot", f"{filter.text} {end - start:g}"),)
        )

    async def count(self, filter: LogFilter, by: tuple[LogKey, ...], grid: Grid) -> Sequence[Series]:
        raise EngineError("Loki is down")


class Traces:
    name = "traces"

    async def search(self, search: TraceSearch, start: float, end: float) -> TraceList:
        return TraceList((), notes=("looked at little",))

    async def trace(self, trace_id: str) -> Trace:
        return Trace(())

    async def traces(self, trace_ids: Sequence[str]) -> answers.Traces:
        if not trace_ids:
            raise EngineError("Tempo is down")
        return answers.Traces((), notes=(f"none of {len(trace_ids)}",))


def asking(metrics: Metrics, **more: Any) -> Asking:
    return Asking(Engines(metrics, Logs(), Traces()), now=lambda: NOW, **more)


async def ask(typed: str, metrics: Metrics, **more: Any) -> MetricAnswer:
    answer = await asking(metrics, **more).ask(parse(typed))
    assert isinstance(answer, MetricAnswer)
    return answer


def values(answer: MetricAnswer) -> dict[str, float]:
    return {next(iter(one.group.values()), ""): one.points[-1][1] for one in answer.series}


async def test_a_measure_with_its_unit_and_the_largest_first() -> None:
    metrics = Metrics({"bot.errors": {"ai": 3, "user": 5, "system": 0}})
    answer = await ask("increase(bot.errors) by bot.error.category over 1h", metrics)
    assert list(values(answer).items()) == [("user", 5), ("ai", 3), ("system", 0)]
    assert (answer.unit, answer.step, answer.end - answer.start) == ("{error}", 0, 3600)


async def test_what_several_questions_need_is_asked_for_once() -> None:
    metrics = Metrics({"discord.command.duration": {"": 10.0}, "bot.errors": {"": 5.0}})
    typed = [
        "p50(discord.command.duration) over 1h compared", "p99(discord.command.duration) over 1h compared",
        "increase(bot.errors) over 1h", "increase(bot.errors) / increase(discord.command.duration) over 1h",
        "p99(discord.command.duration) over 2h",
    ]  # fmt: skip
    answers = await asking(metrics).several([parse(one) for one in typed])  # type: ignore[misc]
    assert [one.series[0].points[-1][1] for one in answers] == [5.0, 9.9, 5.0, 0.5, 9.9]
    assert [one.series[0].before is None for one in answers] == [False, False, True, True, True]
    assert sorted((measure.function, grid.window, NOW - grid.last) for measure, grid in metrics.asked) == [
        ("increase", 3600, 0), ("increase", 3600, 0), ("quantile", 3600, 0), ("quantile", 3600, 3600),
        ("quantile", 7200, 0),
    ]  # fmt: skip


async def test_a_store_that_fails_fails_for_those_who_need_it() -> None:
    metrics = Metrics({"discord.command.duration": {"": 10.0}})
    metrics.fails = "It is down."
    answers = await asking(metrics).several(
        [parse(f"p{share}(discord.command.duration)") for share in (50, 99)]
    )  # type: ignore[misc]
    assert [[problem.what for problem in one.problems] for one in answers] == [["It is down."]] * 2
    assert len(metrics.asked) == 1


@pytest.mark.parametrize(
    ("typed", "unit"),
    [
        ("rate(bot.errors)", "{error}/s"),
        ("p95(discord.command.duration)", "s"),
        ("increase(discord.command.duration)", "{measurement}"),
        ("increase(bot.errors) / increase(discord.messages.handled)", "1"),
        ("top 2 max(discord.gateway.heartbeat.latency)", "s"),
    ],
)
async def test_units(typed: str, unit: str) -> None:
    names = (
        "bot.errors", "discord.command.duration", "discord.messages.handled", "discord.gateway.heartbeat.latency",
    )  # fmt: skip
    assert (await ask(typed, Metrics({name: {"": 2.0} for name in names}))).unit == unit


async def test_a_ratio_divides_each_group_by_what_it_is_part_of() -> None:
    metrics = Metrics({"bot.errors": {"ai": 3, "user": 5}, "discord.messages.handled": {"": 10}})
    answer = await ask(
        "increase(bot.errors) by bot.error.category / increase(discord.messages.handled) over 1h", metrics
    )
    assert values(answer) == {"ai": 0.3, "user": 0.5}


async def test_a_ratio_to_nothing_is_no_answer() -> None:
    metrics = Metrics({"bot.errors": {"": 3}, "discord.messages.handled": {"": 0}})
    assert (await ask("increase(bot.errors) / increase(discord.messages.handled)", metrics)).series == ()


async def test_the_top() -> None:
    metrics = Metrics({"bot.errors": {"a": 3, "b": 5, "c": 4}})
    assert list(values(await ask("top 2 increase(bot.errors) by bot.component", metrics))) == ["b", "c"]


async def test_compared_with_the_period_before() -> None:
    metrics = Metrics({"bot.errors": {"": 10}}, age_matters=True)
    (series,) = (await ask("increase(bot.errors) over 3h compared", metrics)).series
    assert series.points == ((int(NOW), 10),)
    assert series.before == ((int(NOW), 7),)
    (series,) = (await ask("increase(bot.errors) over 2h every 1h compared 1d", metrics)).series
    assert [value for _, value in series.points] == [9, 10]
    assert series.before == ((int(NOW) - 3600, -15), (int(NOW), -14))


async def test_measures_are_asked_at_the_same_time() -> None:
    metrics = Metrics({"bot.errors": {"": 1}, "discord.messages.handled": {"": 1}})
    metrics.hangs = True
    question = asyncio.create_task(
        ask("increase(bot.errors) / increase(discord.messages.handled) compared", metrics)
    )
    while len(metrics.asked) < 4:  # noqa: ASYNC110
        await asyncio.sleep(0)
    question.cancel()
    with pytest.raises(asyncio.CancelledError):
        await question


async def test_a_store_that_fails_is_named_with_since_when() -> None:
    metrics = Metrics({"bot.errors": {"": 1}})
    now = [NOW]
    asker = Asking(Engines(metrics), now=lambda: now[0])
    metrics.fails = "Prometheus can't be reached"
    for later in (0, 60):
        now[0] = NOW + later
        answer = await asker.ask(parse("increase(bot.errors)"))
        (problem,) = answer.problems
        assert (problem.store, problem.what, problem.since) == ("metrics", "Prometheus can't be reached", NOW)
    metrics.fails = None
    assert not (await asker.ask(parse("increase(bot.errors)"))).problems
    metrics.fails = "again"
    (problem,) = (await asker.ask(parse("increase(bot.errors)"))).problems
    assert problem.since == NOW + 60


async def test_a_store_that_hangs_is_waited_for_no_longer() -> None:
    metrics = Metrics({})
    metrics.hangs = True
    answer = await ask("increase(bot.errors)", metrics, timeout_s=0.01)
    assert [problem.what for problem in answer.problems] == ["metrics took longer than 0.01 s to answer"]


async def test_questions_of_one_block_wait_no_longer_than_one() -> None:
    metrics = Metrics({})
    metrics.hangs = True
    asker = Asking(Engines(metrics), now=lambda: NOW, timeout_s=0.2)
    begun = time.monotonic()
    with asker.together():
        answers = [await asker.ask(parse("increase(bot.errors)")) for _ in range(20)]
    assert time.monotonic() - begun < 2.0, "one after another they would have waited for four seconds"
    assert {problem.what for answer in answers for problem in answer.problems} == {
        "metrics took longer than 0.2 s to answer"
    }


async def test_metrics_that_only_a_store_knows() -> None:
    async def known() -> list[Known]:
        return [Known("shop.orders", "counter", "{order}", None)]

    answer = await ask("increase(shop.orders) by colour", Metrics({"shop.orders": {"red": 4}}), known=known)
    assert values(answer) == {"red": 4}
    with pytest.raises(QuestionError, match=r"did you mean shop\.orders"):
        await ask("increase(shop.order)", Metrics({}), known=known)


async def test_logs_and_traces() -> None:
    asker = asking(Metrics({}))
    logs = await asker.ask(parse('logs where text contains "x" over 30d'))
    assert isinstance(logs, LogAnswer)
    assert logs.records[0].body == "x 604800"
    assert "logs are kept for 7d" in logs.notes[0]
    kept = asking(Metrics({}), kept=lambda: Kept(errors_s=30 * 86_400.0))
    for of_errors in ("level >= error", "event = bot.error"):
        errors = await kept.ask(parse(f"logs where {of_errors} over 30d"))
        assert (errors.records[0].body, errors.notes) == ("None 2.592e+06", ())
    assert "logs are kept for 7d" in (await kept.ask(parse("logs where level >= warning over 30d"))).notes[0]
    count = await asker.ask(parse("count logs by level over 1h"))
    assert [problem.what for problem in count.problems] == ["Loki is down"]
    traces = await asker.ask(parse("traces over 1h"))
    assert traces.notes == ("looked at little",)
    assert isinstance(await asker.ask(parse(f"trace {'a' * 32}")), Trace)


@pytest.mark.parametrize(
    "typed", ["increase(bot.errors)", "logs", "count logs", "traces", f"trace {'a' * 32}"]
)
async def test_nobody_keeps_it(typed: str) -> None:
    with pytest.raises(QuestionError, match=r"nobody keeps (metrics|logs|traces) here"):
        await Asking(Engines(), now=lambda: NOW).ask(parse(typed))


async def test_what_cannot_be_found_is_refused_before_anybody_is_asked() -> None:
    for typed in ('logs where text contains "a\\u0000b"', 'count logs where text contains "a\\u0000b"'):
        with pytest.raises(QuestionError, match="null byte"):
            await asking(Metrics({})).ask(parse(typed))


async def test_several_traces() -> None:
    one = asking(Metrics({}))
    assert (await one.traces(["a", "b"])).notes == ("none of 2",)
    assert [problem.what for problem in (await one.traces([])).problems] == ["Tempo is down"]
    with pytest.raises(QuestionError, match="nobody keeps traces here"):
        await Asking(Engines()).traces(["a"])
    assert (one.traces_store, Asking(Engines()).traces_store) == ("traces", "")
