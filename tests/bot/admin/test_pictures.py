"""History and resources come with a picture, where it can be drawn; the text is there either way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from tests.watcher.insight.conftest import Bot, bot

from whisperwatch.bot.admin.desk import desk
from whisperwatch.demo.loopback import LoopbackDiscord
from whisperwatch.questions import slash_payload
from whisperwatch.watcher.answers import answers
from whisperwatch.watcher.answers.answers import Answers
from whisperwatch.watcher.answers.charts.artist import Artist
from whisperwatch.watcher.answers.charts.chart import unpacked
from whisperwatch.watcher.answers.charts.patience import Patience
from whisperwatch.watcher.answers.charts.process import ChartError
from whisperwatch.watcher.answers.page import Page
from whisperwatch.watcher.query.asking import Asking

from .conftest import told

__all__ = ["bot"]

Run = Callable[..., Any]
Ask = Callable[..., Any]


async def test_by_prefix_and_by_slash(run: Run, ask: Ask, make_bot: Any, server: LoopbackDiscord) -> None:
    server.core.application.register(server.guild("home").id, slash_payload())
    async with run(make_bot()):
        await ask("ada", "!ping")
        await told("performance", "█", view="resources", period="1m")
        await told("performance", "█", view="history", period="1m")
        await drawn()
        answer = await ask("owner", "!performance resources --period 1m")
        interaction = await server.user("owner").slash("watch performance", None, view="history", period="1m")
        await server.reply_to(interaction, timeout=15)
    (by_slash,) = interaction.replies
    for message in (answer, by_slash):
        names = [file["filename"] for file in message.attachments]
        image = message.embeds[0].get("image", {}).get("url")
        picture = (["chart.png"], "attachment://chart.png")
        assert (names, image) == (picture if Artist.available() else ([], None))


async def drawn() -> None:
    """Until a chart was drawn in time: a busy machine takes long for the first."""
    while Artist.available():
        if (await desk.ask("performance", {"view": "history", "period": "1m", "by": "7"}))["files"]:
            return


class TestWithoutAPicture:
    @pytest.fixture
    def asking(self, bot: Bot) -> Asking:
        for at, memory in ((1800, 1e8), (60, 2e8)):
            bot.level("process.memory.usage", memory)
            bot.at(at)
        return bot.asking

    async def tell(self) -> dict[str, Any]:
        return {}

    async def ask(self, asking: Asking, draw: Any, **more: Any) -> dict[str, Any]:
        asked = Answers(self.tell, asking=asking, draw=draw)
        return await asked.answer("performance", {"view": "resources", **more})

    async def test_where_there_is_no_matplotlib(self, asking: Asking) -> None:
        answer = await self.ask(asking, None, by="7")
        assert (answer["files"], answer["error"]) == ([], None)
        assert "image" not in answer["embeds"][0]

    async def test_one_that_fails_is_said(self, asking: Asking) -> None:
        async def fail(*_: Any) -> bytes:
            raise ChartError("The chart can't be drawn: its worker died.")

        answer = await self.ask(asking, fail, by="7")
        assert answer["files"] == []
        assert "The chart can't be drawn: its worker died." in answer["text"]
        assert "█" in answer["text"]

    async def test_one_of_nothing_is_not_drawn(self, bot: Bot) -> None:
        async def never(*_: Any) -> bytes:
            raise AssertionError

        assert (await self.ask(bot.asking, never, by="7"))["files"] == []

    async def test_one_that_takes_too_long_is_left_out_and_goes_on(
        self, asking: Asking, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """After a store that was slow there is less time; but the next finds a worker that has begun."""
        allowed, drawn = asyncio.Event(), asyncio.Event()

        async def slow(chart: Any) -> bytes:
            await allowed.wait()
            drawn.set()
            return b"png"

        monkeypatch.setattr(answers, "_WITH_PICTURE_S", 0.05)
        answer = await self.ask(asking, Patience(slow), by="7")
        assert answer["files"] == []
        assert "The chart took too long to draw. Ask again" in answer["text"]
        allowed.set()
        await asyncio.wait_for(drawn.wait(), 10)

    async def test_a_terminal_has_none_drawn(self, asking: Asking) -> None:
        async def never(*_: Any) -> bytes:
            raise AssertionError

        assert (await self.ask(asking, never))["files"] == []

    async def test_sketches_go_where_the_picture_is(self, asking: Asking) -> None:
        async def draw(*_: Any) -> bytes:
            return b"PNG"

        told = await self.ask(asking, draw, by="7")
        assert told["files"] == [("chart.png", b"PNG")]
        assert "█" not in told["text"] + str(told["embeds"])
        instead = told["instead"]
        assert instead["files"] == []
        assert "█" in instead["text"]
        assert "█" in str(instead["embeds"])
        assert "image" not in instead["embeds"][0]

    async def test_a_terminal_draws_itself(self, asking: Asking) -> None:
        told = await self.ask(asking, None, form="chart")
        assert unpacked(told["chart"]).panels[1].title == "Memory of the bot's process"
        assert "█" not in told["text"]
        assert "█" in (await self.ask(asking, None))["text"]

    async def test_a_page_further_on_has_none(self, asking: Asking) -> None:
        async def never(*_: Any) -> bytes:
            raise AssertionError

        assert (await self.ask(asking, never, by="7", page=2))["files"] == []


def test_a_page_holds_data_and_no_picture() -> None:
    assert Page("t").chart is None
