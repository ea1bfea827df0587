"""From a period to times: rounded up to what is kept, clamped to what there is, and said."""

from __future__ import annotations

import pytest

from whisperwatch.watcher.query.language import Grid, Period, QuestionError
from whisperwatch.watcher.query.resolving import MOST_POINTS, Kept, grid, span

NOW = 1_800_000_007.0
SLOT = 1_800_000_015
KEPT = Kept(raw_s=6 * 3600, fine_s=7 * 86_400, metrics_s=30 * 86_400)


@pytest.mark.parametrize(
    ("period", "wanted"),
    [
        (Period(3600), Grid(SLOT, SLOT, 3600, 3600)),
        (Period(100), Grid(SLOT, SLOT, 105, 105)),
        (Period(600, every_s=60), Grid(SLOT - 540, SLOT, 60, 60)),
        (Period(600, every_s=60, window_s=300), Grid(SLOT - 540, SLOT, 60, 300)),
        (Period(86_400), Grid(1_800_000_300, 1_800_000_300, 86_400, 86_400)),
        (Period(86_400, every_s=3600), Grid(1_800_000_300 - 23 * 3600, 1_800_000_300, 3600, 3600)),
        (Period(7 * 86_400 - 400, every_s=7200), Grid(1_800_003_600 - 82 * 7200, 1_800_003_600, 7200, 7200)),
        (Period(20 * 86_400), Grid(1_800_003_600, 1_800_003_600, 20 * 86_400, 20 * 86_400)),
        (Period(3600, until=NOW - 3600), Grid(SLOT - 3600, SLOT - 3600, 3600, 3600)),
        (Period(3600, until=NOW - 86_400), Grid(1_800_000_300 - 86_400, 1_800_000_300 - 86_400, 3600, 3600)),
    ],
)  # fmt: skip
def test_times_end_where_what_is_newest_is_in_them(period: Period, wanted: Grid) -> None:
    assert grid(period, NOW, KEPT) == (wanted, ())


def test_the_newest_sample_is_not_looked_for_in_the_future() -> None:
    assert grid(Period(20 * 86_400), NOW, KEPT, newest=True)[0].last == SLOT
    assert grid(Period(86_400, every_s=3600), NOW, KEPT, newest=True)[0].last == 1_800_000_000
    assert grid(Period(3600, until=NOW - 86_400), NOW, KEPT, newest=True)[0].last == 1_800_000_000 - 86_400


@pytest.mark.parametrize(
    ("period", "note"),
    [
        (Period(3600, until=NOW + 60), "the end lies in the future: it was asked until now"),
        (Period(40 * 86_400), "metrics are kept for 30d: it was asked from"),
        (Period(600, every_s=20), "what is recorded has steps of 15 s: points are 30s apart"),
        (Period(86_400, every_s=60), "so long ago only every 5m is kept: points are 5m apart"),
        (Period(6 * 86_400, every_s=15), "an answer has at most 11,000 points"),
    ],
)
def test_what_is_changed_is_said(period: Period, note: str) -> None:
    if "11,000" in note:
        found, notes = grid(period, NOW, Kept(raw_s=30 * 86_400))
        assert len(found) <= MOST_POINTS
    else:
        found, notes = grid(period, NOW, KEPT)
    assert len(notes) == 1
    assert note in notes[0]
    assert found.start >= NOW - 30 * 86_400 - 3600


@pytest.mark.parametrize("over", [0.0, -5.0])
def test_a_period_of_nothing(over: float) -> None:
    with pytest.raises(QuestionError, match="looks back over more than nothing"):
        span(Period(over), NOW, 1e6, "logs")


def test_a_period_of_which_nothing_is_left() -> None:
    with pytest.raises(QuestionError, match="logs are kept for 1d: nothing is left of the time before"):
        span(Period(3600, until=NOW - 2 * 86_400), NOW, 86_400, "logs")
