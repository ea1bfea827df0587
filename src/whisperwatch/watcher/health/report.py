"""What a health report is made of: checks and components, each with a status, a sentence, and since when it is so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final, Literal, TypeVar

COMPONENT_OF: Final = {
    "gateway": "discord",
    "settings": "monitor",
    "telemetry export": "monitor",
    "embedded store": "monitor",
    "security export": "monitor",
}
"""The component that a check is told with, where there are components; other checks are told by themselves."""

Status = Literal["healthy", "degraded", "unhealthy", "unknown", "not_configured"]
_RANK: dict[Status, int] = {"not_configured": -2, "unknown": -1, "healthy": 0, "degraded": 1, "unhealthy": 2}
_PASS: dict[Status, str] = {
    "not_configured": "pass", "unknown": "pass", "healthy": "pass", "degraded": "warn", "unhealthy": "fail",
}  # fmt: skip
_TOLD = 6
"""A reason names so many parts at most."""
Number = float | int | str


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
        critical: whether its being unhealthy makes the whole so, and not only degraded.
    """

    name: str
    status: Status
    text: str
    since: float | None = None
    process: int | None = None
    stuck_s: float = 0.0
    ready: bool = True
    critical: bool = True

    def as_json(self) -> dict[str, Any]:
        shown: dict[str, Any] = {"check": self.name, "status": self.status, "text": self.text}
        if self.since is not None:
            shown["since"] = _iso(self.since)
        if self.process is not None:
            shown["process"] = self.process
        return shown


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that a component is judged by: a server, a pool, a share of failures. `text` follows `name`.

    `settled`: it doesn't flap, for whoever found it has waited long enough.
    """

    name: str
    status: Status
    text: str
    numbers: Mapping[str, Number] = field(default_factory=dict)
    since: float | None = None
    settled: bool = False

    def as_json(self) -> dict[str, Any]:
        shown: dict[str, Any] = {"part": self.name, "status": self.status, "text": self.text}
        if self.since is not None:
            shown["since"] = _iso(self.since)
        return shown | ({"numbers": dict(self.numbers)} if self.numbers else {})


@dataclass(frozen=True, slots=True)
class Component:
    """How one of `semconv.HEALTH_COMPONENTS`, or what the bot's own checks look at, is.

    Attributes:
        reason: why it is so, for people.
        critical: whether its being unhealthy makes the whole so, and not only degraded.
        parts: what it was judged by, with the numbers.
    """

    name: str
    status: Status
    reason: str
    critical: bool = False
    parts: tuple[Part, ...] = ()
    since: float | None = None

    @classmethod
    def of(cls, name: str, parts: Sequence[Part], critical: bool = False) -> Component:
        """As bad as the worst of its parts, which the reason names. What is not configured counts where nothing is."""
        parts = [part for part in parts if part.status != "not_configured"] or list(parts)
        statuses: list[Status] = [part.status for part in parts]
        worst: Status = max(statuses, key=_RANK.__getitem__, default="unknown")
        if worst == "healthy" and any(part.status == "unknown" for part in parts):
            told = [part for part in parts if part.status in ("healthy", "unknown")]
        else:
            told = [part for part in parts if part.status == worst]
        more = [f"and {len(told) - _TOLD} more"] if len(told) > _TOLD else []
        reason = "; ".join([f"{part.name} {part.text}".strip() for part in told[:_TOLD]] + more)
        return cls(name, worst, f"{reason[:1].upper()}{reason[1:]}.", critical, tuple(parts))

    @property
    def numbers(self) -> dict[str, Number]:
        """Those of all parts, each named with its part."""
        return {f"{part.name} {key}".strip(): one for part in self.parts for key, one in part.numbers.items()}

    def as_json(self) -> dict[str, Any]:
        since = {} if self.since is None else {"since": _iso(self.since)}
        return {
            **self.brief(),
            **since,
            "critical": self.critical,
            "numbers": self.numbers,
            "parts": [part.as_json() for part in self.parts],
        }

    def brief(self) -> dict[str, Any]:
        """Status and reason."""
        return {"component": self.name, "status": self.status, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class Report:
    """All checks and components of one moment."""

    checks: tuple[Check, ...]
    at: float
    components: tuple[Component, ...] = ()

    @property
    def status(self) -> Status:
        """As bad as the worst check or component; what isn't critical makes it degraded at most."""
        found: list[Check | Component] = [*self.checks, *self.components]
        ranks = [_RANK[one.status] if one.critical else min(_RANK[one.status], 1) for one in found]
        return {1: "degraded", 2: "unhealthy"}.get(max(ranks, default=0), "healthy")  # type: ignore[return-value]

    def component(self, name: str) -> Component | None:
        """The component of this name; None where there is none."""
        return next((one for one in self.components if one.name == name), None)

    @property
    def not_ready(self) -> list[str]:
        """Why not all local shards are READY, a sentence each; empty when they are."""
        return [check.text for check in self.checks if not check.ready]

    def not_live(self, live_after_s: float) -> list[str]:
        """Why a restart would help: a bot's process is gone, or stuck for `live_after_s` seconds or longer."""
        return [check.text for check in self.checks if check.stuck_s >= live_after_s]

    def as_json(self, *, detailed: bool = False) -> dict[str, Any]:
        """As plain data. Detailed: the components with their parts and numbers."""
        shown: dict[str, Any] = {
            "status": self.status,
            "at": _iso(self.at),
            "checks": [check.as_json() for check in self.checks],
        }
        if self.components:
            shown["components"] = [one.as_json() if detailed else one.brief() for one in self.components]
        return shown


def make_report(
    checks: Iterable[Check], now: Now, previous: Report | None, components: Iterable[Component] = ()
) -> Report:
    """A report whose checks and components remember, from the previous one, since when their status holds."""
    before = {(check.name, check.process): check for check in (previous.checks if previous else ())}
    known = {one.name: one for one in (previous.components if previous else ())}
    return Report(
        tuple(_dated(check, before.get((check.name, check.process)), now) for check in checks),
        now.unix,
        tuple(_dated(one, known.get(one.name), now) for one in components),
    )


def changes(report: Report, previous: Report | None) -> Sequence[Check]:
    """The checks whose status is another one than before; of a first report those that aren't healthy."""
    before = {(check.name, check.process): check.status for check in (previous.checks if previous else ())}
    return [c for c in report.checks if c.status != before.get((c.name, c.process), "healthy")]


def changed_components(report: Report, previous: Report | None) -> Sequence[Component]:
    """The components that have become better or worse; what only becomes known to be well is no change."""
    before = {one.name: one.status for one in (previous.components if previous else ())}
    return [
        one for one in report.components
        if max(_RANK[one.status], 0) != max(_RANK[before.get(one.name, "healthy")], 0)
    ]  # fmt: skip


Dated = TypeVar("Dated", Check, Component)


def _dated(check: Dated, before: Dated | None, now: Now) -> Dated:
    if check.since is not None:
        return check
    if before is not None and before.status == check.status:
        return replace(check, since=before.since)
    return replace(check, since=now.unix)


def json_pass_warn_fail(report: Report, version: str) -> dict[str, Any]:
    """The same as `application/health+json` (draft-inadarei-api-health-check)."""
    entries: dict[str, list[dict[str, Any]]] = {}
    for check in report.checks:
        at = {"processId": str(check.process)} if check.process is not None else {}
        entry = {"componentType": "system", "status": _PASS[check.status], "time": _iso(report.at), **at}
        entries.setdefault(check.name, []).append(entry | {"output": check.text})
    for one in report.components:
        shown = {"componentType": "component", "status": _PASS[one.status], "time": _iso(report.at)}
        entries.setdefault(one.name, []).append(shown | {"output": one.reason})
    wrong = [c.text for c in report.checks if _RANK[c.status] > 0]
    wrong += [c.reason for c in report.components if _RANK[c.status] > 0]
    told = {"output": " ".join(wrong)} if wrong else {}
    return {"status": _PASS[report.status], "version": version, **told, "checks": entries}


def _iso(unix: float) -> str:
    return datetime.fromtimestamp(unix, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
