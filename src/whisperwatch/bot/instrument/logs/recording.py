"""Making a LOG of the tape: all that is done on the bot's loop for a record, from whichever library it comes.

The trace is the one that the code is in. A root that something was logged under is exported.
"""

from __future__ import annotations

import logging
from collections.abc import Container, Iterable
from typing import Any, Final

from opentelemetry.trace import Span as APISpan

from whisperwatch import semconv
from whisperwatch.bot.instrument.errors.rules import Verdict
from whisperwatch.bot.recording.current import ROOT_KEY, SPAN_KEY, read
from whisperwatch.bot.recording.exceptions import Reduced, reduced, text_of
from whisperwatch.bot.recording.recorder import recorder
from whisperwatch.bot.recording.spans import Span

_LONGEST_BODY: Final = 32_768
_LONGEST_VALUE: Final = 1_024
_MOST_VALUES: Final = 32
_PLAIN: Final = frozenset({int, float, bool})
_ERROR: Final = 17
_INFO: Final = 9
_now = recorder.clock.now

SEVERITY: Final = (*(0,) * 10, *(min(5 + 4 * (n // 10) + n % 10, 8 + 4 * (n // 10)) for n in range(44)))
"""OpenTelemetry's number by `logging`'s level up to 53: DEBUG is 5, and what is between has the next ones."""
_TEXT: Final = {"WARNING": "WARN", "CRITICAL": "FATAL"}


def severity_of(level: int, name: str) -> tuple[int, str]:
    """Number and text of a level, as OpenTelemetry's own handlers have them."""
    number = SEVERITY[level] if 0 <= level < 54 else 0 if level < 0 else 24
    return number, _TEXT.get(name, name)


def put(
    level: int,
    level_name: str,
    logger: str,
    body: str,
    attributes: dict[str, Any] | None,
    code: tuple[str, int, str] | None,
    error: BaseException | None,
    verdict: Verdict | None,
) -> None:
    """Record what was logged."""
    mask = recorder.mask
    if len(body) > _LONGEST_BODY:
        body = f"{body[:_LONGEST_BODY]}…"
    trace_id, span_id, flags = _place(
        read(), touching=level >= logging.INFO or not logger.startswith("discord.")
    )
    if verdict is not None:
        attributes = {**(attributes or {}), **attributes_of(verdict)}
    number, text = severity_of(level, level_name)
    recorder.logs.put(
        (
            _now(), number, text, logger, mask(body), attributes,
            trace_id, span_id, flags, code, None if error is None else reduced(error, mask), None,
        )
    )  # fmt: skip


def put_error(verdict: Verdict, kind: str, root: Any, exception: Reduced | None) -> None:
    """Record an error that was counted, and that the bot itself did not log.

    Users' mistakes are no ERROR: who looks for what is wrong would find little else.
    """
    if not recorder.logs.on:
        return
    if root is not None:
        place = root.trace_id, root.span_id, 1 if root.sampled else 0
    else:
        place = _place(read(), touching=True)
    attributes = {**attributes_of(verdict), semconv.ERROR_TYPE: kind}
    body = kind if exception is None or not exception[1] else f"{kind}: {exception[1]}"
    recorder.logs.put(
        (
            _now(),
            *((_INFO, "INFO") if verdict.category == "user" else (_ERROR, "ERROR")),
            semconv.SCOPE,
            body,
            attributes,
            *place,
            None,
            exception,
            semconv.EVENT_ERROR,
        )
    )


def put_event(name: str, severity: tuple[int, str], body: str, attributes: dict[str, Any]) -> None:
    """Record an event that is no log line of the bot's; its words are ours."""
    if recorder.logs.on:
        place = _place(read(), touching=True)
        recorder.logs.put((_now(), *severity, semconv.SCOPE, body, attributes, *place, None, None, name))


def attributes_of(verdict: Verdict) -> dict[str, Any]:
    """What a verdict says of a record."""
    return {
        semconv.ERROR_CATEGORY: verdict.category,
        semconv.ERROR_SEVERITY: verdict.severity,
        semconv.COMPONENT: verdict.component,
    }


def plain(values: Iterable[tuple[str, Any]], but: Container[str] = ()) -> dict[str, Any]:
    """Values as a record may carry them: numbers as they are, all else as text, without the user's own words.

    What `but` names is left out.
    """
    found: dict[str, Any] = {}
    for key, value in values:
        if len(found) >= _MOST_VALUES:
            break
        if key in but:
            continue
        if value.__class__ in _PLAIN:
            found[str(key)] = value
        elif value is not None:
            text = value if value.__class__ is str else str.__str__(text_of(value, _LONGEST_VALUE))
            found[str(key)] = recorder.mask(text[:_LONGEST_VALUE])
    return found


def _place(context: Any, touching: bool) -> tuple[int, int, int]:
    """(trace id, span id, flags) of the current span; zeros outside of any. Its root is exported then."""
    span = context.get(SPAN_KEY)
    root = context.get(ROOT_KEY)
    if root is not None and touching and not root.end_ns:
        root.touched = True
    if span is None:
        return (0, 0, 0) if root is None else (root.trace_id, root.span_id, 0)
    if isinstance(span, Span):
        return span.trace_id, span.span_id, 1
    if isinstance(span, APISpan):
        of_span = span.get_span_context()
        return of_span.trace_id, of_span.span_id, of_span.trace_flags
    return 0, 0, 0
