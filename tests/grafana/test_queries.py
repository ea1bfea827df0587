"""From a panel's question to what Grafana asks."""

from __future__ import annotations

import pytest
from tools.dashboards.panels import Board, Panel
from tools.dashboards.queries import query

from whisperwatch.watcher.query.language import QuestionError

PLAIN = Board("one", "One", "About it.", ())
SHARDS = Board("one", "One", "About it.", (), narrowed=("shard",))
COMPONENTS = Board("one", "One", "About it.", (), narrowed=("component",))
OURS = 'job=~"$service", instance=~"$instance"'


@pytest.mark.parametrize(
    ("ask", "kind", "text", "unit"),
    [
        ("increase(bot.errors)", "stat", f"sum(increase(bot_errors_total{{{OURS}}}[$__range]))", "short"),
        ("increase(bot.errors)", "bars", f"sum(increase(bot_errors_total{{{OURS}}}[$__interval]))", "short"),
        ("rate(bot.errors)", "bars", f"60 * sum(rate(bot_errors_total{{{OURS}}}[$__rate_interval]))", "cpm"),
        (
            "rate(bot.llm.cost)", "bars", f"3600 * sum(rate(bot_llm_cost_total{{{OURS}}}[$__rate_interval]))",
            "currencyUSD",
        ),
        ("rate(system.disk.io)", "lines", f"sum(rate(system_disk_io_bytes_total{{{OURS}}}[$__rate_interval]))", "Bps"),
        ("max(discord.guilds)", "stat", f"max(max_over_time(discord_guilds{{{OURS}}}[$__rate_interval]))", "short"),
        ("last(discord.guilds)", "lines", f"sum(last_over_time(discord_guilds{{{OURS}}}[5m]))", "short"),
        (
            "increase(bot.cache.requests where bot.cache.result = hit) / increase(bot.cache.requests)", "stat",
            f'(sum(increase(bot_cache_requests_total{{{OURS}, bot_cache_result="hit"}}[$__range])) or 0 * '
            f"sum(increase(bot_cache_requests_total{{{OURS}}}[$__range]))) / "
            f"sum(increase(bot_cache_requests_total{{{OURS}}}[$__range]))", "percentunit",
        ),
        (
            "count logs where level >= error", "bars",
            'sum(count_over_time({service_name="$name"} | service_instance_id=~"$instance" | severity_number >= 17 '
            "| keep service_name [$__interval]))", "short",
        ),
        (
            "traces where error", "traces",
            '{ resource.service.name = "$name" && resource.service.instance.id =~ "$instance" } && { status = error }',
            "none",
        ),
    ],
)  # fmt: skip
def test_questions(ask, kind, text, unit):
    made = query(ask, kind, PLAIN)
    assert (made.text, made.unit) == (text, unit)


def test_exemplars_are_asked_for_where_a_message_was_timed():
    assert query("p95(discord.message.response.duration)", "lines", PLAIN).exemplars
    assert not query("p95(discord.message.response.duration)", "stat", PLAIN).exemplars
    assert not query("p95(bot.event_loop.lag)", "lines", PLAIN).exemplars


def test_what_has_a_shard_is_narrowed_by_it():
    assert 'discord_shard_id=~"$shard"' in query("last(discord.shard.guilds)", "lines", SHARDS).text
    assert "$shard" not in query("last(discord.guilds)", "lines", SHARDS).text


def test_a_ratio_of_what_has_one_and_what_has_none_is_refused():
    with pytest.raises(ValueError, match=r"can't be narrowed"):
        query("increase(bot.errors) / increase(discord.messages.handled)", "stat", COMPONENTS)


def test_logs_are_narrowed_by_component():
    text = query("logs where level >= error", "logs", COMPONENTS).text
    assert '| service_instance_id=~"$instance", bot_component=~"$component"' in text


def test_the_top_is_for_tables():
    with pytest.raises(ValueError, match="for tables alone"):
        query("top 5 increase(bot.errors) by bot.component", "lines", PLAIN)


def test_what_does_not_exist_is_refused():
    with pytest.raises(QuestionError, match=r"bot\.errors"):
        query("increase(bot.error)", "stat", PLAIN)


def test_a_row_is_as_wide_as_the_grid():
    one = Panel("P", "increase(bot.errors)", "Good: none.", "stat", width=7)
    assert [width for _, width in Board("b", "B", "", ((one, *[Panel("Q", "x", "")] * 1),)).placed()] == [
        7,
        17,
    ]
    with pytest.raises(ValueError, match="24 columns"):
        list(Board("b", "B", "", ((one, one),)).placed())
