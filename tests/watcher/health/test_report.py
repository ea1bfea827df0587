from __future__ import annotations

from typing import Any

import pytest

from whisperwatch.watcher.health.report import (
    Check,
    Component,
    Part,
    Report,
    changed_components,
    changes,
    json_pass_warn_fail,
    make_report,
)

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


class TestComponents:
    @pytest.mark.parametrize(
        ("statuses", "status", "reason"),
        [
            ([], "unknown", "."),
            (["healthy", "healthy"], "healthy", "P0 is so; p1 is so."),
            (["healthy", "not_configured"], "healthy", "P0 is so."),
            (["not_configured"], "not_configured", "P0 is so."),
            (["healthy", "unknown"], "healthy", "P0 is so; p1 is so."),
            (["healthy", "degraded"], "degraded", "P1 is so."),
            (["unhealthy", "degraded", "unhealthy"], "unhealthy", "P0 is so; p2 is so."),
            (
                ["healthy"] * 9,
                "healthy",
                "P0 is so; p1 is so; p2 is so; p3 is so; p4 is so; p5 is so; and 3 more.",
            ),
        ],
    )
    def test_the_worst_part_decides_and_is_named(self, statuses: list[Any], status: str, reason: str) -> None:
        one = Component.of("x", [Part(f"p{n}", given, "is so") for n, given in enumerate(statuses)])
        assert (one.status, one.reason) == (status, reason)

    @pytest.mark.parametrize(
        ("status", "critical", "whole"),
        [
            ("unhealthy", True, "unhealthy"),
            ("unhealthy", False, "degraded"),
            ("degraded", True, "degraded"),
            ("unknown", True, "healthy"),
            ("not_configured", True, "healthy"),
        ],
    )
    def test_what_is_critical_decides_for_the_whole(self, status: Any, critical: bool, whole: str) -> None:
        assert Report((OK,), 0.0, (Component("x", status, "X.", critical),)).status == whole

    def test_a_check_that_is_not_critical_only_degrades(self) -> None:
        assert Report((Check("gateway", "unhealthy", "Down.", critical=False),), 0.0).status == "degraded"

    def test_since_and_changes(self, world: Any) -> None:
        first = make_report([], world.clock(), None, [Component("x", "unknown", "X.")])
        world.clock.pass_(10)
        second = make_report([], world.clock(), first, [Component("x", "healthy", "X.")])
        assert changed_components(second, first) == [], "what only becomes known to be well is no news"
        world.clock.pass_(10)
        third = make_report([], world.clock(), second, [Component("x", "unhealthy", "X!")])
        assert [one.reason for one in changed_components(third, second)] == ["X!"]
        fourth = make_report([], world.clock(), third, [Component("x", "unhealthy", "X!!")])
        assert changed_components(fourth, third) == []
        assert fourth.components[0].since == third.components[0].since == world.clock.unix

    def test_json(self) -> None:
        part = Part("the pool", "degraded", "is slow", {"wait_s": 2.5}, 1_700_000_000.0)
        report = Report((), 1_700_000_001.0, (Component.of("database", [part], True),))
        assert report.as_json()["components"] == [
            {"component": "database", "status": "degraded", "reason": "The pool is slow."}
        ]
        (detailed,) = report.as_json(detailed=True)["components"]
        assert detailed["numbers"] == {"the pool wait_s": 2.5}
        assert detailed["critical"] is True
        assert detailed["parts"] == [
            {
                "part": "the pool", "status": "degraded", "text": "is slow", "since": "2023-11-14T22:13:20.000Z",
                "numbers": {"wait_s": 2.5},
            }
        ]  # fmt: skip
        told = json_pass_warn_fail(report, "1.2.3")
        assert (told["status"], told["version"], told["output"]) == ("warn", "1.2.3", "The pool is slow.")
        assert told["checks"]["database"][0]["status"] == "warn"
