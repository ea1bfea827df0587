"""Measures as PromQL: golden texts, and whatever is asked for parses and selects what was meant, by PromQL's parser."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

import hypothesis.strategies as st
import promql_parser
import pytest
from hypothesis import given, settings

from whisperwatch import semconv
from whisperwatch.watcher.query.catalogue import DECLARED, Known
from whisperwatch.watcher.query.language import Match, Measure
from whisperwatch.watcher.query.language.measures import KINDS, Function
from whisperwatch.watcher.query.prometheus.rendering import duration, exact, familiar
from whisperwatch.watcher.query.prometheus.selectors import INSTANCE, our_job

DURATION = DECLARED[semconv.COMMAND_DURATION.name]
ERRORS = DECLARED[semconv.ERRORS.name]
GUILDS = DECLARED[semconv.SHARD_GUILDS.name]
COMMAND, CATEGORY = semconv.COMMAND, semconv.ERROR_CATEGORY

FAMILIAR = [
    (Measure("increase", ERRORS.name), 300, "sum(increase(bot_errors_total[5m]))"),
    (
        Measure("rate", ERRORS.name, (Match(CATEGORY, ("ai",)),), (CATEGORY, INSTANCE)),
        3600,
        'sum by (bot_error_category, instance) (rate(bot_errors_total{bot_error_category="ai"}[1h]))',
    ),
    (
        Measure("increase", DURATION.name, by=(COMMAND,)),
        90,
        "sum by (discord_command_name) (increase(discord_command_duration_seconds_count[1m30s]))",
    ),
    (Measure("sum", DURATION.name), 60, "sum(increase(discord_command_duration_seconds_sum[1m]))"),
    (
        Measure("avg", DURATION.name, by=(COMMAND,)),
        60,
        "sum by (discord_command_name) (rate(discord_command_duration_seconds_sum[1m])) / "
        "sum by (discord_command_name) (rate(discord_command_duration_seconds_count[1m]))",
    ),
    (
        Measure("quantile", DURATION.name, by=(COMMAND,), quantile=0.95),
        300,
        "histogram_quantile(0.95, "
        "sum by (discord_command_name, le) (rate(discord_command_duration_seconds_bucket[5m])))",
    ),
    (Measure("last", GUILDS.name), 60, "sum(last_over_time(discord_shard_guilds[5m]))"),
    (Measure("max", GUILDS.name), 60, "max(max_over_time(discord_shard_guilds[1m]))"),
    (Measure("min", GUILDS.name), 60, "min(min_over_time(discord_shard_guilds[1m]))"),
    (
        Measure("avg", GUILDS.name),
        60,
        "sum(sum_over_time(discord_shard_guilds[1m])) / sum(count_over_time(discord_shard_guilds[1m]))",
    ),
]


@pytest.mark.parametrize(("measure", "window", "expected"), FAMILIAR)
def test_what_people_read(measure, window, expected):
    assert familiar(measure, DECLARED[measure.metric], window) == expected


def test_the_page_has_what_people_read():
    page = (Path(__file__).parents[4] / "docs" / "queries.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| ([a-z, ]+) \| `(.+)` \|$", page, re.MULTILINE)
    examples = {"counter": ERRORS, "histogram": DURATION, "gauge": GUILDS}
    for function, kinds, promql in rows:
        metric = examples[kinds.partition(",")[0]]
        share = 0.95 if function == "quantile" else None
        assert familiar(Measure(function, metric.name, quantile=share), metric, 300) == promql
    assert {function for function, _, _ in rows} == set(KINDS)


def test_what_the_engine_asks():
    measure = Measure("increase", ERRORS.name, by=(CATEGORY,))
    assert exact(measure, ERRORS, 300, 'job="bots/one"') == (
        "sum by (bot_error_category) ("
        '(increase(bot_errors_total{job="bots/one"}[5m1ms]) and resets(bot_errors_total{job="bots/one"}[5m]) > 0)'
        ' or (last_over_time(bot_errors_total{job="bots/one"}[5m])'
        ' - (last_over_time(bot_errors_total{job="bots/one"}[15m] offset 5m)'
        ' <= min_over_time(bot_errors_total{job="bots/one"}[5m])))'
        ' or last_over_time(bot_errors_total{job="bots/one"}[5m]))'
    )


def measures() -> st.SearchStrategy[tuple[Measure, Known]]:
    @st.composite
    def build(draw: Any) -> tuple[Measure, Known]:
        function = draw(st.sampled_from(get_args(Function)))
        fitting = [known for known in DECLARED.values() if known.kind in KINDS[function]]
        known = draw(st.sampled_from(fitting))
        attributes = st.sampled_from([*sorted(known.attributes or ()), INSTANCE])
        values = st.lists(st.text(max_size=12), min_size=1, max_size=3, unique=True).map(tuple)
        where = draw(st.lists(st.builds(Match, attributes, values, st.booleans()), max_size=3))
        by = draw(st.lists(attributes, max_size=3, unique=True))
        quantile = draw(st.sampled_from([0, 0.5, 0.99, 1])) if function == "quantile" else None
        return Measure(function, known.name, tuple(where), tuple(by), quantile), known

    return build()


@settings(max_examples=150, deadline=None)
@given(
    measures(), st.integers(1, 10**7), st.sampled_from([exact, familiar]), st.sampled_from([None, 'job="x"'])
)
def test_any_measure_parses_and_selects_what_was_meant(asked, window, render, ours):
    measure, known = asked
    selectors = vectors(promql_parser.parse(render(measure, known, window, ours)))
    assert selectors
    for selector in selectors:
        matchers = selector.matchers.matchers
        if ours:
            job, *matchers = matchers
            assert (job.name, job.value) == ("job", "x")
        assert len(matchers) == len(measure.where)
        for match, matcher in zip(measure.where, matchers, strict=True):
            assert ("Not" in str(matcher.op)) == match.negated
            if len(match.values) == 1:
                assert matcher.value == match.values[0]
            else:
                assert all(re.fullmatch(matcher.value, value, re.DOTALL) for value in match.values)
                for other in (*match.values, ""):
                    other += "x"
                    assert bool(re.fullmatch(matcher.value, other, re.DOTALL)) == (other in match.values)


def vectors(expression: Any) -> list[Any]:
    found: list[Any] = []

    def visit(node: Any) -> None:
        if isinstance(node, promql_parser.VectorSelector):
            found.append(node)
        if isinstance(node, promql_parser.MatrixSelector):
            found.append(node.vector_selector)

    promql_parser.walk(expression, visit)
    return found


@pytest.mark.parametrize(
    ("seconds", "text"), [(1, "1s"), (60, "1m"), (90, "1m30s"), (86_400 * 30, "30d"), (90_061, "1d1h1m1s")]
)
def test_durations(seconds, text):
    assert duration(seconds) == text
    assert promql_parser.parse_duration(text).total_seconds() == seconds


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        ({"service.name": "companion"}, 'job="companion"'),
        ({"service.name": "companion", "service.namespace": "bots"}, 'job="bots/companion"'),
        ({"service.name": 'a"b\\'}, r'job="a\"b\\"'),
        ({}, None),
        ({"service.namespace": "bots"}, None),
    ],
)
def test_the_matcher_of_a_service(resource, expected):
    assert our_job(resource) == expected
