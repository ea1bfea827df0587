"""From the tape's records to the world: OTLP with a buffer, and `/metrics`."""

from .exposition import Exposition
from .pipeline import Pipeline

__all__ = ["Exposition", "Pipeline"]
