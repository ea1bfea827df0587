"""A page as plain text: in a terminal, and in Discord where embeds may not be sent."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from whisperwatch.watcher.answers.charts.chart import Chart
from whisperwatch.watcher.answers.page import Line, Link, Moment, Page, Sketch, symbol, unsketched

WIDTH = 100
_CONTROL = dict.fromkeys((*range(32), *range(127, 160)))


@dataclass(frozen=True, slots=True)
class Shown:
    """A page for a terminal, which draws the chart itself, as wide as it is. `status` colours nothing, but is an exit
    status."""

    text: str
    status: str | None
    chart: Chart | None


def shown(page: Page) -> Shown:
    """The page, without what its chart shows better."""
    return Shown(text(page if page.chart is None else unsketched(page)), page.status, page.chart)


def text(page: Page, width: int | None = WIDTH) -> str:
    """The whole page, without control characters: an exception's text moves no cursor. Without a width its lines are
    whole, for Discord breaks them where a phone ends."""
    return "\n".join(_lines(page, width))


def _lines(page: Page, width: int | None) -> Iterator[str]:
    yield symbol(page.status) + page.title.translate(_CONTROL)
    yield from _block(page.lines, page.at, "", width)
    for section in page.sections:
        yield ""
        yield symbol(section.status) + section.title.translate(_CONTROL)
        yield from _block(section.lines, page.at, "" if width is None else "   ", width)
    if page.footer:
        yield ""
        yield page.footer


def _block(lines: tuple[Line, ...], at: float | None, indent: str, width: int | None) -> Iterator[str]:
    for line in lines:
        shown = _line(line, at).translate(_CONTROL)
        if width is None:
            yield shown
            continue
        yield from textwrap.wrap(
            shown,
            width,
            initial_indent=indent,
            subsequent_indent=indent + "  ",
            break_long_words=False,
            break_on_hyphens=False,
        )


def _line(line: Line, at: float | None) -> str:
    if isinstance(line, str | Sketch):
        return line if isinstance(line, str) else line.text
    return "".join(_part(part, at) for part in line)


def _part(part: str | Moment | Link, at: float | None) -> str:
    match part:
        case Moment(unix):
            return _moment(unix, at)
        case Link(label, url):
            return f"{label}: {url}"
        case _:
            return part


def _moment(unix: float, at: float | None) -> str:
    when = datetime.fromtimestamp(unix).astimezone()
    if at is None:
        return when.isoformat(" ", timespec="seconds")
    far = abs(at - unix) > 20 * 3600
    return f"{when:%Y-%m-%d %H:%M:%S}" if far else f"{when:%H:%M:%S} ({ago(at - unix)})"


def ago(seconds: float) -> str:
    """`3 min ago`, in the unit that says most."""
    past = max(0.0, seconds)
    for unit, size in (("h", 3600), ("min", 60)):
        if past >= size:
            return f"{past / size:.0f} {unit} ago"
    return f"{past:.0f} s ago"
