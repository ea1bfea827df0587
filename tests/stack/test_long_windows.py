"""What was counted in long windows, of a real Prometheus, Thanos, VictoriaMetrics: over all that processes can do."""

from __future__ import annotations

import random
import urllib.request
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace

import pytest
from tests.contract.bot import Bot
from tests.stack.programs import Stack
from tests.stack.test_prometheus import Telemetry, answered, expected, record

from whisperwatch import semconv
from whisperwatch.watcher.query.http import StoreClient
from whisperwatch.watcher.query.language import Grid, Match, Measure
from whisperwatch.watcher.query.prometheus.engine import Prometheus
from whisperwatch.watcher.settings.stores import StoreTarget

HOURS, SLOT_S = 60, 300
START = 1_790_000_000 // 3600 * 3600
INSTANCE = "service.instance.id"
COMMAND = (semconv.COMMAND,)
MEASURES = (
    Measure("increase", semconv.GATEWAY_EVENTS.name),
    Measure("rate", semconv.GATEWAY_EVENTS.name, (), (INSTANCE, semconv.EVENT)),
    Measure("increase", semconv.COMMAND_DURATION.name, (), COMMAND),
    Measure("sum", semconv.COMMAND_DURATION.name, (Match(semconv.OUTCOME, ("ok",)),)),
    Measure("avg", semconv.COMMAND_DURATION.name, (), COMMAND),
    Measure("increase", semconv.COMMAND_DURATION.name, (Match(INSTANCE, ("one", "four")),), (INSTANCE,)),
    Measure("quantile", semconv.COMMAND_DURATION.name, (), COMMAND, 0.95),
)


RELABELLING = """
- {action: labelmap, regex: service_name, replacement: job}
- {action: labelmap, regex: service_instance_id, replacement: instance}
- {action: labeldrop, regex: "(service|scope|otel|telemetry)_.*"}
"""
"""What makes labels of VictoriaMetrics' of the resource, as Prometheus does."""


@dataclass
class Process:
    """A bot's process: when (hours) it begins and ends, and when it can't be heard."""

    instance: str
    begins: float
    ends: float
    silent: tuple[tuple[float, float], ...] = ()
    unnamed_until: float = 0.0
    """Until then it doesn't say when it was started, as older versions don't."""
    bot: Bot | None = None

    def hears(self, hour: float) -> bool:
        return self.begins < hour <= self.ends and not any(a < hour <= b for a, b in self.silent)


PROCESSES = (
    # replaced twice within half an hour, silent for a while, and at night with all others
    Process("one", 0, 5.1, (), 2.5),
    Process("one", 5.1, 5.4),
    Process("one", 5.5, 33, ((9.0, 9.6), (20.2, 22.4))),
    Process("one", 33, HOURS),
    # its successor has another name; that one is out of reach for hours
    Process("two", 1, 14.3, (), 2.5),
    Process("three", 14.4, 33.2, ((20.2, 22.4), (26.3, 29.4))),
    Process("three", 33.2, HOURS),
    # shorter than what is looked at at once, and only just one that is left when the window ends
    Process("four", 40.2, 40.7),
    Process("five", 59.6, HOURS),
)  # fmt: skip


@pytest.fixture(scope="module")
def victoria_metrics(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("victoria")
    (folder / "relabelling.yml").write_text(RELABELLING)
    own = Stack(stack.programs, folder)
    yield own.start_victoria_metrics(folder / "relabelling.yml")
    own.stop()


@pytest.fixture(scope="module")
def beside_thanos(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """A Prometheus, and the Thanos that answers for it."""
    folder = tmp_path_factory.mktemp("thanos")
    (folder / "prometheus.yml").write_text("global: {external_labels: {cluster: tests, replica: one}}\n")
    own = Stack(stack.programs, folder)
    prometheus = own.start_prometheus(folder / "prometheus.yml")
    yield prometheus, own.start_thanos(prometheus)
    own.stop()


@pytest.fixture(scope="module", params=["Prometheus", "Thanos", "VictoriaMetrics"])
def lived(request: pytest.FixtureRequest) -> Telemetry:
    if request.param == "Prometheus":
        telemetry = Telemetry(request.getfixturevalue("bare_prometheus"), "long")
        live(telemetry)
    elif request.param == "Thanos":
        prometheus, thanos = request.getfixturevalue("beside_thanos")
        telemetry = Telemetry(prometheus, "long")
        live(telemetry)
        telemetry.url = thanos
    else:
        url = request.getfixturevalue("victoria_metrics")
        telemetry = Telemetry(url, "long", receiver="/opentelemetry/v1/metrics")
        live(telemetry)
        urllib.request.urlopen(f"{url}/internal/force_flush", timeout=10).close()
    return telemetry


def live(telemetry: Telemetry) -> None:
    chance, processes = random.Random(3), [replace(one) for one in PROCESSES]
    for at in range(START + SLOT_S, START + HOURS * 3600 + 1, SLOT_S):
        hour = (at - START) / 3600
        heard = []
        for one in processes:
            if not one.begins < hour <= one.ends:
                continue
            began = START + one.begins * 3600
            bot = one.bot = one.bot or telemetry.bot(one.instance, began)
            for _ in range(5):
                record(chance, bot, ("ask", "ping"))
            if hour > one.unnamed_until:
                bot.gauge(semconv.START_TIME, {semconv.SERVICE_VERSION: f"{one.begins:g}"}, began)
            if one.hears(hour):
                heard.append(bot)
        telemetry.export(at, *heard)


def client_of(url: str) -> StoreClient:
    return StoreClient(StoreTarget("prometheus", url, (), None, None, None, 30.0))


@pytest.fixture
async def engine(bare_prometheus: str) -> AsyncIterator[Prometheus]:
    client = client_of(bare_prometheus)
    yield Prometheus(client, 'job="long"')
    await client.close()


WINDOWS = [
    (0, HOURS), (3, HOURS), (4, 6), (5, 7), (4, 12), (8, 10), (0, 24), (2, 9), (12, 36), (13, 16), (24, 48), (32, 34),
    (36, 60), (39, 42), (40, 41), (59, 60), (58, 61), (59.9, 60.9), (19, 30), (0, 2), (1.25, 3.75), (31.75, 37.25),
    # one had just ended when they begin, or all
    (14.35, 16.35), (14.4, 15.4), (40.75, 43.75), (40.75, 41.85), (40.75, 44.85), (20.3, 22.3), (HOURS, HOURS + 2),
    (HOURS + 0.1, HOURS + 1.1), (HOURS + 0.1, HOURS + 1.2),
]  # fmt: skip


@pytest.mark.parametrize(("start", "end"), WINDOWS)
async def test_what_was_counted(
    lived: Telemetry, monkeypatch: pytest.MonkeyPatch, start: float, end: float
) -> None:
    client = client_of(lived.url)
    engine = Prometheus(client, 'job="long"')
    if end > 2.5:
        monkeypatch.setattr(engine._long, "_as_any", None)  # not by asking for the window whole
    window = round((end - start) * 3600)
    grid = Grid(START + round(end * 3600), START + round(end * 3600), window, window)
    for measure in MEASURES:
        found, right = await answered(lambda _: engine, lived, measure, grid), expected(lived, measure, grid)
        assert found == pytest.approx(right, rel=1e-9), measure
    await client.close()


async def test_what_comes_and_goes_all_the_time(bare_prometheus: str, engine: Prometheus) -> None:
    """A bot that is started anew each quarter of an hour, for days (each test here has times after those before it)."""
    telemetry, chance = Telemetry(bare_prometheus, "long"), random.Random(4)
    start = START + (HOURS + 12) * 3600
    bot = telemetry.bot("again", start)
    for at in range(start + SLOT_S, start + 80 * 3600 + 1, SLOT_S):
        if (at - start) % 900 == 0:
            bot = telemetry.bot("again", at - 9)
        record(chance, bot, ("ask",))
        bot.gauge(semconv.START_TIME, {}, bot.began)
        telemetry.export(at, bot)
    grid = Grid(start + 80 * 3600, start + 80 * 3600, 79 * 3600, 79 * 3600)
    measure = Measure("increase", semconv.GATEWAY_EVENTS.name)
    assert await answered(lambda _: engine, telemetry, measure, grid) == pytest.approx(
        expected(telemetry, measure, grid), rel=0.2
    )


async def test_processes_that_cannot_be_told_apart(bare_prometheus: str) -> None:
    """Two of one instance, at the same times: an operator's mistake that was always answered somehow."""
    telemetry = Telemetry(bare_prometheus, "twins")
    start = START + (HOURS + 100) * 3600
    first, second = telemetry.bot("same", start), telemetry.bot("same", start + 100)
    for at in range(start + SLOT_S, start + 8 * 3600, SLOT_S):
        for number, bot in enumerate((first, second)):
            bot.count(semconv.GATEWAY_EVENTS, {semconv.EVENT: str(number)}, 1)
            bot.gauge(semconv.START_TIME, {semconv.SERVICE_VERSION: str(number)}, bot.began)
        telemetry.export(at, first, second)
    client = client_of(bare_prometheus)
    grid = Grid(start + 7 * 3600, start + 7 * 3600, 7 * 3600, 7 * 3600)
    measure = Measure("increase", semconv.GATEWAY_EVENTS.name)
    found = await answered(lambda _: Prometheus(client, 'job="twins"'), telemetry, measure, grid)
    assert found == expected(telemetry, measure, grid)
    await client.close()


async def test_what_begins_anew_by_itself(bare_prometheus: str) -> None:
    """Counters that fall though the process lives on: a host's own, or a store's. They are asked for whole."""
    telemetry = Telemetry(bare_prometheus, "falls")
    start = START + (HOURS + 120) * 3600
    bot = telemetry.bot("one", start)
    for at in range(start + SLOT_S, start + 8 * 3600, SLOT_S):
        if at == start + 4 * 3600:
            bot = telemetry.bot("one", start)
        bot.count(semconv.GATEWAY_EVENTS, {}, 2 if at > start + 4 * 3600 else 9)
        bot.gauge(semconv.START_TIME, {}, start)
        telemetry.export(at, bot)
    client = client_of(bare_prometheus)
    grid = Grid(start + 7 * 3600, start + 7 * 3600, 5 * 3600, 5 * 3600)
    measure = Measure("increase", semconv.GATEWAY_EVENTS.name)
    found = await answered(lambda _: Prometheus(client, 'job="falls"'), telemetry, measure, grid)
    assert found == pytest.approx(expected(telemetry, measure, grid), rel=1e-3)
    await client.close()
