"""`LOG_FILE`: ECS, redacted, rotated, and never the reason why anything fails."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest
import time_machine
import yaml

from whisperwatch.watcher.pipeline.log_file import LogFile
from whisperwatch.watcher.pipeline.redaction import Redaction
from whisperwatch.watcher.records import Records

OFFSET = 1_700_000_000_000_000_000
STREAM = Records(
    {"service.name": "bot", "service.version": "1", "host.name": "h", "deployment.environment.name": "prod"}
)
FILEBEAT = Path(__file__).parents[3] / "filebeat" / "filebeat.yml"
LOG = (
    1_234_567, 17, "ERROR", "asyncpg.pool", "no more", {"user": 5, "password": "x", "discord.user.id": 7},
    0xABC, 0xDEF, 1, ("a.py", 3, "look"), ("OSError", "gone", (("a.py", 3, "look"),), None), None,
)  # fmt: skip


class Written:
    def __init__(self, path: Path, **changed: Any) -> None:
        self.path, self.lost = path, 0
        options = {"most_bytes": 10_000, "backups": 2, "redaction": Redaction(b"k" * 32), "components": {}}
        self.file = LogFile(path, **{**options, **changed}, lost=self._lose)

    def _lose(self, records: int) -> None:
        self.lost += records

    def write(self, *logs: tuple[Any, ...]) -> None:
        self.file.write(STREAM, logs or (LOG,), OFFSET)

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.path.read_text().splitlines()]


@pytest.fixture
def written(tmp_path):
    made = []

    def make(path=tmp_path / "log" / "bot.ndjson", **changed):
        made.append(Written(path, **changed))
        return made[-1]

    yield make
    for one in made:
        one.file.close()


def test_a_line_has_the_fields_of_ecs(written):
    one = written()
    one.write()
    assert one.lines() == [
        {
            "@timestamp": "2023-11-14T22:13:20.001234Z",
            "log.level": "error",
            "message": "no more",
            "ecs.version": "8.11.0",
            "log.logger": "asyncpg.pool",
            "service.name": "bot",
            "service.version": "1",
            "service.environment": "prod",
            "trace.id": f"{0xABC:032x}",
            "span.id": f"{0xDEF:016x}",
            "labels.user": 5,
            "labels.password": "[redacted:secret]",
            "labels.discord_user_id": Redaction(b"k" * 32)(7),
            "labels.component": "database",
            "log.origin.file.name": "a.py",
            "log.origin.file.line": 3,
            "log.origin.function": "look",
            "error.type": "OSError",
            "error.message": "gone",
            "error.stack_trace": 'Traceback (most recent call last):\n  File "a.py", line 3, in look\nOSError: gone',
        }
    ]
    assert one.path.stat().st_mode & 0o777 == 0o640


def test_texts_are_one_line_each_and_redacted(written):
    one = written()
    one.write((*LOG[:4], "two\nlines \ud800 sk-proj-abcdEFGH1234ijklMNOP5678", *LOG[5:]))
    (line,) = one.lines()
    assert line["message"] == "two\nlines ? [redacted:api_key]"


def test_it_is_rotated_before_it_is_too_long(written):
    one = written(most_bytes=2_000)
    for number in range(30):
        one.write((*LOG[:4], str(number), *LOG[5:]))
    files = sorted(one.path.parent.iterdir())
    assert [file.name for file in files] == ["bot.ndjson", "bot.ndjson.1", "bot.ndjson.2"]
    assert all(file.stat().st_size <= 2_000 and file.stat().st_mode & 0o777 == 0o640 for file in files)
    kept = [json.loads(line)["message"] for file in reversed(files) for line in file.read_text().splitlines()]
    assert kept == [str(number) for number in range(30 - len(kept), 30)]


def test_without_backups_it_begins_anew(written):
    one = written(most_bytes=1_000, backups=0)
    for _ in range(9):
        one.write()
    assert [file.name for file in one.path.parent.iterdir()] == ["bot.ndjson"]
    assert one.lost == 0


def test_a_full_disk_is_counted_said_once_and_tried_again(written, caplog):
    caplog.set_level(logging.INFO)
    one = written(Path("/dev/full"))
    with time_machine.travel(0, tick=False) as clock:
        for _ in range(3):
            one.write()
        clock.shift(60)
        one.write(LOG, LOG)
    assert one.lost == 5
    assert len(caplog.records) == 1
    assert "LOG_FILE=/dev/full can't be written" in caplog.text


def test_it_goes_on_where_it_can_be_written_again(written, tmp_path, caplog):
    folder = tmp_path / "log"
    folder.write_text("in the way")
    one = written()
    one.write()
    folder.unlink()
    one.file._failed_until = 0.0
    one.write()
    assert (one.lost, len(one.lines())) == (1, 1)
    assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING"]


def test_a_record_that_cannot_be_a_line_costs_no_other(written):
    one = written()
    one.write(LOG, (10**30, *LOG[1:]), LOG)
    assert (one.lost, len(one.lines())) == (1, 2)


def test_filebeats_configuration_reads_what_we_write(written):
    one = written()
    one.write()
    (read,) = yaml.safe_load(FILEBEAT.read_text())["filebeat.inputs"]
    assert (read["type"], read["enabled"]) == ("filestream", True)
    (parser,) = read["parsers"]
    # each line a JSON object whose keys are fields already, times and levels among them
    assert parser["ndjson"] == {
        "target": "",
        "overwrite_keys": True,
        "add_error_key": True,
        "expand_keys": True,
    }
    assert one.lines()[0]["@timestamp"].endswith("Z")
    (path,) = read["paths"]
    assert path == "${LOG_FILE:/var/log/whisperwatch/bot.ndjson}*"
    assert read["prospector.scanner.exclude_files"] == [r"\.gz$"]
    assert "id" in read
