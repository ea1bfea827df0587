"""What the real Prometheus answers, beside what was counted: each function, over restarts, gaps and births.

Bots of their own are exported as the pipeline does it, at times in the last hours; what each export added is the truth.
"""

from __future__ import annotations

import json
import random
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from tests.contract.bot import Bot
from tests.stack.programs import Stack

from whisperwatch import semconv
from whisperwatch.watcher.pipeline.otlp_metrics import MetricEncoder
from whisperwatch.watcher.pipeline.redaction import Redaction
from whisperwatch.watcher.query.catalogue import DECLARED
from whisperwatch.watcher.query.http import StoreClient
from whisperwatch.watcher.query.language import Grid, Match, Measure
from whisperwatch.watcher.query.language.measures import KINDS, LOOK_BACK_S
from whisperwatch.watcher.query.prometheus.engine import Prometheus
from whisperwatch.watcher.query.prometheus.rendering import familiar
from whisperwatch.watcher.settings.stores import StoreTarget

INSTANCE = "service.instance.id"
START = int(time.time()) // 3600 * 3600 - 3 * 3600
SLOT_S = 15
Group = tuple[str, ...]


@dataclass
class Telemetry:
    """Exports bots, and keeps what each export told that was new."""

    url: str
    service: str
    receiver: str = "/api/v1/otlp/v1/metrics"
    at: float = 0.0
    restarted: float = 0.0
    apart_s: float = SLOT_S
    told: dict[str, list[tuple[float, dict[str, str], Any]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    encoders: dict[int, MetricEncoder] = field(default_factory=dict)
    before: dict[int, Any] = field(default_factory=dict)
    kept: list[Bot] = field(default_factory=list)

    def bot(self, instance: str, began: float) -> Bot:
        bot = Bot(instance, began)
        bot.stream.resource["service.name"] = self.service
        self.kept.append(bot)
        return bot

    def export(self, at: float, *bots: Bot) -> None:
        body = b""
        for bot in bots:
            bot.send()
            new = MetricEncoder(bot.stream, Redaction(bytes(32)), after=int(self.at * 1e9))
            body += self.encoders.setdefault(id(bot), new).encode(int(at * 1e9))[0]
            for instrument in bot.stream.instruments:
                for cell in instrument.cells:
                    attributes = {key: str(value) for key, value in cell.attributes.items()}
                    attributes[INSTANCE] = str(bot.stream.resource[INSTANCE])
                    self.told[instrument.name].append((at, attributes, self._added(instrument.kind, cell)))
        self.at = at
        post(self.url + self.receiver, body)

    def _added(self, kind: str, cell: Any) -> Any:
        if kind == "gauge":
            return cell.value[0]
        value = (*cell.value[:2], *cell.value[4]) if kind == "histogram" else cell.value
        before = self.before.get(id(cell), (0,) * len(value))
        self.before[id(cell)] = value
        return tuple(a - b for a, b in zip(value, before, strict=True))


def post(url: str, body: bytes) -> None:
    request = urllib.request.Request(url, body, {"content-type": "application/x-protobuf"})
    urllib.request.urlopen(request, timeout=10).close()


def asked(url: str, query: str, at: float) -> list[tuple[dict[str, str], float]]:
    """What Prometheus itself answers."""
    form = urllib.parse.urlencode({"query": query, "time": at})
    with urllib.request.urlopen(f"{url}/api/v1/query?{form}", timeout=10) as response:
        result = json.load(response)["data"]["result"]
    return [(one["metric"], float(one["value"][1])) for one in result]


def expected(telemetry: Telemetry, measure: Measure, grid: Grid) -> dict[tuple[Group, int], float]:
    """By definition."""
    fit = [
        (at, tuple(attributes.get(key, "") for key in measure.by), tuple(sorted(attributes.items())), added)
        for at, attributes, added in telemetry.told[measure.metric]
        if all((attributes.get(m.attribute, "") in m.values) != m.negated for m in measure.where)
    ]
    found = {}
    for time_ in grid:
        window = LOOK_BACK_S if measure.function == "last" else grid.window
        groups: dict[Group, list[Any]] = defaultdict(list)
        for at, group, series, added in fit:
            if time_ - window < at <= time_:
                groups[group].append((series, added))
        for group, members in groups.items():
            value = answer(measure, [added for _, added in members], dict(members), grid.window)
            if value is not None:
                found[group, time_] = value
    return found


def answer(measure: Measure, added: list[Any], newest: dict[Any, Any], window: int) -> float | None:
    match measure.function:
        case "last":
            return sum(newest.values())
        case "max":
            return max(added)
        case "min":
            return min(added)
        case "avg" if not isinstance(added[0], tuple):
            return sum(added) / len(added)
        case "increase":
            return sum(one[0] for one in added)
        case "rate":
            return sum(one[0] for one in added) / window
        case "sum":
            return sum(one[1] for one in added)
        case "avg":
            count = sum(one[0] for one in added)
            return sum(one[1] for one in added) / count if count else None
    assert measure.quantile is not None
    return quantile(
        measure.quantile,
        DECLARED[measure.metric].bounds,
        [sum(b) for b in zip(*added, strict=True)][2:],
    )


def quantile(share: float, bounds: tuple[float, ...], counts: list[int]) -> float | None:
    rank, below = share * sum(counts), 0
    if not sum(counts):
        return None
    for index, (bound, count) in enumerate(zip(bounds, counts, strict=False)):
        if below + count >= rank:
            lower = bounds[index - 1] if index else 0.0
            return lower + (bound - lower) * (rank - below) / count if count else None
        below += count
    return bounds[-1]


def record(chance: random.Random, bot: Bot, commands: tuple[str, ...]) -> None:
    """Something happens."""
    for _ in range(chance.choice((0, 0, 1, 3))):
        attributes = {
            semconv.COMMAND: chance.choice(commands),
            semconv.OUTCOME: chance.choice(("ok", "failure")),
        }
        bot.measure(semconv.COMMAND_DURATION, attributes, chance.lognormvariate(-1, 1))
    if chance.random() < 0.7:
        event = chance.choice(("MESSAGE_CREATE", "TYPING_START"))
        bot.count(semconv.GATEWAY_EVENTS, {semconv.EVENT: event}, chance.randrange(1, 9))
    bot.gauge(semconv.SHARD_GUILDS, {semconv.SHARD: 0}, chance.randrange(90, 110))


RESTART, GAP, BIRTH, LONG_GAP, END = 200, range(300, 314), 360, range(420, 450), 520


def hours(telemetry: Telemetry, jitter_s: float, chance: random.Random) -> None:
    """Two instances. One is replaced, both are silent for some minutes and for longer, a command comes up, one ends."""
    one, two = telemetry.bot("one", START), telemetry.bot("two", START + 1)
    commands: tuple[str, ...] = ("ask", "ping")
    for slot in range(600):
        at = START + (slot + 1) * SLOT_S + round(chance.uniform(0, jitter_s))
        if slot == RESTART:
            one = telemetry.bot("one", at - 8)
            telemetry.restarted = at
        if slot == BIRTH:
            commands = ("ask", "ping", 'l"ate|\\d+')
        living = [one, two] if slot < END else [one]
        for bot in living:
            record(chance, bot, commands)
        if slot not in GAP and slot not in LONG_GAP:
            telemetry.export(at, *living)


@pytest.fixture(scope="module", params=[0.0, 11.0], ids=["on the slot", "at any time"])
def lived(stack: Stack, request: pytest.FixtureRequest) -> Telemetry:
    telemetry = Telemetry(stack.prometheus, f"bot-{request.param:g}", apart_s=SLOT_S + request.param)
    hours(telemetry, request.param, random.Random(5))
    return telemetry


@pytest.fixture
async def engine(stack: Stack) -> AsyncIterator[Any]:
    client = StoreClient(StoreTarget("prometheus", stack.prometheus, (), None, None, None, 30.0))
    yield lambda service: Prometheus(client, f'job="{service}"')
    await client.close()


async def answered(
    engine: Any, telemetry: Telemetry, measure: Measure, grid: Grid
) -> dict[tuple[Group, int], float]:
    found = await engine(telemetry.service).measure(measure, DECLARED[measure.metric], grid)
    return {(tuple(one.group.values()), at): value for one in found for at, value in one.points}


METRICS = (semconv.COMMAND_DURATION, semconv.GATEWAY_EVENTS, semconv.SHARD_GUILDS)
VALUES = {
    semconv.COMMAND: ("ask", "ping", 'l"ate|\\d+', ""), semconv.OUTCOME: ("ok", "failure"), INSTANCE: ("one", "two"),
    semconv.EVENT: ("MESSAGE_CREATE", "nothing", ""), semconv.SHARD: ("0", "1"),
}  # fmt: skip


def questions(seed: int) -> Iterator[tuple[Measure, Grid]]:
    chance = random.Random(seed)
    for _ in range(120):
        metric = chance.choice(METRICS)
        function = chance.choice([name for name, kinds in KINDS.items() if metric.kind in kinds])
        keys = [key for key in (*metric.attributes, INSTANCE) if key in VALUES]
        where = [
            Match(key, tuple(chance.sample(VALUES[key], chance.randrange(1, 3))), chance.random() < 0.3)
            for key in chance.sample(keys, chance.randrange(2))
        ]
        by = tuple(chance.sample(keys, chance.randrange(3)))
        share = chance.choice((0.0, 0.5, 0.95, 1.0)) if function == "quantile" else None
        step = chance.choice((15, 60, 300, 900))
        window = step * chance.choice((1, 1, 2, 4))
        first = START + chance.randrange(0, 8400 // step) * step
        yield (
            Measure(function, metric.name, tuple(where), by, share),
            Grid(first, first + 9 * step, step, window),
        )


@pytest.mark.parametrize("seed", range(3))
async def test_any_question(lived, engine, seed):
    for measure, grid in questions(seed):
        right, found = expected(lived, measure, grid), await answered(engine, lived, measure, grid)
        assert found.keys() == right.keys(), (measure, grid)
        for (group, at), value in right.items():
            tolerance = {"rel": 1e-9, "abs": 1e-9}
            if at - grid.window < lived.restarted <= at and measure.metric != semconv.SHARD_GUILDS.name:
                if lived.apart_s == SLOT_S:
                    tolerance = {"rel": 2e-5}
                elif measure.function in ("increase", "rate", "sum"):
                    edges = value * 2 * lived.apart_s / grid.window
                    tolerance = {"abs": first_told(lived, measure, at - grid.window, at) + edges}
                else:
                    continue  # these are made of them
            assert found[group, at] == pytest.approx(value, **tolerance), (measure, grid, group, at)


def first_told(telemetry: Telemetry, measure: Measure, start: float, end: float) -> float:
    """What the first export in a window told: where a series begins anew in it, that is estimated."""
    field = 1 if measure.function == "sum" else 0
    inside = [(at, added) for at, _, added in telemetry.told[measure.metric] if start < at <= end]
    first = min((at for at, _ in inside), default=0.0)
    return float(sum(added[field] for at, added in inside if at == first))


async def test_counts_are_whole_numbers(lived, engine):
    measure = Measure("increase", semconv.COMMAND_DURATION.name, (), (semconv.COMMAND,))
    grid = Grid(START + 3000, START + 9000, 300, 300)
    found = await answered(engine, lived, measure, grid)
    began_anew = [at for at in grid if at - 300 < lived.restarted <= at]
    assert len(found) > 40
    assert all(value == int(value) for (_, at), value in found.items() if at not in began_anew)


async def test_nothing_is_lost_at_a_birth(lived, engine):
    """The whole of what the late command counted; by Prometheus' own `increase` too, up to its extrapolation."""
    metric = DECLARED[semconv.COMMAND_DURATION.name]
    measure = Measure("increase", metric.name, (Match(semconv.COMMAND, ('l"ate|\\d+',)),))
    window = 3600
    born = START + BIRTH * SLOT_S
    grid = Grid(born + 600, born + 600, window, window)
    ((_, right),) = expected(lived, measure, grid).items()
    assert right > 10
    assert await answered(engine, lived, measure, grid) == {((), grid.last): right}
    plain = familiar(measure, metric, window, f'job="{lived.service}"')
    ((_, by_prometheus),) = asked(lived.url, plain, grid.last)
    assert by_prometheus == pytest.approx(right, rel=0.05)


async def test_more_points_than_prometheus_answers(lived, engine):
    grid = Grid(START + 60, START + 12_060, 1, 60)
    found = await answered(engine, lived, Measure("last", semconv.SHARD_GUILDS.name), grid)
    assert found == expected(lived, Measure("last", semconv.SHARD_GUILDS.name), grid)


NASTY = (
    '"',
    "\\",
    "a|b",
    ".*",
    "{}",
    "} or up",
    "ü✓",
    "\x00",
    "\n",
    "a\\nb",
    "$__interval",
    "[5m]",
    "'",
    "`",
    "#",
    "(?i)a",
)


async def test_values_are_values(stack, engine):
    """What a user types is found as it is typed, alone and among others, and is never syntax."""
    telemetry = Telemetry(stack.prometheus, "nasty")
    bot = telemetry.bot("one", START)
    for number, value in enumerate(NASTY, 1):
        bot.count(semconv.GATEWAY_EVENTS, {semconv.EVENT: value}, number)
    telemetry.export(START + SLOT_S, bot)
    grid = Grid(START + 60, START + 60, 60, 60)
    for number, value in enumerate(NASTY, 1):
        for values in ((value,), (value, "other")):
            measure = Measure(
                "increase", semconv.GATEWAY_EVENTS.name, (Match(semconv.EVENT, values),), (semconv.EVENT,)
            )
            assert await answered(engine, telemetry, measure, grid) == {((value,), grid.last): number}
    others = Measure(
        "increase", semconv.GATEWAY_EVENTS.name, (Match(semconv.EVENT, NASTY[1:], negated=True),)
    )
    assert await answered(engine, telemetry, others, grid) == {((), grid.last): 1}


async def test_another_bots_series_are_not_ours(lived, engine):
    telemetry = Telemetry(lived.url, "nobody")
    assert (
        await answered(
            engine,
            telemetry,
            Measure("last", semconv.SHARD_GUILDS.name),
            Grid(START + 600, START + 600, 60, 60),
        )
        == {}
    )


class TestZeroPoints:
    """They never make a Prometheus refuse an export."""

    def samples(self, url: str, service: str) -> list[tuple[float, float]]:
        ((_, values),) = self.series(url, f'discord_gateway_events_total{{job="{service}"}}[1h]')
        return values

    def series(self, url: str, query: str) -> list[tuple[dict[str, str], list[tuple[float, float]]]]:
        form = urllib.parse.urlencode({"query": query, "time": START + 3600})
        with urllib.request.urlopen(f"{url}/api/v1/query?{form}", timeout=10) as response:
            result = json.load(response)["data"]["result"]
        return [
            (one["metric"], [(round(at - START, 3), float(value)) for at, value in one["values"]])
            for one in result
        ]

    def test_a_life(self, bare_prometheus):
        telemetry = Telemetry(bare_prometheus, "life")
        bot = telemetry.bot("one", START)
        for at in (15, 30):
            bot.count(semconv.GATEWAY_EVENTS, {}, 5)
            telemetry.export(START + at, bot)
        successor = telemetry.bot("one", START + 29)  # it began before the last export of its predecessor
        successor.count(semconv.GATEWAY_EVENTS, {}, 3)
        telemetry.export(START + 45, successor)
        assert self.samples(bare_prometheus, "life") == [(0.001, 0), (15, 5), (30, 10), (30.001, 0), (45, 3)]

    def test_a_histogram(self, bare_prometheus):
        telemetry = Telemetry(bare_prometheus, "histogram")
        bot = telemetry.bot("one", START)
        bot.measure(semconv.COMMAND_DURATION, {}, 0.3)
        telemetry.export(START + 15, bot)
        found = self.series(
            bare_prometheus, '{__name__=~"discord_command_duration_seconds_.+", job="histogram"}[1h]'
        )
        assert len(found) == len(semconv.COMMAND_DURATION.buckets) + 3
        assert all(values[0] == (0.001, 0) and values[1][0] == 15 for _, values in found)

    def test_another_watcher(self, bare_prometheus):
        """What it doesn't know it doesn't tell; it would be refused, and with it all else of that moment."""
        telemetry = Telemetry(bare_prometheus, "returned")
        bot = telemetry.bot("one", START)
        bot.count(semconv.GATEWAY_EVENTS, {}, 5)
        telemetry.export(START + 15, bot)
        unaware = MetricEncoder(bot.stream, Redaction(bytes(32))).encode((START + 30) * 10**9)[0]
        with pytest.raises(urllib.error.HTTPError, match="400"):
            post(bare_prometheus + Telemetry.receiver, unaware)
        assert self.samples(bare_prometheus, "returned") == [(0.001, 0), (15, 5)]
        bot.stream.returned = (START + 16) * 10**9
        post(
            bare_prometheus + Telemetry.receiver,
            MetricEncoder(bot.stream, Redaction(bytes(32))).encode((START + 30) * 10**9)[0],
        )
        assert self.samples(bare_prometheus, "returned") == [(0.001, 0), (15, 5), (30, 5)]
