"""Filters as LogQL.

Only the service's name is a label of Loki's; level, component, logger, instance, trace, event are structured metadata.
A text is looked for in the line and in the exception: for that the line is joined with the exception's type and text,
by a character that no text is likely to have, and the client takes it apart again.

`(?i)` and a literal is what Loki makes bytes of that it compares itself: then `İ` is in every line, and `ς` is no `Σ`.
A regular expression that is more than a literal it leaves to Go's, which folds letters as the embedded store does. That
is slow, so what is plain in the text is looked for by Loki first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from whisperwatch.watcher.query.language import LogFilter
from whisperwatch.watcher.query.language.logs import LEVELS, LogKey
from whisperwatch.watcher.query.prometheus.rendering import duration
from whisperwatch.watcher.query.prometheus.selectors import quoted

JOINT: Final = "\x1f"
_JOINED: Final = (
    f"| line_format `{{{{__line__}}}}{{{{if .exception_type}}}}"
    f"{JOINT}{{{{.exception_type}}}}: {{{{.exception_message}}}}{{{{end}}}}`"
)
_NO_LITERAL: Final = r"[\s\S]?"
_PLAIN: Final = re.compile(r"[ !-JL-RT-jl-rt-~]{3,}")
"""ASCII but for K and S, of which other letters are cases too."""
_SPECIAL: Final = re.compile(r"([\\.+*?()|\[\]{}^$])")
KEYS: Final[dict[LogKey, str]] = {
    "component": "bot_component",
    "level": "severity_number",
    "logger": "scope_name",
    "instance": "service_instance_id",
}
"""The structured metadata that groups are made of."""


def logs(filter: LogFilter, service: str | None, also: str = "") -> str:
    """The records that fit. `also`: a stage more, as LogQL has it."""
    return " ".join([_stream(service), *([also] if also else []), *_stages(filter)]).strip()


def counts(
    filter: LogFilter,
    by: tuple[LogKey, ...],
    window: int | str,
    service: str | None,
    late: int = 0,
    also: str = "",
) -> str:
    """How many fit in windows of so many seconds (or such as Grafana puts in: `$__interval`), of so many seconds before
    the time that is asked for."""
    labels = ", ".join(KEYS[key] for key in by)
    # without it every trace id would be a series
    kept = f"| keep {labels or 'service_name'}"
    grouped = f" by ({labels}) " if by else ""
    offset = f" offset {duration(late)}" if late else ""
    return f"sum{grouped}(count_over_time({logs(filter, service, also)} {kept} [{duration(window)}]{offset}))"


def _stream(service: str | None) -> str:
    return "{service_name=~`.+`}" if service is None else f"{{service_name={quoted(service)}}}"


def _stages(filter: LogFilter) -> Iterator[str]:
    if filter.level is not None:
        yield f"| severity_number >= {LEVELS[filter.level]}"
    if filter.components:
        yield "| " + " or ".join(f"bot_component={quoted(one)}" for one in filter.components)
    if filter.logger is not None:
        below = quoted(f"{escaped(filter.logger)}\\..*")
        yield f"| scope_name={quoted(filter.logger)} or scope_name=~{below}"
    for label, value in (
        ("trace_id", filter.trace_id), ("service_instance_id", filter.instance), ("event_name", filter.event),
    ):  # fmt: skip
        if value is not None:
            yield f"| {label}={quoted(value)}"
    if filter.text:
        yield from _has(filter.text)


def _has(text: str) -> Iterator[str]:
    if JOINT not in text:
        yield _JOINED
    plain = max(_PLAIN.findall(text), key=len, default="")
    if plain:
        yield f"|~ {quoted('(?i)' + escaped(plain))}"
    if plain != text:
        yield f"|~ {quoted('(?i)' + escaped(text) + _NO_LITERAL)}"


def escaped(text: str) -> str:
    """A text as a regular expression that finds just it."""
    return _SPECIAL.sub(r"\\\1", text)
