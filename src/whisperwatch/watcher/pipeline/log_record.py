"""A LOG of the tape: what redacts its texts; what it says beside them, as attributes: where it was logged, by which
part, what was raised."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain, islice
from typing import Any, Final

from whisperwatch import semconv
from whisperwatch.watcher.records import Log
from whisperwatch.watcher.redaction import Redactor

_CAUSE: Final = "\n\nThe above exception was the direct cause of the following exception:\n\n"
_OWN_CODE: Final = "bot"
"""The component of loggers that no table knows."""

_TOGETHER: Final = 64
"""Of so many records what none of them has is looked for once."""


def with_redaction(redactor: Redactor, logs: Iterable[Log]) -> Iterator[tuple[Log, Callable[[str], str]]]:
    """Each with what takes secrets out of its level, its logger's name and its body: `redactor.text`, faster."""
    given = iter(logs)
    while some := list(islice(given, _TOGETHER)):
        try:
            clean = redactor.within("\n".join(map(str, chain.from_iterable(log[2:5] for log in some))))
        except TypeError:  # one of them is no record
            clean = redactor.text
        for log in some:
            yield log, clean


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
