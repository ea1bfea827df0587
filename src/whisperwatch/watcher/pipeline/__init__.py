"""From the tape's records to the world: OTLP with a buffer, and `/metrics`."""

from .exposition import render
from .pipeline import Pipeline

__all__ = ["Pipeline", "render"]
