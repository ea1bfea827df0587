"""What admins are told of the demo's use is what its people did, and what its model counted."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from whisperwatch.ask import ask
from whisperwatch.demo.people import People
from whisperwatch.demo.stage import PRICE, Stage

LASTS_S = 12.0
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
