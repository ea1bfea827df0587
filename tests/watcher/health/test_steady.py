from __future__ import annotations

from typing import Any

import pytest

from whisperwatch.watcher.health.report import Part
from whisperwatch.watcher.health.steady import BETTER_S, WORSE_S, Steady


@pytest.fixture
def look() -> Any:
    steady = Steady()

    def at(now: float, status: Any, text: str = "is so") -> tuple[str, str]:
        shown = steady(Part("the pool", status, text), now)
        return shown.status, shown.text

    return at


def test_worse_shows_at_once_as_a_suspicion_and_then_as_it_is(look: Any) -> None:
    assert look(0, "healthy") == ("healthy", "is so")
    assert look(1, "unhealthy") == ("degraded", "suspect: is so")
    assert look(WORSE_S, "unhealthy") == ("degraded", "suspect: is so")
    assert look(1 + WORSE_S, "unhealthy") == ("unhealthy", "is so")


def test_degraded_shows_at_once(look: Any) -> None:
    assert look(0, "degraded") == ("degraded", "is so")


def test_better_has_to_last(look: Any) -> None:
    look(0, "degraded")
    assert look(10, "healthy", "is well") == ("degraded", "is well (again, for 0 s so far)")
    assert look(20, "healthy", "is well") == ("degraded", "is well (again, for 10 s so far)")
    assert look(10 + BETTER_S, "healthy", "is well") == ("healthy", "is well")


def test_it_does_not_flap(look: Any) -> None:
    shown = [look(5 * n, "healthy" if n % 2 else "unhealthy")[0] for n in range(20)]
    assert set(shown) == {"degraded"}


def test_an_unhealthy_one_gets_better_by_steps(look: Any) -> None:
    look(0, "unhealthy")
    look(WORSE_S, "unhealthy")
    assert look(100, "degraded")[0] == "unhealthy"
    assert look(100 + BETTER_S, "degraded")[0] == "degraded"
    assert look(200, "healthy")[0] == "degraded"
    assert look(200 + BETTER_S, "healthy")[0] == "healthy"


def test_worse_again_begins_anew(look: Any) -> None:
    look(0, "unhealthy")
    look(WORSE_S, "unhealthy")
    look(40, "healthy")
    assert look(50, "unhealthy")[0] == "unhealthy"
    assert look(60, "healthy")[0] == "unhealthy"
    assert look(50 + BETTER_S, "healthy")[0] == "unhealthy"


@pytest.mark.parametrize("status", ["unknown", "not_configured"])
def test_what_is_not_known_is_said_so(look: Any, status: str) -> None:
    look(0, "degraded")
    assert look(1, status) == (status, "is so")


def test_what_is_no_more_is_forgotten() -> None:
    steady = Steady()
    steady(Part("a", "degraded", ""), 0)
    steady.keep(["b"])
    assert steady(Part("a", "healthy", ""), 1).status == "healthy"
