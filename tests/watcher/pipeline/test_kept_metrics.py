"""Which values of the streams go to the store: what changed, each gauge once a slot, the last ones of who ended."""

from __future__ import annotations

import pytest
from tests.contract.bot import Bot

from whisperwatch import semconv
from whisperwatch.watcher.pipeline.kept_metrics import KeptMetrics
from whisperwatch.watcher.records import LocalStream, Records
from whisperwatch.watcher.store.metrics import Taken

NAME = {semconv.BOT_NAME: "Bot"}
SHARD = {**NAME, semconv.SHARD: 0}


class Scene:
    def __init__(self) -> None:
        self.now = 1000.0
        self.bot = Bot("one", 900.0)
        self.streams: list[Records] = [self.bot.stream]
        self.kept = KeptMetrics(lambda: self.streams, lambda: self.now)

    def take(self) -> Taken | None:
        self.bot.send()
        return self.kept()


@pytest.fixture
def scene() -> Scene:
    return Scene()


def values(taken: Taken | None) -> dict[str, object]:
    return {} if taken is None else {sample.identity.metric: sample.value for sample in taken.samples}


def test_what_changed_and_nothing_else(scene: Scene) -> None:
    scene.bot.count(semconv.MESSAGES_HANDLED, {**NAME, semconv.EVENT: "message"}, 2)
    scene.bot.measure(semconv.EVENT_DURATION, {**NAME, semconv.EVENT: "message"}, 0.3)
    taken = scene.take()
    assert taken is not None
    assert taken.alive == {("one", 900_000_000_000)}
    assert {sample.start for sample in taken.samples} == {900_000_000_000}
    assert values(taken)["discord.messages.handled"] == (2,)
    assert values(taken)["discord.event.duration"][:2] == (1, 0.3)  # type: ignore[index]
    assert scene.take() is None
    scene.bot.count(semconv.MESSAGES_HANDLED, {**NAME, semconv.EVENT: "message"}, 3)
    assert values(scene.take()) == {"discord.messages.handled": (5,)}


def test_gauges_once_a_slot_also_unchanged(scene: Scene) -> None:
    scene.bot.gauge(semconv.SHARD_GUILDS, SHARD, 7)
    assert values(scene.take()) == {"discord.shard.guilds": (7,)}
    scene.now += 4
    assert scene.take() is None
    scene.now += 2  # 1006 is in another slot than 1004
    assert values(scene.take()) == {"discord.shard.guilds": (7,)}


def test_a_silent_bot_lives(scene: Scene) -> None:
    scene.bot.count(semconv.MESSAGES_HANDLED, {**NAME, semconv.EVENT: "message"})
    scene.take()
    scene.now += 15
    taken = scene.take()
    assert taken is not None
    assert (taken.samples, taken.alive) == ((), {("one", 900_000_000_000)})


def test_attributes_are_texts(scene: Scene) -> None:
    scene.bot.gauge(semconv.SHARD_GUILDS, {**SHARD, "flag": True, "half": 0.5, "empty": ""}, 7)
    taken = scene.take()
    assert taken is not None
    (sample,) = taken.samples
    assert dict(sample.identity.attributes) == {
        "bot.name": "Bot",
        "discord.shard.id": "0",
        "flag": "true",
        "half": "0.5",
    }


def test_a_process_stays_the_same_whatever_cells_come_later(scene: Scene) -> None:
    scene.bot.gauge(semconv.SHARD_GUILDS, SHARD, 7)
    scene.take()
    (instrument,) = scene.bot.stream.instruments
    instrument.cells.append(type(instrument.cells[0])({"other": 1}, 5, (3,)))
    scene.bot.stream.defined += 1
    taken = scene.take()
    assert taken is not None
    assert [(sample.start, sample.process) for sample in taken.samples] == [(5, 900_000_000_000)]


def test_scopes_are_one_series(scene: Scene) -> None:
    """As on /metrics: what two scopes counted under one name is one number."""
    own = LocalStream({"service.instance.id": "one"})
    own.add(semconv.SELF_RECEIVED, 4, {semconv.SIGNAL: "spans"})
    scene.streams.append(own)
    (instrument,) = own.instruments
    instrument.cells.append(type(instrument.cells[0])({semconv.SIGNAL: "spans"}, 950_000_000_000, (6,)))
    own.defined += 1
    taken = scene.take()
    assert taken is not None
    (sample,) = taken.samples
    assert (sample.value, sample.start) == ((10,), 950_000_000_000)


def test_the_last_values_of_who_ended(scene: Scene) -> None:
    scene.bot.count(semconv.MESSAGES_HANDLED, {**NAME, semconv.EVENT: "message"})
    scene.take()
    scene.bot.count(semconv.MESSAGES_HANDLED, {**NAME, semconv.EVENT: "message"})
    scene.bot.send()
    scene.kept.end(scene.bot.stream)
    scene.streams.clear()
    taken = scene.kept()
    assert values(taken) == {"discord.messages.handled": (2,)}
    assert taken is not None
    assert taken.alive == frozenset()
    assert scene.kept() is None


def test_a_stream_that_learns_who_it_is_is_told_anew(scene: Scene) -> None:
    scene.bot.count(semconv.MESSAGES_HANDLED, {**NAME, semconv.EVENT: "message"})
    scene.take()
    scene.bot.stream.resource["service.instance.id"] = "two"
    taken = scene.take()
    assert taken is not None
    assert [(sample.identity.instance, sample.value) for sample in taken.samples] == [("two", (1,))]


def test_unchanged_cells_are_left_out(scene: Scene) -> None:
    """500 of them are looked at without a sample being made."""
    for number in range(500):
        scene.bot.count(semconv.GATEWAY_EVENTS, {**SHARD, semconv.EVENT: f"E{number}"})
    taken = scene.take()
    assert taken is not None
    assert len(taken.samples) == 500
    assert scene.take() is None
