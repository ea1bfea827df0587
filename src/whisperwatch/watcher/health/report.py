"""What a health report is made of: checks with a status, a sentence for people, and since when it is so."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

Status = Literal["healthy", "degraded", "unhealthy"]
_RANK: dict[Status, int] = {"healthy": 0, "degraded": 1, "unhealthy": 2}


@dataclass(frozen=True, slots=True)
class Now:
    """One moment on both clocks: the tape's (`time.monotonic_ns()`) and the people's (unix seconds)."""

    monotonic_ns: int
    unix: float

    def unix_of(self, monotonic_ns: int) -> float:
        """The unix time of a moment on the tape's clock."""
        return self.unix - (self.monotonic_ns - monotonic_ns) / 1e9


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: what was looked at; one of the names in `docs/health.md`.
        text: one sentence for people.
        since: unix seconds since when the status is what it is; None until the report knows.
        process: the slot of the bot's process, None for what concerns all of them.
        stuck_s: for how long the process can't have done anything, in seconds; `inf` when it is gone.
        ready: whether this check lets the process call itself ready.
    """

    name: str
    status: Status
    text: str
    since: float | None = None
    process: int | None = None
    stuck_s: float = 0.0
    ready: bool = True

    def as_json(self) -> dict[str, Any]:
        shown: dict[str, Any] = {"check": self.name, "status": self.status, "text": self.text}
        if self.since is not None:
            shown["since"] = _iso(self.since)
        if self.process is not None:
            shown["process"] = self.process
        return shown


@dataclass(frozen=True, slots=True)
class Report:
    """All checks of one moment."""

    checks: tuple[Check, ...]
    at: float

    @property
    def status(self) -> Status:
        """The worst of the checks' statuses."""
        return max((check.status for check in self.checks), key=_RANK.__getitem__, default="healthy")

    @property
    def not_ready(self) -> list[str]:
        """Why not all local shards are READY, a sentence each; empty when they are."""
        return [check.text for check in self.checks if not check.ready]

    def not_live(self, live_after_s: float) -> list[str]:
        """Why a restart would help: a bot's process is gone, or stuck for `live_after_s` seconds or longer."""
        return [check.text for check in self.checks if check.stuck_s >= live_after_s]

    def as_json(self) -> dict[str, Any]:
        return {
            "status": self.status,
            "at": _iso(self.at),
            "checks": [check.as_json() for check in self.checks],
        }


def make_report(checks: Iterable[Check], now: Now, previous: Report | None) -> Report:
    """A report whose checks remember, from the previous one, since when their status holds."""
    before = {(check.name, check.process): check for check in (previous.checks if previous else ())}
    return Report(
        tuple(_dated(check, before.get((check.name, check.process)), now) for check in checks), now.unix
    )


def changes(report: Report, previous: Report | None) -> Sequence[Check]:
    """The checks whose status is another one than before; of a first report those that aren't healthy."""
    before = {(check.name, check.process): check.status for check in (previous.checks if previous else ())}
    return [c for c in report.checks if c.status != before.get((c.name, c.process), "healthy")]


def _dated(check: Check, before: Check | None, now: Now) -> Check:
    if check.since is not None:
        return check
    if before is not None and before.status == check.status:
        return replace(check, since=before.since)
    return replace(check, since=now.unix)


def _iso(unix: float) -> str:
    return datetime.fromtimestamp(unix, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
