"""What models are called for: the feature that the bot's code names, the command, the event, the task."""

from __future__ import annotations

import asyncio
from typing import Any

from discord.ext import commands, tasks

import whisperwatch
from whisperwatch import semconv
from whisperwatch.demo.backends.llm import MODEL
from whisperwatch.demo.loopback import LoopbackDiscord

BOT = "loopback-bot"


async def test_calls_are_told_apart_by_what_they_are_for(
    server: LoopbackDiscord,
    run: Any,
    make_bot: Any,
    settle: Any,
    client: Any,
    model: Any,
    measured: Any,
) -> None:
    bot = make_bot()
    used: dict[str, tuple[int, int]] = {}

    async def call(name: str, text: str) -> None:
        asked, answered = model.ledger.prompt_tokens, model.ledger.completion_tokens
        await client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": text}])
        before = used.get(name, (0, 0))
        used[name] = (
            before[0] + model.ledger.prompt_tokens - asked,
            before[1] + model.ledger.completion_tokens - answered,
        )

    @bot.command()
    async def ask(ctx: commands.Context[Any]) -> None:
        await call("ask", "what is it that you like best")
        whisperwatch.feature("pictures")
        await call("pictures", "draw it")
        await asyncio.create_task(call("pictures", "and frame it, please"))

    @bot.listen()
    async def on_message(message: Any) -> None:
        if message.content == "hello":
            await call("message", "somebody says hello to you")

    @tasks.loop(count=1)
    async def dream() -> None:
        await call(f"task {dream.coro.__qualname__}", "dream")

    async with run(server, bot):
        for text in ("!ask", "hello"):
            await server.user("ada").say(text)
            await settle(server, bot)
        await dream.start()
        await call("none", "nobody asks")
    assert measured(semconv.LLM_CALLS) == {
        (BOT, "openai", MODEL, name): 2 if name == "pictures" else 1 for name in used
    }
    assert len(used) == 5
    assert measured(semconv.LLM_USED_TOKENS) == {
        (BOT, "openai", MODEL, name, kind): tokens
        for name, both in used.items()
        for kind, tokens in zip(("input", "output"), both, strict=True)
    }


async def test_calls_and_jobs_of_two_bots_stay_apart(
    run: Any, make_bot: Any, settle: Any, client: Any, model: Any, measured: Any
) -> None:
    def asking() -> Any:
        bot = make_bot()

        @bot.command()
        async def ask(ctx: commands.Context[Any]) -> None:
            async with whisperwatch.job("think"):
                await client.chat.completions.create(
                    model=MODEL, messages=[{"role": "user", "content": "so?"}]
                )

        return bot

    async with LoopbackDiscord() as one, LoopbackDiscord() as two:
        two.bot.name = "other-bot"
        first, second = asking(), asking()
        async with run(one, first), run(two, second):
            for server, bot, times in ((one, first, 1), (two, second, 2)):
                for _ in range(times):
                    await server.user("ada").say("!ask")
                    await settle(server, bot)
    assert measured(semconv.LLM_CALLS) == {
        (BOT, "openai", MODEL, "job think"): 1,
        ("other-bot", "openai", MODEL, "job think"): 2,
    }
    assert measured(semconv.JOB_DURATION) == {(BOT, "think", "ok"): 1, ("other-bot", "think", "ok"): 2}
