"""Every name that Whisperwatch gives to the world, in one place.

Instruments, `/metrics`, queries, dashboards and the reference page (`docs/metrics.md`) are made from these
declarations; nothing else spells a metric, span or attribute name out. Names follow the OpenTelemetry semantic
conventions where there is one (`process.*`, `system.*`, `http.*`, `cpython.gc.*`); `discord.*`, `bot.*` and
`whisperwatch.*` are ours. This module imports nothing of ours, and nothing heavy.

No bucket bound is a whole number: a bound of 1 is `le="1"` by OTLP and `le="1.0"` by scrape, which makes two series.
"""

from __future__ import annotations

from whisperwatch.semconv.admin import *  # noqa: F403
from whisperwatch.semconv.attributes import *  # noqa: F403
from whisperwatch.semconv.database import *  # noqa: F403
from whisperwatch.semconv.discord import *  # noqa: F403
from whisperwatch.semconv.errors import *  # noqa: F403
from whisperwatch.semconv.health import *  # noqa: F403
from whisperwatch.semconv.http import *  # noqa: F403
from whisperwatch.semconv.jobs import *  # noqa: F403
from whisperwatch.semconv.llm import *  # noqa: F403
from whisperwatch.semconv.logs import *  # noqa: F403
from whisperwatch.semconv.model import *  # noqa: F403
from whisperwatch.semconv.model import Attribute, Metric, SpanName
from whisperwatch.semconv.own import *  # noqa: F403
from whisperwatch.semconv.privacy import *  # noqa: F403
from whisperwatch.semconv.process import *  # noqa: F403
from whisperwatch.semconv.store import *  # noqa: F403
from whisperwatch.semconv.usage import *  # noqa: F403
from whisperwatch.semconv.vectors import *  # noqa: F403

ATTRIBUTES: tuple[Attribute, ...] = tuple(
    attribute
    for name, value in list(globals().items())
    if name.endswith("_ATTRIBUTES") and isinstance(value, tuple)
    for attribute in value
)
"""Every attribute key: what many share, then each subject's own."""
HASHED_ATTRIBUTES = frozenset(a.key for a in ATTRIBUTES if a.hashed)
METRICS: tuple[Metric, ...] = tuple(value for value in list(globals().values()) if isinstance(value, Metric))
"""Every metric, in the order of the files."""
SPANS: tuple[SpanName, ...] = tuple(
    value for value in list(globals().values()) if isinstance(value, SpanName)
)

SCOPE = "whisperwatch"
"""The instrumentation scope of all that we record."""
