"""What telemetry amounts to, reckoned from what the watcher has seen."""

from __future__ import annotations

from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from whisperwatch import semconv
from whisperwatch.watcher.answers.telemetry import CostWatch, sections
from whisperwatch.watcher.pipeline import Exposition
from whisperwatch.watcher.records import LocalStream, Stream
from whisperwatch.watcher.settings import load


class Clock:
    at = 0.0

    def __call__(self) -> float:
        return self.at


def bot() -> Stream:
    """A counter with two series, and a histogram of two buckets with one."""
    stream = Stream({})
    definitions = [
        ("scope", 1, "s", None, None, None),
        ("instrument", 1, 1, "calls", "counter", "{call}", "", None),
        ("cell", 1, 1, {"a": "x"}, 0),
        ("cell", 2, 1, {"a": "y"}, 0),
        ("instrument", 2, 1, "took", "histogram", "s", "", (0.5, 1.5)),
        ("cell", 3, 2, {}, 0),
    ]
    cells = [(1, 3), (2, 4), (3, 2, 1.0, 0.4, 0.6, (1, 1, 0), None)]
    stream.take(("batch", 1, 0, definitions, [], cells, None))
    return stream


def test_series_are_those_of_metrics() -> None:
    own, stream = LocalStream({}), bot()
    cost = CostWatch(lambda: [stream], own).cost()
    assert cost.series == {"took_seconds": 5, "calls": 2}
    body, _ = Exposition().render([stream], "")
    samples = [
        sample
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
        if sample.name.startswith(("took", "calls")) and not sample.name.endswith("_created")
    ]
    assert len(samples) == sum(cost.series.values())


def test_rates_are_of_the_last_hour() -> None:
    clock, own = Clock(), LocalStream({})
    own.add(semconv.SELF_RECEIVED, 1_000_000, {semconv.SIGNAL: "spans"})
    watch = CostWatch(list, own, lambda: int(clock.at) * 100, clock)
    for _ in range(240):  # two hours: nothing, and then a span a second
        clock.at += 30
        if clock.at > 3600:
            own.add(semconv.SELF_RECEIVED, 30, {semconv.SIGNAL: "spans"})
        watch.look()
    cost = watch.cost()
    assert (cost.measured_s, cost.per_day) == (3600, {"spans": 86400})
    assert cost.log_bytes_per_day == 100 * 86400


def test_what_is_said(tmp_path: Path) -> None:
    clock, own, stream = Clock(), LocalStream({}), bot()
    own.add(semconv.SELF_RECEIVED, 0, {semconv.SIGNAL: "spans"})
    watch = CostWatch(lambda: [stream], own, lambda: int(clock.at) * 20_000, clock)
    clock.at = 30.0
    (early, *_) = sections(watch.cost(), load({}, tmp_path))
    assert early.lines[1:] == ("What comes in a day is known a minute after the watcher's start.",)
    clock.at = 60.0
    own.add(semconv.SELF_RECEIVED, 120, {semconv.SIGNAL: "spans"})
    own.add(semconv.SELF_RECEIVED, 60, {semconv.SIGNAL: "logs"})
    scraped = load({"PERFORMANCE_SAMPLING_RATE": "0.5"}, tmp_path)
    exported = load({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318"}, tmp_path)
    amounts, by_metric, less = sections(watch.cost(), scraped)
    assert amounts.lines == (
        "7 series, so 40,320 samples a day at one in 15 s",
        "172,800 spans a day",
        "86,400 log records a day",
        "1.7 GB of log text a day",
        "At the rate of the last 1 min.",
    )
    assert by_metric.lines == ("     5  took_seconds", "     2  calls")
    assert [str(line).partition(":")[0] for line in less.lines] == [
        "Fewer spans",
        "Fewer log records",
        "Fewer samples",
        "Neither traces nor figures of process and host",
    ]
    assert "now 0.5;" in str(less.lines[0])
    assert "OTEL_METRIC_EXPORT_INTERVAL, now 15 s" in str(list(sections(watch.cost(), exported))[2].lines[2])
