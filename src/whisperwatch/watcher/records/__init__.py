"""What the watcher knows of one recorder: its definitions resolved, and the newest value of each cell.

A `Stream` is filled from a bot process's tape; a `LocalStream` is what the watcher itself measures. Both are read
alike, by the OTLP export, by `/metrics` and by health. Times here are nanoseconds of wall time.
"""

from .local import LocalStream
from .metrics import Cell, Exemplar, Instrument, Scope, Value
from .reading import MOST_ENDPOINTS, Endpoint, Log, Records, Span
from .stream import Stream

__all__ = [
    "MOST_ENDPOINTS",
    "Cell",
    "Endpoint",
    "Exemplar",
    "Instrument",
    "LocalStream",
    "Log",
    "Records",
    "Scope",
    "Span",
    "Stream",
    "Value",
]
