"""A run from inside: what agrees, and that one false number doesn't."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from whisperwatch.demo import command, show
from whisperwatch.demo.show import Options, Show
from whisperwatch.demo.stage import Stage


async def test_a_falsified_ledger_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    console = Console(file=io.StringIO(), width=120)
    async with Stage(said.append) as stage:
        performance = Show(stage, Options(for_s=5.0, users=6), console)
        await performance.run()
        rows = await performance.check()
        assert [row for row in rows if not row.ok] == []
        assert stage.truth.deeds > 5

        stage.truth.commands["ping", "prefix", "ok"] += 1
        monkeypatch.setattr(show, "_SETTLED_WITHIN_S", 3.0)
        wrong = [row for row in await performance.check() if not row.ok]
        assert [row.item for row in wrong] == ["command ping prefix ok"]
        assert wrong[0].did == wrong[0].recorded + 1
        assert await command._check(performance, console) == 1
    assert "1 of" in console.file.getvalue()  # type: ignore[attr-defined]
    assert any("PostgreSQL is up" in line for line in said)
