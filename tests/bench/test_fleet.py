"""The synthetic fleet: all that it lives through comes out as OTLP, and what must not grow with it doesn't."""

from __future__ import annotations

import gzip
import time
from collections import defaultdict
from dataclasses import replace
from typing import Any

import pytest
from bench.fleet.__main__ import SHARDS, live
from bench.fleet.instance import Instance, Spent
from bench.fleet.report import Run, million, picture, table
from bench.fleet.traffic import SPANS_PER_MESSAGE
from tests.stack.otlp import REQUESTS


def lived(instances: int, turns: int = 2) -> tuple[Spent, dict[str, list[Any]]]:
    got: dict[str, list[Any]] = defaultdict(list)
    spent = live(
        instances, instances * SHARDS, 100, turns, time.time(),
        lambda signal, packed: got[signal].append(REQUESTS[signal].FromString(gzip.decompress(packed))),
    )  # fmt: skip
    return spent, got


def instances_of(requests: list[Any]) -> set[str]:
    return {
        attribute.value.string_value
        for request in requests
        for one in request.resource_metrics
        for attribute in one.resource.attributes
        if attribute.key == "service.instance.id"
    }


def test_everything_arrives_of_every_instance() -> None:
    spent, got = lived(3)
    messages = 3 * SHARDS * 2 * 2
    spans = [
        span
        for request in got["traces"]
        for one in request.resource_spans
        for scope in one.scope_spans
        for span in scope.spans
    ]
    assert spent.records["traces"] == messages * SPANS_PER_MESSAGE
    assert spent.records["logs"] == messages
    # and once before, which is not counted
    assert len(spans) == 3 / 2 * messages * SPANS_PER_MESSAGE
    assert len({span.trace_id for span in spans}) == 3 / 2 * messages
    assert len(instances_of(got["metrics"])) == 3
    assert 0 < sum(spent.sent.values()) < sum(spent.encoded.values())


def test_an_instance_has_the_same_series_however_many_guilds_there_are() -> None:
    cells = {}
    for guilds in (1, 100_000):
        instance = Instance(0, range(SHARDS), guilds, time.time(), Spent())
        for turn in range(20):
            list(instance.turn(time.time() + turn * 15, 2, 20))
        cells[guilds] = instance.cells
    assert cells[1] == cells[100_000] > SHARDS


def test_twice_the_instances_are_twice_the_records_and_bytes() -> None:
    (one, _), (two, _) = lived(1), lived(2)
    for signal, records in one.records.items():
        assert two.records[signal] == 2 * records
        assert two.encoded[signal] == pytest.approx(2 * one.encoded[signal], rel=0.02)


def test_tables_and_picture(tmp_path) -> None:
    cpu = {"otelcol": 4.0, "prometheus": 2.0, "loki": 1.0}
    series = {"of shards": 320, "of instances": 80, "of spans": 40}
    kept = {"prometheus": 3000, "prometheus samples": 2000, "loki": 5000}
    runs = [
        Run(n, n * 16, 1600, 100, 900, 20, 15.0, lived(1)[0], cpu, series, kept, 100_000_000) for n in (1, 2)
    ]
    first, second = table(runs).splitlines()[2:]
    assert first.startswith("| 1 | 16 | 1,600 | 440 | 25.0 |")
    assert second.startswith("| 2 | 32 |")
    assert "4000.0" in first  # µs of the collector's CPU for each of 1,000 events
    quiet = replace(runs[-1], messages=0, cpu_s={**cpu, "otelcol": 3.0})
    assert "| collector, s of CPU | 10,000 |" in million(runs, quiet)
    assert "1.50 bytes a sample" in million(runs, quiet)
    picture(runs, tmp_path / "fleet.png")
    assert (tmp_path / "fleet.png").read_bytes().startswith(b"\x89PNG")
