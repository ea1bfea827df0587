"""The data sources that every dashboard asks: those of `grafana/provisioning/datasources`."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.models.dashboard import DataSourceRef

ALERTMANAGER: Final = "Alertmanager"
"""Its panel names it, where others have its uid."""


def source(name: str) -> DataSourceRef:
    """By its name, which is its type and its uid, too."""
    return DataSourceRef(type_val=name, uid=name)
