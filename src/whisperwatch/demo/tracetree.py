"""A trace as a tree: each span with a bar of where in the trace it lies, for the terminal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from rich.text import Text

from whisperwatch.demo.receiver import ReceivedSpan

_NAME_SHARE = 0.45
_DURATION_WIDTH = 9
_STYLES = (("command", "cyan"), ("listener", "blue"), ("message", "bold"), ("interaction", "bold"))
_LIBRARIES = {"LLM": "magenta", "SQL": "yellow", "Redis": "bright_red"}


def draw(spans: Sequence[ReceivedSpan], width: int, height: int, *, ascii_only: bool = False) -> Text:
    """The spans, indented under their parents, at most `height` lines of `width` characters."""
    rows = list(_walk(spans))
    if not rows:
        return Text("no trace yet", style="dim")
    hidden = len(rows) - height
    shown = rows if hidden <= 0 else rows[: height - 1]
    begin = min(span.start for span in spans)
    whole = max(max(span.end for span in spans) - begin, 1e-9)
    name_width = int(width * _NAME_SHARE)
    bar_width = max(width - name_width - _DURATION_WIDTH - 1, 1)
    lines = [
        Text.assemble(
            (_fit("  " * depth + span.name, name_width), style_of(span)),
            (
                bar((span.start - begin) / whole, span.duration / whole, bar_width, ascii_only),
                _bar_style(span),
            ),
            f"{seconds(span.duration):>{_DURATION_WIDTH}}",
        )
        for depth, span in shown
    ]
    if hidden > 0:
        lines.append(Text(f"  and {hidden + 1} more spans", style="dim"))
    return Text("\n").join(lines)


def bar(start: float, share: float, width: int, ascii_only: bool = False) -> str:
    """A line of `width` with a bar in it, at least one character long; `start` and `share` are parts of one."""
    first = min(int(start * width), width - 1)
    length = max(1, min(round(share * width), width - first))
    return " " * first + ("=" if ascii_only else "━") * length + " " * (width - first - length)


def seconds(value: float) -> str:
    """A duration, as short as it can be read: `840 µs`, `12 ms`, `1.4 s`."""
    if value < 0.001:
        return f"{value * 1e6:.0f} µs"
    if value < 1:
        return f"{value * 1e3:.0f} ms"
    return f"{value:.1f} s" if value < 100 else f"{value:.0f} s"


def style_of(span: ReceivedSpan) -> str:
    """The colour of a span's name."""
    if span.failed:
        return "red"
    if "db.system.name" in span.attributes or "db.system" in span.attributes:
        return "yellow"
    return next((style for start, style in _STYLES if span.name.startswith(start)), "green")


def _bar_style(span: ReceivedSpan) -> str:
    return style_of(span).removeprefix("bold") or "white"


def _walk(spans: Sequence[ReceivedSpan]) -> Iterator[tuple[int, ReceivedSpan]]:
    """Depth first, in order of start; a span whose parent hasn't come stands at the top."""
    known = {span.span_id for span in spans}
    children: dict[str, list[ReceivedSpan]] = defaultdict(list)
    for span in sorted(spans, key=lambda span: span.start):
        children[span.parent_id if span.parent_id in known else ""].append(span)

    def below(parent: str, depth: int) -> Iterator[tuple[int, ReceivedSpan]]:
        for span in children[parent]:
            yield depth, span
            yield from below(span.span_id, depth + 1)

    return below("", 0)


def _fit(text: str, width: int) -> str:
    """Cut or padded to `width`, with a space at the end."""
    cut = text if len(text) < width else text[: width - 2] + "…"
    return cut.ljust(width)
