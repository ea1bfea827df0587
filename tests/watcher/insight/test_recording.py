"""The recording rules: generated from questions, each of them tried by promtool's tests (tests/stack runs those)."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from whisperwatch.watcher.insight.recording import RULES, Rule, expression, page, recorded

PROJECT = Path(__file__).parents[3]


def test_the_file_is_yaml_with_every_rule() -> None:
    (group,) = yaml.safe_load(page())["groups"]
    told = [
        (rule["record"], rule["expr"], rule.get("labels", {}).get("component", "")) for rule in group["rules"]
    ]
    assert told == [(recorded(rule), expression(rule), rule.component) for rule in RULES]
    assert len({(name, component) for name, _, component in told}) == len(told) > 20


def test_each_is_of_every_bot() -> None:
    """Not of all together: each has `job` among what tells its groups apart, and in its name."""
    for rule in RULES:
        assert recorded(rule).startswith(("job:", "job_"))
        assert expression(rule).count("(job") == expression(rule).count("sum by")


def test_each_is_tried() -> None:
    tests = (PROJECT / "prometheus" / "tests" / "recording.yml").read_text(encoding="utf-8")
    assert [recorded(rule) for rule in RULES if f"{recorded(rule)}," not in tests] == []


def test_a_ratio() -> None:
    rule = Rule("bot_errors:ratio", "increase(bot.errors) / increase(discord.messages.handled)")
    assert recorded(rule) == "job:bot_errors:ratio_5m"
    assert expression(rule) == (
        "sum by (job) (increase(bot_errors_total[5m]))"
        " / sum by (job) (increase(discord_messages_handled_total[5m]))"
    )


def test_only_measures_and_ratios() -> None:
    with pytest.raises(ValueError, match="no measure or ratio"):
        expression(Rule("top", "top 5 increase(bot.errors) by bot.error.category"))
