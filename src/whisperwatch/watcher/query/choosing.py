"""Which store answers about what: those that the settings name, the embedded one for the rest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from whisperwatch.watcher.query.asking import TIMEOUT_S, Asking, Engines
from whisperwatch.watcher.query.embedded.logs import EmbeddedLogs
from whisperwatch.watcher.query.embedded.metrics import EmbeddedMetrics
from whisperwatch.watcher.query.embedded.traces import EmbeddedTraces
from whisperwatch.watcher.query.prometheus.selectors import our_job
from whisperwatch.watcher.query.resolving import Kept
from whisperwatch.watcher.settings import Settings
from whisperwatch.watcher.store.reading import Readers

if TYPE_CHECKING:
    from whisperwatch.watcher.query.http import StoreClient

FILE = "store.db"
"""The embedded store's, in the state directory."""


def store_path(settings: Settings, state: Path | None) -> Path | None:
    """Where the embedded store is or would be; None where there is none."""
    if not settings.keeping.enabled:
        return None
    if settings.keeping.path is not None:
        return Path(settings.keeping.path).expanduser()
    return None if state is None else state / FILE


class Stores:
    """The stores that are asked, and the one who asks them.

    Args:
        settings: those in force; which stores there are is read once, how long they keep things with each question.
        readers: of the embedded store; None where there is none.
        timeout_s: how long a store may take.
    """

    def __init__(
        self, settings: Callable[[], Settings], readers: Readers | None, timeout_s: float = TIMEOUT_S
    ) -> None:
        told = settings()
        service = told.service.name or dict(told.service.attributes).get("service.name")
        embedded = Engines()
        known = None
        if readers is not None:
            metrics = EmbeddedMetrics(readers)
            embedded = Engines(metrics, EmbeddedLogs(readers), EmbeddedTraces(readers))
            known = metrics.known
        engines, self._clients = _asked(told, service, embedded) if told.stores else (embedded, ())
        self.asking = Asking(engines, lambda: _kept(settings()), known, timeout_s=timeout_s)

    async def close(self) -> None:
        """Close the connections to them."""
        for client in self._clients:
            await client.close()


def _asked(told: Settings, service: str | None, others: Engines) -> tuple[Engines, tuple[StoreClient, ...]]:
    """Those that the settings name, and what must be closed in the end."""
    # httpcore2 takes megabytes, and without them is not needed
    from whisperwatch.watcher.query.http import StoreClient
    from whisperwatch.watcher.query.loki.engine import Loki
    from whisperwatch.watcher.query.prometheus.engine import Prometheus
    from whisperwatch.watcher.query.tempo.engine import Tempo

    clients = {name: StoreClient(target) for name, target in told.stores.items()}
    job = told.match or our_job({**dict(told.service.attributes), "service.name": service})
    engines = Engines(
        Prometheus(clients["prometheus"], job) if "prometheus" in clients else others.metrics,
        Loki(clients["loki"], service, dict(told.service.attributes)) if "loki" in clients else others.logs,
        Tempo(clients["tempo"], service) if "tempo" in clients else others.traces,
    )
    return engines, tuple(clients.values())


def _kept(settings: Settings) -> Kept:
    keeping = settings.keeping
    longest = max(keeping.traces_s, keeping.errors_s)
    return Kept(
        keeping.raw_s, min(keeping.fine_s, keeping.metrics_s), keeping.metrics_s, keeping.logs_s, longest,
        longest if "tempo" in settings.stores else keeping.traces_s, keeping.errors_s,
    )  # fmt: skip
