from __future__ import annotations

import asyncio
import dataclasses

import pytest

from whisperwatch.demo import faults
from whisperwatch.demo.backends.llm import LanguageModel, Temper
from whisperwatch.demo.loopback import LoopbackDiscord
from whisperwatch.demo.problem import DemoError


def test_names_are_chosen_by_commas() -> None:
    assert faults.chosen(" llm, 429,") == ("llm", "429")
    assert faults.chosen("") == ()
    with pytest.raises(DemoError, match="--faults quake: there is no such fault; there are llm, "):
        faults.chosen("llm,quake")


@pytest.mark.parametrize("name", ["llm", "slow-llm", "slow-rest", "rest-errors", "429"])
async def test_a_fault_is_on_while_it_lasts_and_off_when_cancelled(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faults, "_QUIET_S", 0)
    monkeypatch.setattr(faults, "_LASTS_S", 3600)
    discord, model, told = LoopbackDiscord(), LanguageModel(), asyncio.Queue[str]()
    playing = asyncio.create_task(faults.play([name], discord, model, told.put_nowait))
    assert await told.get() == f"fault: {faults.FAULTS[name][0]}"
    assert discord.faults.running or model.temper != Temper()
    playing.cancel()
    await asyncio.gather(playing, return_exceptions=True)
    assert not discord.faults.running
    assert dataclasses.asdict(model.temper) == dataclasses.asdict(Temper())
