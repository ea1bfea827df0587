"""Every report of any period: a page that fits, whatever little was recorded."""

from __future__ import annotations

import pytest

from whisperwatch.watcher.answers import embeds, terminal
from whisperwatch.watcher.answers.reports import Reports
from whisperwatch.watcher.insight.reports import REPORTS

from .conftest import Bot


@pytest.mark.parametrize("over_s", [60, 61, 299, 300, 301, 3600, 86_400, 1e9])
@pytest.mark.parametrize("name", REPORTS)
async def test_a_report(bot: Bot, name: str, over_s: float) -> None:
    for minute in range(30):
        bot.measure("discord.message.response.duration", 0.1, 0.2)
        bot.level("process.memory.usage", 1e8 + minute * 1e5)
        bot.level("system.filesystem.utilization", 0.5, {"system.filesystem.mountpoint": "/"})
        bot.at(1800 - minute * 60)
    page = await Reports(bot.asking).page(name, over_s, next(iter(REPORTS[name].of), ""))
    assert terminal.text(page)
    assert embeds.embeds(page)
