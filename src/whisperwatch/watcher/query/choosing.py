"""Which store answers about what: those that the settings name, the embedded one for the rest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from whisperwatch.watcher.query.asking import Asking, Engines
from whisperwatch.watcher.query.embedded.logs import EmbeddedLogs
from whisperwatch.watcher.query.embedded.metrics import EmbeddedMetrics
from whisperwatch.watcher.query.embedded.traces import EmbeddedTraces
from whisperwatch.watcher.query.http import StoreClient
from whisperwatch.watcher.query.loki.engine import Loki
from whisperwatch.watcher.query.prometheus.engine import Prometheus
from whisperwatch.watcher.query.prometheus.selectors import our_job
from whisperwatch.watcher.query.resolving import Kept
from whisperwatch.watcher.query.tempo.engine import Tempo
from whisperwatch.watcher.settings import Settings
from whisperwatch.watcher.store.reading import Readers

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
    """

    def __init__(self, settings: Callable[[], Settings], readers: Readers | None) -> None:
        told = settings()
        service = told.service.name or dict(told.service.attributes).get("service.name")
        clients = {name: StoreClient(target) for name, target in told.stores.items()}
        self._clients = tuple(clients.values())
        embedded = Engines()
        known = None
        if readers is not None:
            metrics = EmbeddedMetrics(readers)
            embedded = Engines(metrics, EmbeddedLogs(readers), EmbeddedTraces(readers))
            known = metrics.known
        job = told.match or our_job({**dict(told.service.attributes), "service.name": service})
        engines = Engines(
            Prometheus(clients["prometheus"], job) if "prometheus" in clients else embedded.metrics,
            Loki(clients["loki"], service) if "loki" in clients else embedded.logs,
            Tempo(clients["tempo"], service) if "tempo" in clients else embedded.traces,
        )
        self.asking = Asking(engines, lambda: _kept(settings()), known)

    async def close(self) -> None:
        """Close the connections to them."""
        for client in self._clients:
            await client.close()


def _kept(settings: Settings) -> Kept:
    keeping = settings.keeping
    return Kept(
        keeping.raw_s, min(keeping.fine_s, keeping.metrics_s), keeping.metrics_s, keeping.logs_s,
        max(keeping.traces_s, keeping.errors_s),
    )  # fmt: skip
