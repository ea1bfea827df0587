"""Which trace belongs to which message, and what is in it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection

from whisperwatch import semconv
from whisperwatch.demo.receiver import ReceivedSpan, Traces

_STATEMENTS = ("db.query.text", "db.statement")
_OPERATIONS = ("db.operation.name", "db.operation")


class Trails:
    """The traces of messages, found by the hashed id of the message on their root."""

    def __init__(self, traces: Traces, hashed: Callable[[int], str]) -> None:
        self._hashed = hashed
        self._of_message: dict[str, list[list[ReceivedSpan]]] = defaultdict(list)
        self._spans = list(traces.spans())
        self.orphans = 0
        """Spans that name a parent which never came."""
        for trace in traces:
            known = {span.span_id for span in trace}
            self.orphans += sum(bool(span.parent_id) and span.parent_id not in known for span in trace)
            for root in trace:
                if not root.parent_id and semconv.MESSAGE_ID in root.attributes:
                    self._of_message[str(root.attributes[semconv.MESSAGE_ID])].append(trace)

    def single(self, messages: Collection[int]) -> int:
        """How many of these messages have exactly one trace."""
        return sum(len(self._traces_of(message)) == 1 for message in messages)

    def with_all(self, messages: Collection[int], sorts: Collection[str]) -> int:
        """How many of these messages have a trace with spans of all these sorts in it."""
        return sum(
            any({sort_of(span) for span in trace}.issuperset(sorts) for trace in self._traces_of(message))
            for message in messages
        )

    def calls(self, sort: str, begins: str) -> int:
        """How many spans of a sort there are that did not fail, whose statement or operation begins so."""
        return sum(
            sort_of(span) == sort and not span.failed and _said(span).startswith(begins)
            for span in self._spans
        )

    def _traces_of(self, message: int) -> list[list[ReceivedSpan]]:
        return self._of_message.get(self._hashed(message), [])


def sort_of(span: ReceivedSpan) -> str:
    """LLM, SQL, Redis, REST, command, or "" for what is none of these."""
    if span.library:
        return span.library
    if semconv.ROUTE in span.attributes:
        return "REST"
    return "command" if semconv.COMMAND in span.attributes else ""


def _said(span: ReceivedSpan) -> str:
    for key in (*_STATEMENTS, *_OPERATIONS):
        if key in span.attributes:
            return str(span.attributes[key]).lstrip()
    return span.name
