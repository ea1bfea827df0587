"""What a real bot did is in its watcher's store, whoever is killed in between."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from .conftest import Bot, health, until

Bots = Callable[..., Bot]


def test_a_count_is_whole_though_its_watcher_is_killed(bots: Bots, state: Path) -> None:
    """Three times, while it counts: each watcher gets all cells anew, and adds what the last one had not committed."""
    bot = bots()
    bot.sail()
    bot.do("emitting.set()")
    for turn in range(3):
        before = counted(state)
        until(lambda before=before: counted(state) > before + 50)
        os.kill(bot.do("welcomes[-1]['pid']"), signal.SIGKILL)
        assert bot.do(f"until(lambda: len(welcomes) == {turn + 2})")
    bot.do("emitting.clear()")
    time.sleep(0.01)  # what it is at
    recorded = bot.do("recorded")
    assert bot.do("ship.flush(10)")
    until(lambda: counted(state) >= recorded)
    assert counted(state) == recorded
    assert bot.do("ship.stop(10)")
    assert counted(state) == recorded


@pytest.mark.timeout(240)
def test_bot_and_watcher_are_killed_together_twenty_times(bots: Bots, state: Path) -> None:
    """The file is whole each time, and what is missing is the last moment."""
    missing = []
    for _ in range(20):
        bot = bots()
        watcher = bot.sail()["pid"]
        began = time.time()
        bot.do("emitting.set()")
        until(lambda began=began: newest(state) > began)
        killed = time.time()
        os.kill(watcher, signal.SIGKILL)
        bot.process.kill()
        bot.process.wait()
        with closing(sqlite3.connect(state / "store.db")) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        missing.append(killed - newest(state))
        bot.end()
    missing.sort()
    # a commit each second, and what the ship and the loop take on a busy machine: under 1.5 s on a quiet one
    assert missing[len(missing) // 2] < 3
    assert missing[-1] < 10


def test_answers_cover_all_processes_and_those_that_followed_on_them(bots: Bots, state: Path) -> None:
    """Two shards' processes, of which one is killed and started again: one watcher, two instances, one sum."""
    one, two = bots(), bots()
    first, second = one.sail()["instance"], two.sail()["instance"]
    one.do("record(7)")
    two.do("record(5)")
    assert one.do("ship.flush(10)")
    assert two.do("ship.flush(10)")
    until(lambda: counted(state) == 12)
    two.end()
    again = bots()
    assert again.sail()["instance"] == second
    again.do("record(3)")
    assert again.do("ship.flush(10)")
    until(lambda: counted(state) == 15)
    assert asked(state, "increase(discord.gateway.connects) over 1h") == {"": 15}
    by_instance = asked(state, "increase(discord.gateway.connects) by service.instance.id over 1h")
    assert by_instance == {first: 7, second: 8}


def test_health_says_how_the_store_is(bots: Bots, state: Path) -> None:
    url = bots().sail()["url"]
    (check,) = [check for check in health(url)["checks"] if check["check"] == "embedded store"]
    assert check["status"] == "healthy"
    assert "is kept" in check["text"]


def test_a_store_that_cannot_be_is_said_and_the_bot_goes_on(bots: Bots, state: Path) -> None:
    bot = bots(WHISPERWATCH_STORE_PATH="/proc/nowhere/store.db")
    url = bot.sail()["url"]
    (check,) = [check for check in health(url)["checks"] if check["check"] == "embedded store"]
    assert check["status"] == "degraded"
    assert "/proc/nowhere" in check["text"]
    bot.do("record(5)")
    assert bot.do("ship.flush(10)")


def test_switched_off_nothing_is_kept(bots: Bots, state: Path) -> None:
    bot = bots(WHISPERWATCH_STORE="off")
    url = bot.sail()["url"]
    assert "embedded store" not in [check["check"] for check in health(url)["checks"]]
    bot.do("record(5)")
    assert bot.do("ship.stop(10)")
    assert not (state / "store.db").exists()


def asked(state: Path, question: str) -> dict[str, float]:
    """What `whisperwatch query` answers in another process, by the group's only attribute."""
    command = [sys.executable, "-m", "whisperwatch", "query", "--json", "--state-dir", str(state), question]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return {
        "".join(one["group"].values()): sum(value for _, value in one["points"])
        for one in json.loads(done.stdout)["series"]
    }


def counted(state: Path) -> int:
    """What the store has of the bot's counter."""
    return int(
        ask(
            state,
            "SELECT coalesce(sum(total), 0) FROM journal JOIN series ON series.id = journal.series "
            "JOIN metrics ON metrics.id = metric WHERE name = 'discord.gateway.connects'",
            more="points_raw",
        )
    )


def newest(state: Path) -> float:
    """When the newest span in it ended, in unix seconds."""
    if not (state / "store.db").exists():
        return 0.0
    with closing(sqlite3.connect(state / "store.db", timeout=10)) as connection:
        try:
            tables = connection.execute("SELECT name FROM partitions WHERE family = 'traces'").fetchall()
        except sqlite3.OperationalError:
            return 0.0  # it is being made
        found = [connection.execute(f"SELECT max(end) FROM {name}").fetchone()[0] or 0 for (name,) in tables]
        return max(found, default=0) / 1e9


def ask(state: Path, sql: str, more: str) -> float:
    """A sum over the journal and what was rolled out of it."""
    if not (state / "store.db").exists():
        return 0.0
    with closing(sqlite3.connect(state / "store.db", timeout=10)) as connection:
        try:
            connection.execute("BEGIN")
            tables = connection.execute("SELECT name FROM partitions WHERE family = ?", (more,)).fetchall()
            names = ["journal", *(name for (name,) in tables)]
            return float(
                sum(connection.execute(sql.replace("journal", name)).fetchone()[0] for name in names)
            )
        except sqlite3.OperationalError:
            return 0.0
