from __future__ import annotations

import asyncio
import random

import pytest

from whisperwatch.demo import sayings, visitor
from whisperwatch.demo.loopback import LoopbackDiscord
from whisperwatch.demo.people import MOST, People
from whisperwatch.demo.truth import Truth
from whisperwatch.demo.visitor import Visitor


@pytest.fixture
def discord() -> LoopbackDiscord:
    return LoopbackDiscord(people=())


def visitor_of(discord: LoopbackDiscord, seed: str) -> Visitor:
    return Visitor(
        discord.user("ada"), discord, Truth(), random.Random(seed), list(discord.guild().channels.values())
    )


def test_names_are_as_many_as_can_come_and_short() -> None:
    assert len(set(sayings.NAMES)) == MOST == 24
    assert max(map(len, sayings.NAMES)) <= 6


async def test_the_same_seed_gives_the_same_plan(discord: LoopbackDiscord) -> None:
    def plan(seed: str) -> list[str]:
        who = visitor_of(discord, seed)
        return [who._something() for _ in range(20)]

    assert plan("7-ada") == plan("7-ada")
    assert plan("7-ada") != plan("8-ada")


async def test_what_is_not_answered_in_time_is_counted_not_raised(
    discord: LoopbackDiscord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visitor, "_PATIENCE_S", 0.0)
    who = visitor_of(discord, "1")
    await who.pings()
    assert (who.truth.unanswered, who.truth.deeds) == (1, 1)
    assert who.truth.commands == {("ping", "prefix", "ok"): 1}
    assert who.truth.recent[0].what == "!ping (no answer)"
    assert who.truth.recent[0].took is None


async def test_the_daily_star_is_refused_the_second_time(
    discord: LoopbackDiscord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visitor, "_PATIENCE_S", 0.0)
    who = visitor_of(discord, "1")
    await who.wants_daily()
    await who.wants_daily()
    assert who.truth.commands == {("daily", "prefix", "ok"): 1, ("daily", "prefix", "rate_limited"): 1}


async def test_an_error_of_a_user_is_an_error_of_the_demo(
    discord: LoopbackDiscord, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def breaks(self: Visitor) -> None:
        raise RuntimeError("the plan is wrong")

    monkeypatch.setattr(visitor, "ACTS", ((breaks, 1),))
    monkeypatch.setattr(visitor, "_SHORTEST_PAUSE_S", 0.0)
    people = People(discord, 2, pause_s=0.0001)
    await people.come()
    with pytest.raises(RuntimeError, match="the plan is wrong"):
        await asyncio.wait_for(people.failed(), 10)
    await people.vanish()


async def test_the_first_is_a_moderator_and_they_leave_when_asked(
    discord: LoopbackDiscord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visitor, "ACTS", ((Visitor.chats, 1),))
    monkeypatch.setattr(visitor, "_SHORTEST_PAUSE_S", 0.0)
    people = People(discord, 3, pause_s=0.001)
    await people.come()
    await discord.until(lambda: people.truth.deeds >= 5, timeout=10)
    await people.leave()
    assert discord.ledger.message_counts["people"] == people.truth.deeds
    roles = {m.account.name: [r.name for r in m.roles] for m in discord.guild().members.values()}
    assert roles["ada"] == ["admin"]
    assert roles["grace"] == []
