"""A running watcher's settings: a good file is taken on whole, a bad one not at all."""

from __future__ import annotations

import asyncio
import json
import logging
import os
from pathlib import Path

import pytest

from whisperwatch.watcher.settings import Current, Overrides, Settings, known
from whisperwatch.watcher.settings.current import changes

GOOD = "monitoring: {{health_checks: {{interval: {}}}}}"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "monitoring.yaml"
    path.write_text(GOOD.format("10s"))
    return path


@pytest.fixture
def current(file: Path) -> Current:
    return Current({}, file.parent, file.parent)


def test_a_changed_file_is_taken_on_when_it_has_been_left_alone_for_a_look(
    file: Path, current: Current
) -> None:
    told: list[tuple[float, float]] = []
    current.subscribe(lambda old, new: told.append((old.web.interval_s, new.web.interval_s)))
    assert not current.look()
    file.write_text(GOOD.format("250ms"))
    assert not current.look(), "it may still be being written"
    assert current.look()
    assert not current.look()
    assert told == [(10, 0.25)]
    assert current.settings.web.interval_s == 0.25


def test_a_file_that_comes_or_goes_is_a_change(file: Path, current: Current) -> None:
    file.unlink()
    assert [current.look(), current.look()] == [False, True]
    assert current.settings.web.interval_s == 30
    file.write_text(GOOD.format("7s"))
    assert [current.look(), current.look()] == [False, True]
    assert current.settings.web.interval_s == 7


def test_a_bad_file_is_refused_whole_with_every_mistake(
    file: Path, current: Current, caplog: pytest.LogCaptureFixture
) -> None:
    before = current.settings
    told: list[bool] = []
    current.subscribe(lambda old, new: told.append(old is new))
    file.write_text("monitoring:\n  health_checks:\n    interval: 1s\n    timeout: soon\n    intervall: 2s\n")
    assert not current.reload()
    assert current.settings is before
    assert told == [True]
    assert {problem.place for problem in current.refused} == {"monitoring.yaml:4", "monitoring.yaml:5"}
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert "monitoring.yaml:4: monitoring.health_checks.timeout=soon is no duration" in record.message
    assert "monitoring.yaml:5: monitoring.health_checks.intervall=2s is unknown" in record.message
    file.write_text(GOOD.format("1s"))
    assert current.reload()
    assert (current.refused, current.settings.web.interval_s) == ((), 1)


def test_a_wrong_variable_keeps_no_good_file_out(file: Path) -> None:
    current = Current({"HEALTH_CHECK_PORT": "http"}, file.parent, code={"HEALTH_CHECK_HSOT": "x"})
    file.write_text(GOOD.format("1s"))
    assert current.reload()
    assert current.settings.web.interval_s == 1
    assert len(current.settings.problems) == 2


def test_what_is_set_at_run_time_is_a_change_like_any_other(file: Path, current: Current) -> None:
    Overrides(file.parent / "overrides.json", known()).set("HEALTH_CHECK_INTERVAL", "2s")
    assert [current.look(), current.look()] == [False, True]
    assert str(current.settings.values["HEALTH_CHECK_INTERVAL"].origin) == "override"


def test_what_a_bot_says_in_code_is_added_and_waits_while_a_file_is_bad(file: Path, current: Current) -> None:
    current.say({"WHISPERWATCH_LIVE_AFTER": 5})
    assert current.settings.web.live_after_s == 5
    file.write_text("monitoring: [")
    assert not current.reload()
    current.say({"HEALTH_CHECK_INTERVAL": "3s"})
    assert current.settings.web.interval_s == 10
    file.write_text("")
    assert current.reload()
    assert (current.settings.web.live_after_s, current.settings.web.interval_s) == (5, 3)


def test_the_log_says_what_needs_a_restart_and_no_secret(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    secret = file.with_name("key")
    environ = {
        "OTEL_EXPORTER_OTLP_HEADERS_FILE": str(secret),
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:1",
    }
    secret.write_text("a=tuna")
    current = Current(environ, file.parent)
    old = current.settings
    secret.write_text("a=swordfish")
    environ["WHISPERWATCH_LINGER"] = "1s"
    file.write_text(GOOD.format("20s"))
    assert current.reload()
    assert "swordfish" not in caplog.text
    told = changes(old, current.settings)
    assert "HEALTH_CHECK_INTERVAL is 20s (monitoring.yaml:1)" in told
    assert "WHISPERWATCH_LINGER is 1s (environment), in force after a restart of the bot" in told
    assert len(told) == 4, "the headers of both signals too"


def test_a_listener_that_fails_stops_nobody(
    file: Path, current: Current, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[Settings] = []
    current.subscribe(lambda old, new: 1 / 0)  # type: ignore[arg-type, return-value]
    current.subscribe(lambda old, new: told.append(new))
    file.write_text(GOOD.format("1s"))
    assert current.reload()
    assert told == [current.settings]
    assert "could not be taken on" in caplog.text


def test_what_is_in_force_is_left_in_the_state_directory(file: Path, current: Current) -> None:
    kept = file.parent / "settings.json"
    told = json.loads(kept.read_text())
    assert told["pid"] == os.getpid()
    assert kept.stat().st_mode & 0o777 == 0o600
    (row,) = (row for row in told["settings"] if row["name"] == "HEALTH_CHECK_INTERVAL")
    assert (row["value"], row["shown"], row["from"]) == (10.0, "10s", "monitoring.yaml:1")
    assert sorted(path.name for path in file.parent.iterdir()) == ["monitoring.yaml", "settings.json"]


async def test_a_loop_is_begun_anew_with_its_new_interval(current: Current) -> None:
    begun: asyncio.Queue[float] = asyncio.Queue()

    async def run(interval_s: float) -> None:
        begun.put_nowait(interval_s)
        await asyncio.Event().wait()

    work = asyncio.create_task(current.paced(run, lambda settings: settings.web.interval_s))
    assert await begun.get() == 10
    current.say({"WHISPERWATCH_LINGER": "1s"})  # something else
    current.say({"HEALTH_CHECK_INTERVAL": "2s"})
    assert await begun.get() == 2
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
    assert begun.empty()
    assert len(asyncio.all_tasks()) == 1, "the loop ends with its keeper"
