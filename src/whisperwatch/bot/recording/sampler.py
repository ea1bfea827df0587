"""Which traces are sampled, where the guide's own variable says so."""

from __future__ import annotations

import os
from collections.abc import Mapping

from opentelemetry.sdk.trace import sampling


def guide_sampler(environ: Mapping[str, str] = os.environ) -> sampling.Sampler | None:
    """The sampler that `PERFORMANCE_SAMPLING_RATE` (0.0 to 1.0) asks for; None leaves it to `OTEL_TRACES_SAMPLER`.

    A wrong rate is the watcher's to report, which reads all settings; here it means every trace.
    """
    rate = environ.get("PERFORMANCE_SAMPLING_RATE", "").strip()
    if not rate or environ.get("OTEL_TRACES_SAMPLER", "").strip():
        return None
    try:
        return sampling.ParentBased(sampling.TraceIdRatioBased(float(rate))) if float(rate) < 1 else None
    except ValueError:
        return None
