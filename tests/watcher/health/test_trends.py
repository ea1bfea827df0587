from __future__ import annotations

from typing import Any

import pytest

from whisperwatch.watcher.health.trends import SAMPLE_S, WINDOW_S, Recent, Trends, quantile

START = 1_700_000_000.0


@pytest.fixture
def bot(figures: Any) -> Any:
    return figures(START)


@pytest.fixture
def trends(bot: Any) -> Trends:
    return Trends(lambda: [bot], ["calls", "requests", "cpu"])


def test_what_grew_since_the_begin_of_the_window(bot: Any, trends: Trends) -> None:
    now = START
    for _ in range(60):
        bot.count("requests", 10)
        trends.sample(now)
        now += SAMPLE_S
    (one,) = trends.recent("requests", now)
    assert one.count == pytest.approx(10 * WINDOW_S / SAMPLE_S, abs=10)
    (lately,) = trends.recent("requests", now, seconds=30)
    assert lately.count == pytest.approx(20, abs=10)


def test_samples_are_bounded(bot: Any, trends: Trends) -> None:
    for number in range(10_000):
        trends.sample(START + number * SAMPLE_S)
    assert len(trends._samples) == WINDOW_S / SAMPLE_S + 1
    for number in range(5_000):
        bot.count("requests", 1, n=number)
    trends.sample(START + 10_001 * SAMPLE_S)
    assert len(trends._samples[-1][1]) < 5_001


def test_none_is_taken_too_soon_and_one_is_after_the_clock_was_set_back(trends: Trends) -> None:
    for now in (START, START + 1, START + 2):
        trends.sample(now)
    assert len(trends._samples) == 1
    trends.sample(START - 3600)
    assert len(trends._samples) == 2


def test_what_a_bot_did_before_we_came_is_not_of_the_last_minutes(bot: Any) -> None:
    bot.count("requests", 1_000_000)
    trends = Trends(lambda: [bot], ["requests"])
    assert trends.recent("requests", START + 10_000) == []
    trends.sample(START + 10_000)
    bot.count("requests", 5)
    assert [one.count for one in trends.recent("requests", START + 10_001)] == [5]


def test_a_new_cell_began_at_nothing(bot: Any, trends: Trends) -> None:
    trends.sample(START - 100)
    bot.count("requests", 7)
    assert [one.count for one in trends.recent("requests", START + 1)] == [7]


def test_all_that_a_bot_did_since_it_started_is_of_the_last_minutes(bot: Any, trends: Trends) -> None:
    bot.record("calls", 0.3, times=10)
    assert [one.count for one in trends.recent("calls", START + 1)] == [10]
    trends.sample(START + 5)
    assert [one.count for one in trends.recent("calls", START + 30)] == [10]
    bot.record("calls", 0.3, times=10)
    assert [one.count for one in trends.recent("calls", START + WINDOW_S)] == [20]
    assert [one.count for one in trends.recent("calls", START + 60, seconds=40)] == [10]


def test_a_histogram(bot: Any, trends: Trends) -> None:
    bot.record("calls", 0.3, times=10)
    trends.sample(START + 1000)
    bot.record("calls", 5.0, times=4)
    (one,) = trends.recent("calls", START + 1060)
    assert (one.count, one.total) == (4, pytest.approx(20.0))
    assert one.buckets == (0, 0, 0, 4, 0, 0)


def test_a_gauge_and_its_average(bot: Any, trends: Trends) -> None:
    assert trends.average("cpu") is None
    for n, value in enumerate((0.2, 0.4, 0.9)):
        bot.set("cpu", value)
        trends.sample(START + n * SAMPLE_S)
    assert trends.average("cpu") == (pytest.approx(0.5), 2 * SAMPLE_S)
    assert trends.latest("cpu") == [({}, 0.9)]
    assert trends.latest("nothing") == []


def test_seen(bot: Any, trends: Trends) -> None:
    assert trends.seen("requests") == []
    bot.count("requests", 0, kind="a")
    assert trends.seen("requests") == [{"kind": "a"}]


@pytest.mark.parametrize(("q", "expected"), [(0.0, 0.0), (0.5, 0.1), (0.75, 0.3), (1.0, 0.5)])
def test_quantiles_within_a_bucket_are_on_a_line(q: float, expected: float) -> None:
    recents = [Recent({}, 20, 0.0, (10, 10, 0), (0.1, 0.5))]
    assert quantile(recents, q) == pytest.approx(expected)


def test_the_quantile_of_nothing_or_of_what_is_above_all_bounds() -> None:
    assert quantile([], 0.5) is None
    assert quantile([Recent({}, 3)], 0.5) is None
    assert quantile([Recent({}, 3, 0.0, (0, 0, 3), (0.1, 0.5))], 0.5) == 0.5
