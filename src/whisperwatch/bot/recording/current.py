"""What is current in this task: the OpenTelemetry context, by the shortest way there is.

The API's `attach`, `set_value` and `get_current_span` cost several calls each; with the contextvars runtime, which is
all but every process's, a context variable does the same in one.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import Token
from typing import Any

from opentelemetry import context as api
from opentelemetry.context import Context, create_key
from opentelemetry.context.contextvars_context import ContextVarsRuntimeContext
from opentelemetry.trace import Span as APISpan
from opentelemetry.trace.propagation import _SPAN_KEY

ROOT_KEY = create_key("whisperwatch-root")
"""Under it the context holds the `Root` of the work that this task does."""
COMMAND_KEY = create_key("whisperwatch-command")
"""Under it the context holds the `Invocation` that this task runs."""

SPAN_KEY = _SPAN_KEY
read: Callable[[], Context]
"""The current context."""
enter: Callable[[Context], Token[Context]]
"""Make a context current; returns what `leave` takes."""
_reset: Callable[[Any], Any]

if type(api._RUNTIME_CONTEXT) is ContextVarsRuntimeContext:
    _variable = api._RUNTIME_CONTEXT._current_context
    read, enter, _reset = _variable.get, _variable.set, _variable.reset
else:
    read, enter, _reset = api.get_current, api.attach, api.detach


def enter_span(span: APISpan) -> Token[Context]:
    """Make a span current, beside what else is in the current context."""
    return enter(Context({**read(), SPAN_KEY: span}))


def leave(token: Token[Context]) -> None:
    """Take back an `enter`. In another task than its own (a generator closed from outside) it has no effect."""
    try:  # noqa: SIM105 - `suppress` costs more than what it guards
        _reset(token)
    except ValueError:
        pass
