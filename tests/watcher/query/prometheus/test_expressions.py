"""Whole expressions as PromQL, for the documentation and panels."""

from __future__ import annotations

import promql_parser
import pytest

from whisperwatch import semconv
from whisperwatch.watcher.query.catalogue import DECLARED
from whisperwatch.watcher.query.language import Match, Measure, Ratio, Top
from whisperwatch.watcher.query.prometheus.expressions import promql

COMMANDS = Measure("increase", semconv.COMMAND_DURATION.name)
FAILED = Measure("increase", semconv.COMMAND_DURATION.name, (Match(semconv.OUTCOME, ("failure",)),))
BY_COMMAND = Measure("increase", semconv.COMMAND_DURATION.name, (), (semconv.COMMAND,))
AVERAGE = Measure("avg", semconv.COMMAND_DURATION.name)
SUM = "discord_command_duration_seconds_sum"
COUNT = "discord_command_duration_seconds_count"
OUTCOME = '{outcome="failure"}'


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (COMMANDS, f"sum(increase({COUNT}[5m]))"),
        (Ratio(FAILED, COMMANDS), f"sum(increase({COUNT}{OUTCOME}[5m])) / sum(increase({COUNT}[5m]))"),
        (
            Ratio(BY_COMMAND, COMMANDS),
            f"sum by (discord_command_name) (increase({COUNT}[5m])) / on () group_left() "
            f"sum(increase({COUNT}[5m]))",
        ),
        (
            Ratio(AVERAGE, AVERAGE),
            f"(sum(rate({SUM}[5m])) / sum(rate({COUNT}[5m]))) / (sum(rate({SUM}[5m])) / sum(rate({COUNT}[5m])))",
        ),
        (Top(3, BY_COMMAND), f"topk(3, sum by (discord_command_name) (increase({COUNT}[5m])))"),
    ],
)
def test_expressions(expression, expected):
    told = promql(expression, DECLARED, 300)
    assert told == expected
    promql_parser.parse(told)


def test_the_matcher_of_our_series_is_everywhere():
    told = promql(Top(3, Ratio(FAILED, COMMANDS)), DECLARED, 300, 'job="companion"')
    assert told.count('{job="companion"') == 2
