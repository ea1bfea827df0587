"""What admins are told of the demo's use is what its people did, and what its model counted."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest

from whisperwatch.ask import ask
from whisperwatch.demo.people import People
from whisperwatch.demo.stage import PRICE, Stage

LASTS_S = 8.0
SETTLED_WITHIN_S = 30.0


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    """A demo whose people have come, done something and left."""
    said: list[str] = []
    async with Stage(said.append) as stage:
        people = People(stage.discord, 12, truth=stage.truth, pause_s=0.5)
        try:
            await people.come()
            await asyncio.sleep(LASTS_S)
            await people.leave()
        finally:
            await people.vanish()
        yield stage


async def told(stage: Stage, question: str, **arguments: Any) -> dict[str, Any]:
    """A report as JSON."""
    answer = await asyncio.to_thread(ask, question, {"form": "json", **arguments}, stage.state)
    assert answer["error"] is None
    return dict(json.loads(answer["text"]))


async def settled(stage: Stage, question: str, holds: Any) -> dict[str, Any]:
    """The report, once it tells of everything: what is recorded takes a moment to the store."""
    deadline = asyncio.get_running_loop().time() + SETTLED_WITHIN_S
    while True:
        report = await told(stage, question)
        if holds(report) or asyncio.get_running_loop().time() > deadline:
            return report
        await asyncio.sleep(0.3)


async def test_what_people_used_is_what_is_told(stage: Stage) -> None:
    await the_cost(stage)
    await the_places(stage)
    await the_people(stage)


async def the_cost(stage: Stage) -> None:
    counted = stage.model.ledger
    report = await settled(
        stage,
        "cost",
        lambda told: (
            told["whole"]["calls"]["value"] == counted.answered
            and sum(one["calls"]["value"] for one in told["features"]) == counted.answered
        ),
    )
    whole, (model,) = report["whole"], report["models"]
    assert counted.answered > 5
    assert (whole["calls"]["value"], model["name"]) == (counted.answered, "companion-8b")
    for found in (whole, model):
        assert found["input"]["value"] == counted.prompt_tokens
        assert found["output"]["value"] == counted.completion_tokens
    features = {one["name"]: one for one in report["features"]}
    assert features.keys() <= {"message", "ask"}
    assert sum(one["tokens"]["value"] for one in features.values()) == whole["tokens"]["value"]
    asked = sum(count for (name, _, _), count in stage.truth.commands.items() if name == "ask")
    assert features.get("ask", {"calls": {"value": 0}})["calls"]["value"] <= asked
    usd = (counted.prompt_tokens * PRICE["input"] + counted.completion_tokens * PRICE["output"]) / 1e6
    assert whole["money"]["value"] == pytest.approx(usd)
    assert report["budgets"]["tokens"]["limit"]["value"] == 1_000_000
    assert report["budgets"]["tokens"]["used"]["value"] == whole["tokens"]["value"]


async def the_places(stage: Stage) -> None:
    """Of each server and channel as many messages and interactions as the bot had to do with there."""
    ledger, truth, hashed = stage.discord.ledger, stage.truth, stage.hashed()
    ours = truth.talks | truth.command_messages.keys()
    where = [one.channel for one in ledger.messages if one.id in ours]
    where += [one.channel for one in ledger.interactions]
    guilds = Counter("" if one.guild is None else hashed(one.guild.id) for one in where)
    channels = Counter((hashed(one.guild.id), hashed(one.id)) for one in where if one.guild is not None)
    report = await settled(stage, "top", lambda told: told["together"]["messages"]["value"] == guilds.total())
    assert (report["whole"], report["all_failed"]) == (True, True)
    assert {one["guild"]: one["messages"]["value"] for one in report["guilds"]} == guilds
    told_channels = {(one["guild"], one["channel"]): one["messages"]["value"] for one in report["channels"]}
    assert len(told_channels) >= min(5, len(channels))
    assert told_channels.items() <= channels.items()
    assert max(told_channels.values()) == max(channels.values())
    counted = stage.model.ledger
    assert report["together"]["tokens"]["value"] == counted.prompt_tokens + counted.completion_tokens
    assert sum(one["tokens"]["value"] for one in report["guilds"]) == report["together"]["tokens"]["value"]
    failed = sum(count for (_, _, outcome), count in truth.commands.items() if outcome == "failure")
    assert report["together"]["failed"]["value"] == failed


async def the_people(stage: Stage) -> None:
    """Each who was answered, once; and their conversations, of which none has been silent for half an hour."""
    ledger = stage.discord.ledger
    answered = {one.author.id for one in ledger.messages if one.id in stage.truth.talks}
    answered |= {one.author.id for one in ledger.messages if one.id in stage.truth.command_messages}
    answered |= {one.user.id for one in ledger.interactions}
    report = await settled(
        stage, "engagement", lambda told: told["users"].get("day", {}).get("value") == len(answered)
    )
    assert report["users"]["day"]["value"] == report["users"]["month"]["value"] == len(answered)
    assert {window: users["value"] for window, users in report["before"].items()} == {"day": 0, "week": 0}
    assert report["retention"]["day"]["value"] is report["ended"]["value"] is None
    assert report["conversations"]["value"] >= len(answered)
