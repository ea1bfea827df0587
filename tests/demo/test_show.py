"""A run from inside, with faults: everything agrees, and one false number doesn't."""

from __future__ import annotations

import asyncio
import io

import pytest
from rich.console import Console

from whisperwatch.demo import command, faults, show, visitor
from whisperwatch.demo.show import Options, Show
from whisperwatch.demo.stage import Stage

FAULTS = ("llm", "429", "reconnect", "rest-errors")
DEADLINE_S = 60.0


async def test_with_faults_the_numbers_agree_and_a_falsified_one_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(faults, "_QUIET_S", 0.5)
    monkeypatch.setattr(faults, "_LASTS_S", 1.5)
    monkeypatch.setattr(visitor, "_PATIENCE_S", 8.0)  # with talk that the model's failure leaves unanswered
    said: list[str] = []
    console = Console(file=io.StringIO(), width=120)
    async with Stage(said.append) as stage:
        performance = Show(stage, Options(for_s=DEADLINE_S, users=12, faults=FAULTS), console)
        async with asyncio.TaskGroup() as running:
            running.create_task(performance.run())
            running.create_task(leave_once_all_faults_were_met(stage, performance))
        rows = await performance.check()
        assert [row for row in rows if not row.ok] == []
        assert any("resumes" in row.item and row.did for row in rows)
        assert any("/messages 429" in row.item and row.did for row in rows)
        assert any("/messages 502" in row.item and row.did for row in rows)
        assert stage.truth.deeds > 5

        stage.truth.commands["ping", "prefix", "ok"] += 1
        monkeypatch.setattr(show, "_SETTLED_WITHIN_S", 2.0)
        wrong = [row for row in await performance.check() if not row.ok]
        assert [row.item for row in wrong] == ["command ping prefix ok"]
        assert wrong[0].did == wrong[0].recorded + 1
        assert await command._check(performance, console) == 1
    assert "1 of" in console.file.getvalue()  # type: ignore[attr-defined]
    assert any("PostgreSQL is up" in line for line in said)


async def leave_once_all_faults_were_met(stage: Stage, performance: Show) -> None:
    """The users leave when each fault has hit somebody; without that they stay until the time is over."""
    ledger = stage.discord.ledger
    deadline = asyncio.get_running_loop().time() + DEADLINE_S
    while asyncio.get_running_loop().time() < deadline:
        statuses = {
            status for (_, route, status), count in ledger.request_counts.items() if "messages" in route
        }
        if {429, 502} <= statuses and ledger.connected("resumed") and stage.model.ledger.failures:
            break
        await asyncio.sleep(0.1)
    performance.leaving.set()
