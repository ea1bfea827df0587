"""kill -9 in the middle of writing, 100 times: the file is whole, and what was said to be on the disk is there."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from whisperwatch.watcher.query.embedded.log_filters import trigrams

WRITER = Path(__file__).with_name("writer.py")
KILLS = 100


@pytest.mark.timeout(300)
def test_nothing_that_was_committed_is_lost(path: Path) -> None:
    chance = random.Random(5)
    said = 0
    for turn in range(KILLS):
        if turn % 10 == 0:  # each file is taken up again nine times
            path, said = path.with_name(f"store{turn // 10}.db"), 0
        last = _killed_after(path, chance.randrange(1, 12))
        said += last
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            # one more may have been committed, and the process killed before it could say so
            assert said <= _counted(connection) <= said + turn % 10 + 1
            newest, records, found = _logged(connection)
        assert newest in (f"number {last}", f"number {last + 1}")
        assert found == records
        assert said <= records <= said + turn % 10 + 1


def _counted(connection: sqlite3.Connection) -> int:
    tables = [
        "journal", *(name for (name,) in connection.execute("SELECT name FROM partitions WHERE family = 'points_raw'")),
    ]  # fmt: skip
    return sum(
        connection.execute(f"SELECT coalesce(sum(total), 0) FROM {table}").fetchone()[0] for table in tables
    )


def _logged(connection: sqlite3.Connection) -> tuple[str, int, int]:
    """The newest record's text, how many there are, and how many the index has."""
    (table,) = connection.execute("SELECT name FROM partitions WHERE family = 'logs'").fetchone()
    (newest,) = connection.execute(f"SELECT body FROM {table} ORDER BY id DESC LIMIT 1").fetchone()
    (records,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    (found,) = connection.execute(
        f"SELECT count(*) FROM {table}_text WHERE {table}_text MATCH ?", (trigrams("number"),)
    ).fetchone()
    return newest, records, found


def _killed_after(path: Path, lines: int) -> int:
    """The last number that the writer said was on the disk."""
    with subprocess.Popen([sys.executable, WRITER, path], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        last = 0
        for _ in range(lines):
            last = int(writer.stdout.readline())
        writer.kill()
        for line in writer.stdout:
            if line.endswith("\n"):
                last = int(line)
    return last
