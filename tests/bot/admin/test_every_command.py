"""Every command of the guide in each spelling, as everybody, with whatever people type.

It is answered within Discord's limits (the loopback Discord refuses what is over one), without an exception, and to
admins alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from whisperwatch.bot.admin.desk import desk
from whisperwatch.bot.admin.pace import Pace
from whisperwatch.demo.loopback import LoopbackDiscord
from whisperwatch.demo.loopback.messages import mentioned_ids
from whisperwatch.questions import GROUPS, QUESTIONS, slash_payload

Run = Callable[..., Any]
Ask = Callable[..., Any]

SPELLINGS = (
    "health", "health detailed", "performance", "performance summary", "performance response-times",
    "performance history --period 24h", "performance component llm", "performance component database",
    "performance component memory", "performance resources", "performance resources --period 7d", "engagement",
    "engagement --period 10y", "cache", "memory", "memory status", "logs --lines 100", "logs dashboard --lines 50",
    "logs component llm --level error", 'logs search "timeout" --since 1h',
    "logs export --format json --output /tmp/logs.json", "trace 4bf92f3577b34da6a3ce929d0e0e4736", "config monitoring",
    "config get ENABLE_WEB_DASHBOARD", "config set HEALTH_CHECK_INTERVAL 20", "config unset HEALTH_CHECK_INTERVAL",
    "cost", "cost --period 7d", "top", "watch", "watch health", "whisperwatch performance history --period 1h",
)  # fmt: skip
TYPED = (
    "performance component " + "x" * 1900, "performance --period soon", "performance --period", "performance history 5",
    "logs search " + "@everyone <@1> ```" * 20, "logs search \u202e\u0000\u0416\u4e2d\U0001f600", "logs --level loud",
    "logs --lines 0", "logs --lines 99999999999", "trace @here", "trace", "config set", "config get ``` @everyone",
    "config set HEALTH_CHECK_INTERVAL ```", 'logs search "', "health [](https://example.org) **x**",
)  # fmt: skip


@pytest.fixture(autouse=True)
def at_any_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk, "_pace", Pace(10_000))


@pytest.fixture
def admin_channel(server: LoopbackDiscord, monkeypatch: pytest.MonkeyPatch) -> Any:
    channel = next(one for one in server.guild("home").channels.values() if one.name == "general")
    monkeypatch.setenv("ADMIN_CHANNEL_IDS", str(channel.id))
    return channel


async def test_by_prefix(run: Run, ask: Ask, make_bot: Any, admin_channel: Any) -> None:
    bot = make_bot()
    async with run(bot):
        answers = {typed: await ask("owner", f"!{typed}", admin_channel) for typed in SPELLINGS}
    assert bot.errors == []
    for typed, answer in answers.items():
        title = answer.embeds[0]["title"]
        unknown = typed.startswith("logs dashboard")  # whose records there will be with the dashboard
        assert (title == "❔ No answer") is unknown, (typed, answer.embeds[0])
        assert title != "❔ Not understood", typed
        assert not list(mentioned_ids(answer.content)), typed


async def test_whatever_people_type(run: Run, ask: Ask, make_bot: Any, admin_channel: Any) -> None:
    bot = make_bot()
    async with run(bot):
        for typed in TYPED:
            answer = await ask("owner", f"!{typed}", admin_channel)
            text = str(answer.embeds[0])
            assert not list(mentioned_ids(answer.content)), typed
            assert "@everyone" not in text, typed
            assert "```" not in text.replace("\\`", "'"), typed
            assert "](https" not in text.replace("\\]", "'").replace("\\(", "'"), typed
    assert bot.errors == []


async def test_by_slash(run: Run, make_bot: Any, server: LoopbackDiscord) -> None:
    server.core.application.register(server.guild("home").id, slash_payload())
    needed = {"trace": {"id": "4bf92f3577b34da6a3ce929d0e0e4736"}}
    async with run(make_bot()):
        for question in QUESTIONS:
            for view in [option for option in question.options[:1] if option.choices] or [None]:
                for choice in view.choices if view is not None else (None,):
                    values = dict(needed.get(question.name, {}))
                    values |= {view.name: choice} if view is not None and choice is not None else {}
                    interaction = await server.user("owner").slash(
                        f"{GROUPS[0]} {question.name}", None, **values
                    )
                    await server.reply_to(interaction, timeout=15)
                    (answer,) = interaction.replies
                    assert answer.ephemeral
                    assert answer.embeds[0]["title"], (question.name, values)


async def test_others_get_what_an_unknown_command_gets(
    run: Run, make_bot: Any, server: LoopbackDiscord
) -> None:
    """A plain user, and who administers another guild."""
    bot = make_bot()
    elsewhere = next(iter(server.guild("elsewhere").channels.values()))
    async with run(bot):
        for name, where in (("ada", None), ("stranger", elsewhere)):
            for typed in SPELLINGS:
                await server.reply_to(await server.user(name).say(f"!{typed}", where), timeout=15)
    assert {kind for kind, _ in bot.errors} == {"CommandNotFound"}
    assert len(bot.errors) == 2 * len(SPELLINGS)
