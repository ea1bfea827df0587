"""Where the bot is used most, of messages whose places are known."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from whisperwatch.watcher.insight import place_traces
from whisperwatch.watcher.insight.places import Place, places
from whisperwatch.watcher.query.asking import Asking, Engines
from whisperwatch.watcher.query.embedded.metrics import EmbeddedMetrics

from .conftest import HOUR, NOW, Bot

HARBOUR, ATTIC, CELLAR = "1" * 16, "2" * 16, "3" * 16
GENERAL, STORIES = "a" * 16, "b" * 16
MODEL = {"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 90, "gen_ai.usage.output_tokens": 10}


def message(
    bot: Bot, number: int, guild: str = "", channel: str = GENERAL, *, llm: bool = False, **more: Any
) -> None:
    about = {"discord.channel.id": channel, **({"discord.guild.id": guild} if guild else {})}
    spans = [("chat small", 0.5, 1.5, MODEL)] if llm else []
    more.setdefault("ago_s", 60.0 + number)
    bot.trace(number, more.pop("ago_s"), *spans, about=about, **more)


def values(place: Place) -> tuple[Any, ...]:
    figures = (place.messages, place.seconds, place.failed, place.tokens)
    return place.guild, place.channel, *(figure.value for figure in figures)


def befores(place: Place) -> tuple[Any, ...]:
    return tuple(figure.before for figure in (place.messages, place.seconds, place.failed, place.tokens))


async def test_by_messages_failures_and_tokens(bot: Bot) -> None:
    for number in range(6):
        message(
            bot,
            1 + number,
            HARBOUR,
            GENERAL if number else STORIES,
            root="interaction" if number else "message",
        )
    for number in range(3):
        message(bot, 20 + number, ATTIC, llm=True, took_s=4.0)
    message(bot, 30, CELLAR, failed=True)
    for number in range(2):
        message(bot, 40 + number, channel=STORIES if number else GENERAL)
    message(bot, 50, HARBOUR, root="task digest", llm=True)
    bot.count("discord.messages.handled", 12)
    bot.at(30)
    report = await places(bot.asking, HOUR)
    assert values(report.together) == ("", "", 12, pytest.approx(9 * 2.0 + 3 * 4.0), 1, 300)
    assert (report.whole, report.all_failed, report.handled.value) == (True, True, 12)
    assert [values(one) for one in report.guilds] == [
        (HARBOUR, "", 6, pytest.approx(12.0), 0, 0), (ATTIC, "", 3, pytest.approx(12.0), 0, 300),
        ("", "", 2, pytest.approx(4.0), 0, 0), (CELLAR, "", 1, pytest.approx(2.0), 1, 0),
    ]  # fmt: skip
    assert [(one.guild, one.channel, one.messages.value) for one in report.channels] == [
        (HARBOUR, GENERAL, 5), (ATTIC, GENERAL, 3), (HARBOUR, STORIES, 1), (CELLAR, GENERAL, 1),
    ]  # fmt: skip
    assert (report.basis.store, report.basis.missing, report.basis.notes) == ("embedded", (), ())


async def test_a_sample_has_of_each_time_what_it_had(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three quarters of all messages are the attic's, in a quarter of the time; so they are of the sample."""
    monkeypatch.setitem(place_traces._AT_ONCE, "embedded", 40)
    for number in range(25):
        message(bot, 1 + number, HARBOUR, ago_s=HOUR - 60 - number)
    bot.count("discord.messages.handled", 25)
    bot.at(HOUR - 60)
    for number in range(75):
        message(bot, 100 + number, ATTIC, ago_s=60.0 + number)
    bot.count("discord.messages.handled", 75)
    bot.at(60)
    message(bot, 300, CELLAR, failed=True, ago_s=HOUR - 300)
    report = await places(bot.asking, HOUR)
    assert report.handled.value == 100
    assert not report.whole
    shares = Counter({one.guild: one.messages.over(report.together.messages).value for one in report.guilds})
    assert shares[ATTIC] == pytest.approx(0.75, abs=0.05)
    (cellar,) = (one for one in report.guilds if one.guild == CELLAR)
    assert cellar.failed.value == 1  # the failed are looked for by themselves


async def test_what_failed_long_ago_is_kept_and_counts(bot: Bot) -> None:
    message(bot, 1, HARBOUR, failed=True, ago_s=48 * HOUR)
    message(bot, 2, ATTIC)
    report = await places(bot.asking, 72 * HOUR)
    assert {one.guild: (one.messages.value, one.failed.value) for one in report.guilds} == {
        HARBOUR: (0, 1),
        ATTIC: (1, 0),
    }
    assert not report.whole
    assert report.basis.notes == (
        "of traces older than 1d only the slow and the failed are kept: it was looked into the last 1d",
    )


async def test_beside_the_period_before(bot: Bot) -> None:
    for number in range(4):
        message(bot, 1 + number, HARBOUR, ago_s=HOUR + 600 + number, took_s=4.0, llm=True)
    message(bot, 10, HARBOUR, ago_s=HOUR + 700, failed=True)
    message(bot, 20, HARBOUR, llm=True)
    message(bot, 21, ATTIC, failed=True)
    report = await places(bot.asking, HOUR)
    harbour, attic = sorted(report.guilds, key=lambda one: one.guild)
    assert values(harbour) == (HARBOUR, "", 1, pytest.approx(2.0), 0, 100)
    assert befores(harbour) == (5, pytest.approx(4 * 4.0 + 2.0), 1, 400)
    assert harbour.seconds_each.before == pytest.approx(18 / 5)
    assert befores(attic) == (0, 0, 0, 0)
    assert befores(report.together) == befores(harbour)
    assert harbour.messages.change == pytest.approx(-0.8)


async def test_of_what_is_kept_no_longer_only_the_failed_are_compared(bot: Bot) -> None:
    message(bot, 1, HARBOUR)
    message(bot, 2, HARBOUR, failed=True, ago_s=20 * HOUR)
    message(bot, 3, HARBOUR, ago_s=20 * HOUR)
    (harbour,) = (await places(bot.asking, 13 * HOUR)).guilds
    assert befores(harbour) == (None, None, 1, None)


async def test_samples_that_differ_by_chance_are_not_compared(
    bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(place_traces._AT_ONCE, "embedded", 80)
    shares = {HARBOUR: (70, 10), ATTIC: (50, 50)}  # now, and before
    for number, (guild, counts) in enumerate(shares.items()):
        for period, count in enumerate(counts):
            for one in range(count):
                ago_s = period * HOUR + 60 + one * 45 + number
                message(bot, 1000 * number + 100 * period + one, guild, ago_s=ago_s)
    for period in (1, 0):
        bot.count("discord.messages.handled", sum(counts[period] for counts in shares.values()))
        bot.at(period * HOUR + 60)
    report = await places(bot.asking, HOUR)
    assert not report.whole
    befores = {one.guild: one.messages.before for one in report.guilds}
    assert befores[ATTIC] is None
    harbour = next(one for one in report.guilds if one.guild == HARBOUR)
    assert harbour.messages.change is not None
    assert harbour.messages.change > 2


async def test_nothing_happened(bot: Bot) -> None:
    report = await places(bot.asking, HOUR)
    assert (report.guilds, report.channels, values(report.together)) == ((), (), ("", "", 0, 0, 0, 0))


async def test_without_traces_it_is_said(bot: Bot) -> None:
    asking = Asking(Engines(EmbeddedMetrics(bot.readers)), now=lambda: NOW)
    report = await places(asking, HOUR)
    assert report.guilds == ()
    assert report.basis.missing == ("nobody keeps traces here, and only they tell servers apart",)
