"""Prometheus' own names: by table, and against Prometheus' own translator where Go is installed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from prometheus_client.openmetrics.exposition import _is_legacy_labelname_rune, _is_legacy_metric_rune

from whisperwatch import semconv
from whisperwatch.watcher.naming import UnnamableError, label_name, metric_name, unit_suffixes

METRIC_NAMES = [
    ("discord.command.duration", "s", "histogram", "discord_command_duration_seconds"),
    ("discord.gateway.events", "{event}", "counter", "discord_gateway_events_total"),
    ("system.memory.usage", "By", "updowncounter", "system_memory_usage_bytes"),
    ("system.memory.utilization", "1", "gauge", "system_memory_utilization_ratio"),
    ("active", "1", "updowncounter", "active"),
    ("system.network.io", "By", "counter", "system_network_io_bytes_total"),
    ("speed", "m/s", "gauge", "speed_meters_per_second"),
    ("rate", "By/s", "gauge", "rate_bytes_per_second"),
    ("rate", "{thing}/s", "gauge", "rate_per_second"),
    ("odd", "{a}/{b}", "gauge", "odd"),
    ("already.seconds.there", "s", "gauge", "already_seconds_there"),
    ("requests.total", "", "counter", "requests_total"),
    ("total.requests", "", "counter", "requests_total"),
    ("cpu.ratio.used", "1", "gauge", "cpu_used_ratio"),
    ("a__b..c", "", "gauge", "a_b_c"),
    ("2xx", "", "counter", "_2xx_total"),
    ("a:b", "", "gauge", "a:b"),
    ("temperature", "°C", "gauge", "temperature_C"),
    ("load", "%", "gauge", "load_percent"),
]


@pytest.mark.parametrize(("name", "unit", "kind", "expected"), METRIC_NAMES)
def test_metric_names(name, unit, kind, expected):
    assert metric_name(name, unit, kind) == expected


@pytest.mark.parametrize("name", ["", "...", "°"])
def test_a_name_of_which_nothing_is_left(name):
    with pytest.raises(UnnamableError, match="metric name"):
        metric_name(name, "", "gauge")


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("http.request.method", "http_request_method"), ("a..b", "a_b"), ("2xx", "key_2xx"), ("_a", "_a"),
        ("__reserved__", "__reserved__"), ("ä", None), ("", None), ("__", None), ("a-b c", "a_b_c"),
    ],
)  # fmt: skip
def test_label_names(key, expected):
    if expected is None:
        with pytest.raises(UnnamableError, match="attribute name"):
            label_name(key)
    else:
        assert label_name(key) == expected


@pytest.mark.parametrize(
    ("unit", "expected"),
    [("s", ("seconds", "")), ("By/s", ("bytes", "per_second")), ("", ("", "")), ("1", ("", ""))],
)
def test_unit_suffixes(unit, expected):
    assert unit_suffixes(unit) == expected


@given(st.text(max_size=10), st.text(max_size=6), st.sampled_from(["counter", "gauge"]))
def test_whatever_comes_prometheus_takes_it(name, unit, kind):
    try:
        made = metric_name(name, unit, kind)
        label = label_name(name)
    except UnnamableError:
        return
    assert all(_is_legacy_metric_rune(rune, at) for at, rune in enumerate(made))
    assert all(_is_legacy_labelname_rune(rune, at) for at, rune in enumerate(label))


KINDS = ["counter", "gauge", "histogram", "updowncounter"]
PROGRAM = """
package main

import (
	"encoding/json"
	"os"

	"github.com/prometheus/otlptranslator"
)

type question struct{ Name, Unit, Kind string }

var kinds = map[string]otlptranslator.MetricType{
	"counter":       otlptranslator.MetricTypeMonotonicCounter,
	"updowncounter": otlptranslator.MetricTypeNonMonotonicCounter,
	"gauge":         otlptranslator.MetricTypeGauge,
	"histogram":     otlptranslator.MetricTypeHistogram,
}

func main() {
	var questions []question
	if err := json.NewDecoder(os.Stdin).Decode(&questions); err != nil {
		panic(err)
	}
	metrics := otlptranslator.MetricNamer{WithMetricSuffixes: true}
	labels := otlptranslator.LabelNamer{}
	answers := make([][2]string, len(questions))
	for i, q := range questions {
		name, err := metrics.Build(otlptranslator.Metric{Name: q.Name, Unit: q.Unit, Type: kinds[q.Kind]})
		if err == nil {
			answers[i][0] = name
		}
		if label, err := labels.Build(q.Name); err == nil {
			answers[i][1] = label
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(answers); err != nil {
		panic(err)
	}
}
"""
MODULE = """
module compare

go 1.23.0

require github.com/prometheus/otlptranslator v1.0.0
"""


@pytest.fixture(scope="module")
def translator(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Prometheus' translator as a program: questions in JSON, answers in JSON."""
    go = shutil.which("go")
    if go is None:
        pytest.skip("go is not on the PATH: names are not compared with Prometheus' own translator")
    place = tmp_path_factory.mktemp("translator")
    (place / "main.go").write_text(PROGRAM)
    (place / "go.mod").write_text(MODULE)
    environment = {**os.environ, "GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "local"}
    built = subprocess.run(
        [go, "build", "-o", "compare", "."],
        cwd=place,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    if built.returncode and any(word in built.stderr for word in ("dial tcp", "no such host", "i/o timeout")):
        pytest.skip("go can't reach a module proxy: names are not compared with Prometheus' own translator")
    assert built.returncode == 0, built.stderr

    def ask(questions: list[dict[str, str]]) -> list[list[str]]:
        answered = subprocess.run(
            [Path(place / "compare")], input=json.dumps(questions), capture_output=True, text=True, check=True
        )
        return json.loads(answered.stdout)

    return ask


def ours(name: str, unit: str, kind: str) -> list[str]:
    answer = []
    for build in (lambda: metric_name(name, unit, kind), lambda: label_name(name)):
        try:
            answer.append(build())
        except UnnamableError:
            answer.append("")
    return answer


parts = st.text("abAB01_.:-/ %{}°ä", max_size=12) | st.sampled_from(
    [
        "total",
        "ratio",
        "seconds",
        "a.total.b",
        "seconds_per_second",
        "__a__",
        "1",
        "_",
        "total_total",
        "bytes.x",
    ]
)
units = (
    st.sampled_from(["", "1", "s", "By", "%", "m/s", "By/s", "{x}", "{x}/s", "s/{x}", "/s", "1/s", "ms/d"])
    | parts
)


@pytest.mark.go
@settings(max_examples=20, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(parts, units, st.sampled_from(KINDS)), min_size=100, max_size=300))
def test_equals_prometheus_translator(translator, made):
    made += [(m.name, m.unit, m.kind) for m in semconv.METRICS]
    made += [(name, unit, kind) for name, unit, kind, _ in METRIC_NAMES]
    theirs = translator([{"Name": n, "Unit": u, "Kind": k} for n, u, k in made])
    answers = {question: ours(*question) for question in made}
    assert answers == dict(zip(made, theirs, strict=True))
