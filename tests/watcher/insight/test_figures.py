"""A figure says what it was, and nothing is made of what isn't known."""

from __future__ import annotations

from pathlib import Path

import pytest

from whisperwatch.watcher.insight.figures import Figure, ask
from whisperwatch.watcher.query.asking import Asking, Engines
from whisperwatch.watcher.query.embedded.metrics import EmbeddedMetrics
from whisperwatch.watcher.query.language import QuestionError
from whisperwatch.watcher.store.reading import Readers

from .conftest import HOUR, NOW, Bot


@pytest.mark.parametrize(
    ("figure", "change"),
    [
        (Figure(3.0, "1", 2.0), 0.5),
        (Figure(3.0, "1", 0.0), None),
        (Figure(3.0), None),
        (Figure(None, "1", 2.0), None),
        (Figure(0.0, "1", 2.0), -1.0),
    ],
)
def test_the_change(figure: Figure, change: float | None) -> None:
    assert figure.change == change


def test_sums_and_shares() -> None:
    assert Figure(1.0, "s", 2.0) + Figure(None, "s", 3.0) == Figure(1.0, "s", 5.0)
    assert (Figure() + Figure()).value is None
    assert Figure() + Figure(7.0, "{request}") == Figure(7.0, "{request}"), "seven look-ups are no 700 %"
    assert Figure(1.0, "{error}", 2.0).over(Figure(4.0, "{message}")) == Figure(0.25, "1", None)
    assert Figure(None).over(Figure(4.0)).value == 0.0
    assert Figure(1.0).over(Figure(0.0)).value is None


async def test_against_the_period_before(bot: Bot) -> None:
    bot.count("bot.errors", 4, {"bot.component": "llm"})
    bot.at(HOUR + 600)
    bot.count("bot.errors", 6, {"bot.component": "llm"})
    bot.at(600)
    found = await ask(bot.asking, {"errors": "increase(bot.errors)", "none": "p95(bot.job.duration)"}, HOUR)
    assert found.figure("errors") == Figure(6.0, "{error}", 4.0)
    assert found.figure("none") == Figure(None, "s")
    assert (found.basis.end, found.basis.over_s, found.basis.store) == (NOW, HOUR, "embedded")
    assert found.basis.missing == ()


async def test_a_trend_has_a_place_for_every_step(bot: Bot) -> None:
    bot.count("bot.errors", 4)
    bot.at(2000)
    bot.count("bot.errors", 1)
    bot.at(100)
    found = await ask(bot.asking, {"errors": "increase(bot.errors)"}, HOUR, 900)
    trend = found.trend("errors")
    assert len(trend) == 4
    assert trend[0] is None
    assert [trend[1], trend[3]] == [4.0, 1.0]


async def test_what_a_store_can_not_say_is_missing(tmp_path: Path) -> None:
    readers = Readers(tmp_path / "nowhere.db")
    asking = Asking(Engines(EmbeddedMetrics(readers)), now=lambda: NOW)
    found = await ask(asking, {"errors": "increase(bot.errors)", "uses": "increase(bot.feature.uses)"}, HOUR)
    readers.close()
    assert found.figure("errors").value is None
    assert len(found.basis.missing) == 1


async def test_where_nobody_keeps_metrics() -> None:
    with pytest.raises(QuestionError, match="nobody keeps metrics here"):
        await ask(Asking(Engines()), {"errors": "increase(bot.errors)"}, HOUR)
