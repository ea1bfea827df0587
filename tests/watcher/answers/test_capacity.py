"""The page of capacity as it is read, to the letter: the verdict first, then what is short, then what to do."""

from __future__ import annotations

import textwrap
from dataclasses import replace
from pathlib import Path

import pytest

from whisperwatch.watcher.answers import capacity, terminal
from whisperwatch.watcher.insight.capacity import Capacity
from whisperwatch.watcher.insight.figures import Basis, Figure
from whisperwatch.watcher.insight.forecast import Reach
from whisperwatch.watcher.insight.leak import Leak
from whisperwatch.watcher.insight.outlook import Ahead, Resource
from whisperwatch.watcher.insight.scaling import Recommendation

DAY = 86_400.0
AT = 1_700_000_000.0
WEEK = Basis(AT - 7 * DAY, AT, "embedded")
NONE = Figure()
CALM = Leak("no leak", 1e5, "the lows of its days stay where they are", 7.0)
NEVER = Reach(None, None, None)

DISK = Resource(
    "disk", "Disk /", "/", Figure(0.83), Figure(0.83), Figure(1.0), (0.7, None, 0.8, 0.83),
    (Ahead(7 * DAY, 0.9, 0.94, 0.98, "moderate"),),
    Reach(9 * DAY, 12 * DAY, 18 * DAY), 28 * DAY, 2.7 * DAY, 16, "moderate",
)  # fmt: skip
POOL = Resource(
    "pool", "Pool db:5432/bot", "db:5432/bot", Figure(8, "{connection}"), Figure(8, "{connection}"),
    Figure(8, "{connection}"), (2, 8, 8), full=Reach(0.0, 0.0, 0.0), horizon_s=28 * DAY, tested_s=2.7 * DAY, origins=16,
    confidence="high",
)  # fmt: skip
CPU = Resource(
    "cpu",
    "CPU",
    "",
    Figure(0.2),
    Figure(0.4),
    Figure(1.0),
    (0.2,),
    why="a forecast takes 24 points, 60 min apart",
)
MORE = Recommendation(
    "Disk /", "the disk's size", Figure(1.25e11, "By"), Figure(1e11, "By"),
    {"in use": Figure(0.83), "expected in 7 days": Figure(0.94), "given up": NONE},
)  # fmt: skip


def report(*resources: Resource, memory: Leak = CALM) -> Capacity:
    return Capacity(WEEK, resources, memory, NONE, {}, (), (), 3600.0, (), ())


def read(one: Capacity) -> str:
    return terminal.text(capacity.planning(one)).rpartition("\n\n")[0] + "\n"


def verdict(*resources: Resource) -> str:
    return read(report(*resources)).splitlines()[1]


def test_nearly_full_is_by_the_thresholds() -> None:
    def statuses(share: float) -> list[str | None]:
        full = replace(CPU, used=Figure(share), full=NEVER, why="")
        pages = (
            capacity.planning(report(replace(full, sort=sort))) for sort in ("cpu", "pool", "disk", "memory")
        )
        return [page.sections[1].status for page in pages]

    assert statuses(0.79) == ["healthy"] * 4
    assert statuses(0.86) == ["degraded"] * 3 + ["healthy"]


def test_the_page() -> None:
    whole = replace(
        report(DISK, CPU), tokens=Figure(7e5, "{token}"), volume={"logs": Figure(1400.0, "{record}", 700.0)},
        recommendations=(MORE,),
        unmeasured=("Pool: the bot has no pool of asyncpg's; others are not measured",),
    )  # fmt: skip
    expected = textwrap.dedent("""
        Capacity, last 7 days
        Disk / is full first: in 12 days (9 days to 18 days). Confidence: moderate.

        What to do
           Disk /: the disk's size: 125 GB instead of 100 GB
           Because: in use 83 %, expected in 7 days 94 %

        ⚠️ Disk /
           In use: 83 %; at most 83 %
           ▇·██ 70 % to 83 %
           In 7 days: 94 %, nine times of ten 90 % to 98 %
           Full: in 12 days (9 days to 18 days)
           Confidence: moderate (tried from 16 past moments, up to 3 days ahead)

        No forecast
           A forecast takes 24 points, 60 min apart.
           CPU: 20 %

        ✅ Does the bot's process leak memory?
           No leak: the lows of its days stay where they are.

        What came in this time
           LLM tokens: 700,000
           Log records: 1,400 (+100 %)

        Not measured
           Pool: the bot has no pool of asyncpg's; others are not measured
        """).lstrip("\n")
    assert read(whole) == expected
    page = Path(__file__).parents[3] / "docs" / "forecasts.md"
    shown, _, _ = page.read_text(encoding="utf-8").partition("```text\n")[2].partition("```")
    assert expected.startswith(shown)


TOKENS = Resource(
    "tokens", "This month's LLM tokens", "", Figure(6e6, "{token}"), Figure(6e6, "{token}"), Figure(8e6, "{token}"),
    (None, 5e6, 6e6), (Ahead(DAY, 6.1e6, 6.2e6, 6.4e6, "high"),),
    Reach(8 * DAY, 10 * DAY, 13 * DAY), 20 * DAY, 2.7 * DAY, 16, "moderate",
)  # fmt: skip


def test_a_budget_is_used_up() -> None:
    shown = read(report(TOKENS))
    assert (
        "This month's LLM tokens are used up first: in 10 days (8 days to 13 days). Confidence: moderate."
        in shown
    )
    assert "Used: 6,000,000 of 8,000,000, 75 %\n" in shown
    assert "Used up: in 10 days (8 days to 13 days)\n" in shown
    enough = replace(TOKENS, full=NEVER, horizon_s=DAY)
    assert verdict(replace(DISK, full=NEVER), enough) == "Nothing that is measured is full within 28 days."
    assert verdict(enough) == "Nothing that is measured is full within 24 hours."


def test_verdicts() -> None:
    calm = replace(DISK, full=NEVER)
    assert verdict(POOL, DISK) == "Full now: Pool db:5432/bot."
    assert verdict() == "When anything is full isn't known yet."
    assert verdict(CPU) == "CPU is used most, to 20 %. When anything is full isn't known yet."
    assert verdict(calm) == "Nothing that is measured is full within 28 days."
    may = replace(DISK, full=Reach(20 * DAY, None, None))
    assert verdict(may) == "Nothing is expected to be full within 28 days; Disk / may be in 20 days."


@pytest.mark.parametrize(
    ("full", "line"),
    [
        (NEVER, "Full: not within 28 days"),
        (Reach(0.0, 0.0, 0.0), "Full: now"),
        (Reach(3600.0, 5 * 3600.0, None), "Full: in 5 hours (1 hour to later than 28 days)"),
        (Reach(1800.0, None, None), "Full: not expected within 28 days; in 30 min at the earliest"),
    ],
)
def test_when_it_is_full(full: Reach, line: str) -> None:
    assert f"   {line}" in read(report(replace(DISK, full=full))).splitlines()


def test_what_is_not_known_now() -> None:
    lost = replace(CPU, used=NONE, why="nothing was measured of it lately")
    text = read(report(lost))
    assert "No forecast\n   Nothing was measured of it lately.\n   CPU: not known" in text


def test_what_is_nearly_full_is_marked_without_a_forecast() -> None:
    assert "\n   ⚠️ CPU: 97 %" in read(report(replace(CPU, used=Figure(0.97))))


def test_a_leak() -> None:
    leak = Leak("leaks", 48e6, "the lows of its days have risen all along, for 7 days", 7.0)
    assert (
        "   The bot leaks memory, 48 MB a day: the lows of its days have risen all along, for 7 days."
        in read(report(memory=leak))
    )
    unknown = Leak("not known yet", None, "no run of the process is two days and a half long", 0.0)
    assert "   Whether it leaks is not known yet: no run of the process is two days and a half long." in read(
        report(memory=unknown)
    )


def test_nothing_to_do() -> None:
    assert "   Nothing: no figure speaks for a change." in read(report(CPU))


def test_long_series_become_two_dozen_bars() -> None:
    week = replace(DISK, points=tuple(0.2 for _ in range(168)))
    (bars,) = (line for line in read(report(week)).splitlines() if "█" in line)
    assert bars.split()[0] == "█" * 24
