from __future__ import annotations

from typing import Any

import pytest

from whisperwatch.watcher.health.report import Check, Report, changes, make_report

OK, LAME, BAD = Check("a", "healthy", "A."), Check("b", "degraded", "B."), Check("c", "unhealthy", "C.")


@pytest.mark.parametrize(
    ("checks", "status"),
    [((), "healthy"), ((OK,), "healthy"), ((OK, LAME), "degraded"), ((BAD, LAME, OK), "unhealthy")],
)
def test_the_worst_check_decides(checks: tuple[Check, ...], status: str) -> None:
    assert Report(checks, 0.0).status == status


def test_since_lasts_while_the_status_does(world: Any) -> None:
    first = make_report([OK, LAME], world.clock(), None)
    world.clock.pass_(10)
    second = make_report(
        [Check("a", "degraded", "A!"), Check("b", "degraded", "B, still.")], world.clock(), first
    )
    since = {check.name: check.since for check in second.checks}
    assert since == {"a": world.clock.unix, "b": world.clock.unix - 10}


def test_a_since_that_is_known_stays(world: Any) -> None:
    report = make_report([Check("a", "degraded", "A.", since=5.0)], world.clock(), None)
    assert report.checks[0].since == 5.0


def test_processes_are_kept_apart(world: Any) -> None:
    first = make_report([Check("a", "degraded", "A.", process=0)], world.clock(), None)
    world.clock.pass_(10)
    second = make_report([Check("a", "degraded", "A.", process=1)], world.clock(), first)
    assert second.checks[0].since == world.clock.unix


def test_changes(world: Any) -> None:
    first = make_report([OK, LAME], world.clock(), None)
    assert [check.name for check in changes(first, None)] == ["b"]
    second = make_report([OK, Check("b", "healthy", "B."), BAD], world.clock(), first)
    assert [check.name for check in changes(second, first)] == ["b", "c"]
    assert changes(second, second) == []


def test_live_and_ready() -> None:
    stuck, waiting = (
        Check("a", "unhealthy", "Stuck.", stuck_s=60.0),
        Check("b", "degraded", "Waits.", ready=False),
    )
    report = Report((OK, stuck, waiting, BAD), 0.0)
    assert report.not_live(60.0) == ["Stuck."]
    assert report.not_live(61.0) == []
    assert report.not_ready == ["Waits."]


def test_json() -> None:
    report = Report((Check("a", "degraded", "A.", 1_700_000_000.25, 2), OK), 1_700_000_001.0)
    assert report.as_json() == {
        "status": "degraded",
        "at": "2023-11-14T22:13:21.000Z",
        "checks": [
            {
                "check": "a",
                "status": "degraded",
                "text": "A.",
                "since": "2023-11-14T22:13:20.250Z",
                "process": 2,
            },
            {"check": "a", "status": "healthy", "text": "A."},
        ],
    }
