"""When the bot was started, in which version: told of by what the store has, and only where it is known."""

from __future__ import annotations

import pytest

from whisperwatch.watcher.insight import performance
from whisperwatch.watcher.insight.starts import Start, starts

from .conftest import HOUR, NOW, Bot


def ran(bot: Bot, version: str, began_ago_s: float, ended_ago_s: float) -> None:
    """A process that told of itself each ten minutes of its life."""
    ago_s = began_ago_s - 5
    while ago_s > ended_ago_s:
        bot.level("bot.start_time", NOW - began_ago_s, {"service.version": version})
        bot.at(ago_s)
        bot.gone("bot.start_time", {"service.version": version})
        ago_s -= 600


async def test_releases_and_restarts(bot: Bot) -> None:
    ran(bot, "1.4", 30 * HOUR, 20 * HOUR)
    ran(bot, "1.5", 20 * HOUR, 10 * HOUR)
    ran(bot, "1.5", 10 * HOUR, 5 * HOUR)
    ran(bot, "1.4", 5 * HOUR, 0)
    report = await performance.history(bot.asking, 24 * HOUR)
    assert report.starts == (
        Start(NOW - 20 * HOUR, "1.5", release=True),
        Start(NOW - 10 * HOUR, "1.5", release=False),
        Start(NOW - 5 * HOUR, "1.4", release=True),
    )


@pytest.mark.parametrize(
    ("points", "told"),
    [
        ({}, []),
        ({"unknown": (5.0, 5.0, 900.0)}, [(900.0, "", False)]),
        ({"1": (5.0, None, 5.0)}, []),
        ({"1": (None, 500.0)}, [(500.0, "1", True)]),
        # processes of one bot, one after the other; another that comes back is another start
        ({"1": (500.0, 560.0, 620.0, 900.0)}, [(500.0, "1", True), (900.0, "1", False)]),
        ({"unknown": (500.0,), "1": (900.0,)}, [(500.0, "", False), (900.0, "1", True)]),
        ({"1": (5.0, 900.0), "unknown": (500.0,)}, [(500.0, "", False), (900.0, "1", False)]),
    ],
)
def test_starts(points: dict[str, tuple[float | None, ...]], told: list[tuple[float, str, bool]]) -> None:
    assert [(one.at, one.version, one.release) for one in starts(points, 100.0)] == told
