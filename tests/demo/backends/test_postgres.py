from __future__ import annotations

import os
from pathlib import Path

import asyncpg
import psutil
import pytest

from whisperwatch.demo.backends import postgres
from whisperwatch.demo.backends.postgres import Postgres
from whisperwatch.demo.home import Home
from whisperwatch.demo.problem import DemoError


async def test_it_keeps_rows_and_leaves_nothing_behind(home: Home) -> None:
    server = Postgres(home)
    await server.start()
    connection = await asyncpg.connect(server.environment()["DATABASE_URL"])
    pid = await connection.fetchval("SELECT pg_backend_pid()")
    postmaster = psutil.Process(pid).parent()
    assert postmaster is not None
    await connection.execute("CREATE TABLE said (id serial, text text)")
    await connection.execute("INSERT INTO said (text) VALUES ($1)", "hello")
    assert await connection.fetchval("SELECT text FROM said") == "hello"
    await connection.close()
    await server.stop()
    assert not postmaster.is_running()
    assert not (home.path / "postgres").exists()


async def test_two_at_once_are_apart(home: Home) -> None:
    async with Home() as other_home:
        one, other = Postgres(home), Postgres(other_home)
        await one.start()
        await other.start()
        assert one.dsn != other.dsn
        await other.stop()
        connection = await asyncpg.connect(one.dsn)
        assert await connection.fetchval("SELECT 1") == 1
        await connection.close()
        await one.stop()


async def test_as_root_it_runs_from_a_copy_of_a_wheel_that_nobody_else_can_reach(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "_reachable", lambda path: False)
    server = Postgres(home)
    await server.start()
    connection = await asyncpg.connect(server.dsn)
    backend = psutil.Process(await connection.fetchval("SELECT pg_backend_pid()"))
    assert Path(backend.exe()).is_relative_to(home.path) == (os.geteuid() == 0)
    assert backend.username() != "root"
    await connection.close()
    await server.stop()


async def test_a_failure_says_why(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(postgres._SETTINGS, "max_connections", "many")
    with pytest.raises(DemoError, match=r"max_connections"):
        await Postgres(home).start()
