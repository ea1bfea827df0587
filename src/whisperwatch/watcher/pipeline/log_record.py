"""What a LOG of the tape says beside its text, as attributes: where it was logged, by which part, what was raised."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from whisperwatch import semconv
from whisperwatch.watcher.records import Log

_CAUSE: Final = "\n\nThe above exception was the direct cause of the following exception:\n\n"
_OWN_CODE: Final = "bot"
"""The component of loggers that no table knows."""


def attributes_of(log: Log, components: Mapping[str, str]) -> dict[str, Any]:
    """The attributes of a record, not yet redacted. `components`: what `LOG_COMPONENTS` says."""
    logger, given, code, exception = log[3], log[5], log[9], log[10]
    found = dict(given or {})
    if semconv.COMPONENT not in found:
        found[semconv.COMPONENT] = semconv.component_of_logger(logger, components) or _OWN_CODE
    if code is not None:
        found[semconv.CODE_FILE], found[semconv.CODE_LINE], found[semconv.CODE_FUNCTION] = code
    if exception is not None:
        found[semconv.EXCEPTION_TYPE], found[semconv.EXCEPTION_MESSAGE] = exception[0], exception[1]
        found[semconv.EXCEPTION_STACKTRACE] = stacktrace(exception)
    return found


def stacktrace(exception: tuple[Any, ...]) -> str:
    """An exception of the tape as Python prints one, what caused it first."""
    kind, message, frames, cause = exception
    lines = [f'  File "{file}", line {line}, in {function}' for file, line, function in frames]
    last = f"{kind}: {message}" if message else kind
    own = "\n".join(["Traceback (most recent call last):", *lines, last] if lines else [last])
    return own if cause is None else f"{stacktrace(cause)}{_CAUSE}{own}"
