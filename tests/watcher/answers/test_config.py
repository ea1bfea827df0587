"""Settings as pages, and changes that are recorded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from whisperwatch.questions import WrongWordsError
from whisperwatch.watcher.answers import terminal
from whisperwatch.watcher.answers.config import Config
from whisperwatch.watcher.calls import Calls
from whisperwatch.watcher.configuration import Configuration
from whisperwatch.watcher.redaction import Redactor
from whisperwatch.watcher.settings import Current
from whisperwatch.watcher.settings.overrides import NAME


class Desk:
    """A configuration without a bot, and what was recorded of it."""

    def __init__(self, state: Path | None, environ: dict[str, str] | None = None) -> None:
        self.current = Current(environ or {}, state or Path("/nowhere"), state)
        self.recorded: list[tuple[str, str, str]] = []
        configuration = Configuration(self.current, state, Calls({}), Redactor().value)
        self._tell = Config(configuration, lambda user: f"hash-of-{user}", self._audit).tellers["config"]

    async def _audit(self, outcome: str, setting: str, by: str) -> None:
        self.recorded.append((outcome, setting, by))

    async def __call__(self, **arguments: Any) -> str:
        return terminal.text(await self._tell(arguments))


async def test_a_change_is_in_force_kept_and_recorded(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    told = await desk(action="set", name="HEALTH_CHECK_INTERVAL", value="5s", by="7")
    assert "5s; it was 30s." in told
    assert desk.current.settings.web.interval_s == 5.0
    assert Desk(tmp_path).current.settings.web.interval_s == 5.0
    assert "Set by user hash-of-7" in await desk(action="get", name="HEALTH_CHECK_INTERVAL")
    assert "Set by you" in await desk(action="get", name="HEALTH_CHECK_INTERVAL", by="7")
    assert "30s; it was 5s." in await desk(action="unset", name="HEALTH_CHECK_INTERVAL")
    assert desk.recorded == [
        ("allowed", "HEALTH_CHECK_INTERVAL", "hash-of-7"),
        ("allowed", "HEALTH_CHECK_INTERVAL", "terminal"),
    ]


async def test_by_its_key_in_the_file(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    assert "6h; it was" not in await desk(
        action="set", name="monitoring.metrics.high_resolution_period", value="2h"
    )
    assert desk.current.settings.keeping.raw_s == 7200.0


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("HEALTH_CHECK_INTERVALL", "5s", "did you mean HEALTH_CHECK_INTERVAL?"),
        ("MEMORY_OPTIMIZATION_ENABLED", "true", 'whisperwatch.setting("MEMORY_OPTIMIZATION_ENABLED", get=…'),
        ("HEALTH_CHECK_INTERVAL", "soon", "is no duration"),
        ("DASHBOARD_SECRET_KEY", "swordfish-swordfish", "is a secret"),
        ("WHISPERWATCH_API_TOKEN", "swordfish-swordfish", "is a secret"),
        ("PROMETHEUS_URL", "http://elsewhere", "can't be set at run time"),
        ("ADMIN_USER_IDS", "1", "can't be set at run time"),
        ("PERFORMANCE_SAMPLING_RATE", "0.5", "is read in the bot's process too"),
    ],
)
async def test_what_is_refused_is_recorded_and_not_kept(
    tmp_path: Path, name: str, value: str, said: str
) -> None:
    desk = Desk(tmp_path)
    with pytest.raises(WrongWordsError) as refused:
        await desk(action="set", name=name, value=value)
    assert said in str(refused.value)
    assert "swordfish" not in str(refused.value)
    assert desk.recorded == [("failed", name, "terminal")]
    assert not (tmp_path / NAME).exists()


async def test_without_a_state_directory() -> None:
    with pytest.raises(WrongWordsError, match="no state directory"):
        await Desk(None)(action="set", name="HEALTH_CHECK_INTERVAL", value="5s")


async def test_the_list_says_what_is_set_and_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "monitoring.yaml").write_text("monitoring: {health_checks: {timeout: 2m}}")
    told = await Desk(
        tmp_path, {"HEALTH_CHECK_PORT": "many", "DASHBOARD_SECRET_KEY": "swordfish-swordfish"}
    )()
    assert "1 is wrong." in told
    assert "HEALTH_CHECK_PORT=many" in told
    assert "HEALTH_CHECK_TIMEOUT = 120s (monitoring.yaml:1)" in told
    assert "DASHBOARD_SECRET_KEY = (set, not shown) (environment)" in told
    assert "swordfish" not in told


async def test_whether_a_secret_is_set_and_where_a_setting_is() -> None:
    unset = await Desk(None)(action="get", name="HEALTH_CHECK_TOKEN")
    assert "none (by default)" in unset
    told = await Desk(None, {"HEALTH_CHECK_TOKEN": "swordfish-swordfish"})(
        action="get", name="HEALTH_CHECK_TOKEN"
    )
    assert "(set, not shown) (from environment)" in told
    for name, where in (
        ("ENABLE_WEB_DASHBOARD", "the environment"),
        ("ADMIN_ROLE_IDS", "the environment or in monitoring.yaml"),
        ("monitoring.alerting.group_wait", "monitoring.yaml"),
    ):
        assert f"set it in {where}." in await Desk(None)(action="get", name=name)
