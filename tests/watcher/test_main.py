"""The watcher's parts, as the settings put them together and change them."""

from __future__ import annotations

import json
from pathlib import Path

from whisperwatch.state import StateDirectory
from whisperwatch.watcher.settings import Current
from whisperwatch.watcher.watcher import Watcher

SECRET = "swordfish-0123456789"


def watcher(home: Path, **code: str) -> Watcher:
    return Watcher(Current({}, home, None, code), StateDirectory(None))


def test_secrets_that_code_or_a_running_bot_set_are_masked_in_texts(tmp_path: Path) -> None:
    made = watcher(tmp_path, HEALTH_CHECK_TOKEN=SECRET)
    assert SECRET not in made.redactor.text(f"asked with {SECRET}")
    later = "later-9876543210-later"
    assert later in made.redactor.text(f"asked with {later}")
    made._resource({"settings": {"DASHBOARD_SECRET_KEY": later}}, "1")
    assert later not in made.redactor.text(f"asked with {later}")


def test_what_health_asks_changes_with_the_settings(tmp_path: Path) -> None:
    made = watcher(tmp_path)
    file = tmp_path / "monitoring.yaml"
    file.write_text("monitoring: {health_checks: {interval: 7s, timeout: 9s, critical: 'cache,llm'}}")
    assert made.current.reload()
    options = made.components.options
    assert (options.timing.interval_s, options.timing.timeout_s) == (7, 9)
    assert options.critical == {"cache", "llm"}


def test_health_that_is_off_says_who_says_so(tmp_path: Path) -> None:
    (tmp_path / "monitoring.yaml").write_text("{}")
    assert watcher(tmp_path, HEALTH_CHECK_ENABLED="false").health.off == (
        "Health is off by HEALTH_CHECK_ENABLED=false (code)."
    )


async def test_performance_that_is_off_says_who_says_so(tmp_path: Path) -> None:
    desk = watcher(tmp_path, PERFORMANCE_MONITORING_ENABLED="false").desk
    for view in ("summary", "resources", "history", "bottlenecks", "capacity-planning", "memory-analysis"):
        told = await desk.answer("performance", {"view": view})
        assert told["text"] == (
            "⬜ Performance monitoring is off\n"
            "Performance monitoring is off by PERFORMANCE_MONITORING_ENABLED=false (code)."
        )
    in_json = await desk.answer("performance", {"form": "json"})
    assert "off by PERFORMANCE_MONITORING_ENABLED=false" in json.loads(in_json["text"])["off"]
    assert "PERFORMANCE" not in str(await desk.answer("cache", {}))
    await desk.close()


def test_settings_that_wait_for_their_part_are_told_at_the_start(tmp_path: Path) -> None:
    made = watcher(tmp_path, DASHBOARD_PORT="8080")
    assert made._problems() == ["DASHBOARD_PORT: not yet used, the web dashboard will"]
    assert made.configuration.problems() == (), "it is not wrong"
    assert watcher(tmp_path)._problems() == []
