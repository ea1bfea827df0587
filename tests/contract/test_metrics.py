"""Whatever is asked of metrics, the embedded store, Prometheus and a tenant of Mimir say the same.

Within tolerances that are what Prometheus can't know, see docs/queries.md: a window in which a series began anew (a new
process) is off by a millisecond's share of it; all else is equal but for the sums of floats.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import hypothesis.strategies as some
import pytest
from hypothesis import HealthCheck, assume, given, settings
from tests.contract.bot import SERVICE
from tests.contract.both import Both
from tests.contract.traffic import COMMANDS, LATE_COMMAND, SLOT_S

from whisperwatch import semconv
from whisperwatch.watcher.insight.figures import ask
from whisperwatch.watcher.insight.starts import STARTS, Start, starts
from whisperwatch.watcher.query.answers import Series
from whisperwatch.watcher.query.asking import Asking, Engines
from whisperwatch.watcher.query.catalogue import DECLARED
from whisperwatch.watcher.query.http import StoreClient
from whisperwatch.watcher.query.language import Grid, Match, Measure
from whisperwatch.watcher.query.language.measures import KINDS
from whisperwatch.watcher.query.prometheus.engine import Prometheus

pytestmark = pytest.mark.asyncio(loop_scope="session")

METRICS = (
    semconv.GATEWAY_EVENTS, semconv.ERRORS, semconv.COMMAND_DURATION, semconv.MESSAGES_HANDLED, semconv.SHARD_GUILDS,
    semconv.GATEWAY_LATENCY,
)  # fmt: skip
EXACT = 1e-9
INSTANCE = "service.instance.id"


@some.composite
def measures(draw: some.DrawFn) -> Measure:
    metric = draw(some.sampled_from(METRICS))
    function = draw(some.sampled_from([name for name, kinds in KINDS.items() if metric.kind in kinds]))
    by = draw(
        some.lists(
            some.sampled_from((*metric.attributes, INSTANCE, semconv.OVERFLOW)), max_size=3, unique=True
        )
    )
    where = draw(some.lists(_matches(metric), max_size=2))
    share = draw(some.sampled_from((0.0, 0.5, 0.9, 0.95, 0.99, 1.0))) if function == "quantile" else None
    return Measure(function, metric.name, tuple(where), tuple(by), share)


def _matches(metric: semconv.Metric) -> some.SearchStrategy[Match]:
    values = {
        semconv.COMMAND: (*COMMANDS, LATE_COMMAND, "nobody's"),
        semconv.OUTCOME: ("ok", "failure", "user_error"),
        semconv.ERROR_CATEGORY: semconv.CATEGORIES,
        semconv.EVENT: ("MESSAGE_CREATE", "message", "x|y", 'a"b'),
        semconv.SHARD: ("0", "1", ""),
        INSTANCE: ("one", "two"),
        semconv.OVERFLOW: ("true", ""),
        "not.there": ("", "x"),
    }
    keys = some.sampled_from(
        [key for key in (*metric.attributes, INSTANCE, semconv.OVERFLOW, "not.there") if key in values]
    )
    return keys.flatmap(
        lambda key: some.builds(
            Match,
            some.just(key),
            some.lists(some.sampled_from(values[key]), min_size=1, max_size=3, unique=True).map(tuple),
            some.booleans(),
        )
    )


@some.composite
def grids(draw: some.DrawFn, both: Both) -> Grid:
    """Over slots where they are kept, over what is rolled up everywhere; from before the first to after the last."""
    step = draw(some.sampled_from((15, 60, 300, 900, 3600, 7200, 21_600)))
    window = step * draw(some.sampled_from((1, 1, 2, 4)))
    count = draw(some.sampled_from((1, 1, 2, 7, 40)))
    earliest = both.start if step >= 300 else both.end - 5 * 3600
    last = draw(some.integers(earliest // step + 1, both.end // step + 1)) * step
    return Grid(last - (count - 1) * step, last, step, window)


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=some.data())
async def test_any_question(both: Both, data: some.DataObject) -> None:
    await assert_alike(both, both.prometheus, data)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=some.data())
async def test_any_question_of_a_tenant_of_mimir(both: Both, data: some.DataObject) -> None:
    await assert_alike(both, both.mimir, data)


async def test_another_tenant_knows_nothing_of_it(both: Both) -> None:
    stranger = StoreClient(replace(both.clients[1].target, headers=(("X-Scope-OrgID", "somebody-else"),)))
    measure = Measure("increase", semconv.MESSAGES_HANDLED.name, (), ())
    grid, metric = Grid(both.end, both.end, 86400, 86400), DECLARED[semconv.MESSAGES_HANDLED.name]
    assert await both.mimir.measure(measure, metric, grid)
    assert not await Prometheus(stranger, f'job="{SERVICE}"').measure(measure, metric, grid)
    await stranger.close()


async def assert_alike(both: Both, store: Prometheus, data: some.DataObject) -> None:
    """One question that is made up, by `data`: the embedded store and this one answer the same."""
    measure, grid = data.draw(measures()), data.draw(grids(both))
    assume(grid.step >= 300 or grid.start >= both.end - 5.5 * 3600)
    metric = DECLARED[measure.metric]
    embedded = points(await both.metrics.measure(measure, metric, grid))
    found = points(await store.measure(measure, metric, grid))
    assert embedded.keys() == found.keys()
    for key, value in embedded.items():
        tolerance = reset_tolerance(both, grid, key[-1])
        if tolerance and measure.function == "quantile":
            continue  # which side of an empty bucket it is on may hang on that
        assert found[key] == pytest.approx(value, rel=max(EXACT, tolerance), abs=1e-9), (
            key,
            measure,
            grid,
        )


def points(series: Sequence[Series]) -> dict[tuple[object, ...], float]:
    return {(*one.group.items(), at): value for one in series for at, value in one.points}


def reset_tolerance(both: Both, grid: Grid, at: object) -> float:
    """A millisecond's share of the window, where a process was replaced in it."""
    assert isinstance(at, int)
    day = both.end - both.start
    turns = (both.start + day // 3, both.start + int(day * 0.54))
    touched = any(at - grid.window < turn + SLOT_S <= at for turn in turns)
    return 2e-3 / grid.window if touched else 0.0


async def test_releases(both: Both) -> None:
    """A deploy is one, and the other process' start in the same version is none."""
    day = both.end - both.start
    deploy, again = (both.start + round(day * share) // SLOT_S * SLOT_S for share in (1 / 3, 0.54))
    expected = (Start(deploy, "2", release=True), Start(again, "2", release=False))
    for engine in (both.metrics, both.prometheus, both.mimir):
        asking = Asking(Engines(engine), now=lambda: both.end)
        found = await ask(asking, {"starts": STARTS}, day, 3600.0)
        assert starts(found.trends("starts"), both.start) == expected


async def test_the_whole_day(both: Both) -> None:
    """Counts are whole numbers, and nothing at a series' birth is lost."""
    grid = Grid(both.end, both.end, both.end - both.start, both.end - both.start)
    measure = Measure("increase", semconv.COMMAND_DURATION.name, (), (semconv.COMMAND,))
    metric = DECLARED[measure.metric]
    embedded = points(await both.metrics.measure(measure, metric, grid))
    assert all(value == int(value) for value in embedded.values())
    assert any(LATE_COMMAND in str(key) and value > 10 for key, value in embedded.items())
    for store in (both.prometheus, both.mimir):
        assert points(await store.measure(measure, metric, grid)) == pytest.approx(embedded, rel=2e-5)
