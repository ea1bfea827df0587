"""Ticks are few, round, and in the units that people count in."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whisperwatch.watcher.answers.charts.scales import shown, spell, times, unit_words, values
from whisperwatch.watcher.answers.charts.texts import clean, spread

from .samples import AT, DAY, HOUR


@pytest.mark.parametrize(
    ("most", "unit", "texts"),
    [
        (4.98, "s", ["0 s", "2 s", "4 s"]),
        (0.48, "s", ["0 s", "200 ms", "400 ms"]),
        (500, "s", ["0 s", "5 min"]),
        (0.22, "1", ["0 %", "10 %", "20 %"]),
        (4.7e8, "By", ["0 B", "200 MB", "400 MB"]),
        (13_300, "By/s", ["0 B/s", "5 kB/s", "10 kB/s"]),
        (1, "{error}", ["0", "1"]),
        (14, "{error}", ["0", "5", "10"]),
        (0.4, "{message}/min", ["0", "0.2", "0.4"]),
        (0, "s", ["0 s", "1 s"]),
    ],
)
def test_values(most: float, unit: str, texts: list[str]) -> None:
    assert [tick.text for tick in values(0, most, unit, 3)] == texts


@given(
    st.floats(-1e12, 1e12),
    st.floats(1e-6, 1e12),
    st.sampled_from(["s", "By", "1", "{error}"]),
    st.integers(2, 4),
)
def test_values_are_few(least: float, over: float, unit: str, most_steps: int) -> None:
    ticks = values(least, least + over, unit, most_steps)
    assert 2 <= len(ticks) <= most_steps + 1
    steps = [after.at - before.at for before, after in pairwise(ticks)]
    assert steps == pytest.approx([steps[0]] * len(steps))


@pytest.mark.parametrize(
    ("start", "over", "texts"),
    [
        (AT, HOUR, ["22:15", "22:30", "22:45", "23:00"]),
        (AT, DAY, ["15 Nov", "06:00", "12:00", "18:00"]),
        (AT, 7 * DAY, ["15 Nov", "17 Nov", "19 Nov", "21 Nov"]),
        (AT, 2 * 365 * DAY, ["Mar 2024", "Sep 2024", "Mar 2025", "Sep 2025"]),
    ],
)
def test_times(start: float, over: float, texts: list[str]) -> None:
    assert [tick.text for tick in times(start, start + over)] == texts


def test_the_period_says_that_it_is_in_utc() -> None:
    assert spell(AT, AT + HOUR) == "14 Nov 22:13 to 23:13 UTC"
    assert spell(AT, AT + DAY) == "14 Nov 22:13 to 15 Nov 22:13 UTC"
    assert spell(AT, AT + 7 * DAY) == "14 Nov to 21 Nov UTC"
    assert spell(AT, AT + 90 * DAY) == "14 Nov 2023 to 12 Feb 2024 UTC"


def test_a_rate_says_its_unit_once() -> None:
    assert (shown(7.97, "{message}/min"), unit_words("{message}/min")) == ("7.97", "messages/min")
    assert (shown(0.34, "s"), unit_words("s"), unit_words("{error}"), unit_words("By/s")) == (
        "340 ms",
        "",
        "",
        "",
    )


def test_text_is_one_clean_line() -> None:
    assert clean("a\x1b[31m\n b\t$c$", 40) == "a [31m b $c$"
    assert clean("a" * 41, 40) == "a" * 39 + "…"


@given(st.lists(st.floats(0, 10), max_size=8))
def test_labels_keep_their_distance(wanted: list[float]) -> None:
    places = spread(wanted, 1, 0, 10)
    inner = sorted(places)
    assert all(-1e-6 <= place <= 10 + 1e-6 for place in places)
    assert all(after - before >= 1 - 1e-6 for before, after in pairwise(inner))
    assert [p for _, p in sorted(zip(wanted, places, strict=True))] == pytest.approx(inner)


def test_labels_stay_where_they_are_if_they_can() -> None:
    assert spread([3, 8, 5], 1, 0, 10) == [3, 8, 5]
    assert spread([5, 5], 1, 0, 10) == [4.5, 5.5]
    assert spread([0, 0, 0], 1, 0, 1) == [0, 0.5, 1]
    assert spread([], 1, 0, 10) == []
