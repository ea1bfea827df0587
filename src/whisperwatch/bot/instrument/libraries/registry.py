"""The libraries that are instrumented, and when: each as soon as the bot has imported it, unless somebody else does it.

We import no library ourselves. One that is there already is patched at `instrument()`, any other right after the bot's
own `import`. OpenTelemetry's instrumentors may come before us or after us, so who is at work is looked at twice: when
a library is patched, and when the bot has logged in.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Callable, Iterable
from functools import partial
from importlib import import_module, metadata

from whisperwatch.bot import guard
from whisperwatch.bot.instrument.libraries.arrivals import Arrivals
from whisperwatch.bot.instrument.libraries.library import Library, Undo, is_at_work
from whisperwatch.bot.instrument.libraries.versions import standing

logger = logging.getLogger("whisperwatch")

_HERE = "whisperwatch.bot.instrument.libraries"


def by_module(name: str) -> Callable[[], Undo]:
    """`apply` of our module of this name, which imports the library, and so is imported only once that is there."""

    def apply() -> Undo:
        undo: Undo = import_module(f"{_HERE}.{name}").apply()
        return undo

    return apply


LIBRARIES: list[Library] = [
    Library(
        "asyncpg", "asyncpg", "asyncpg", ">=0.29,<0.33", by_module("asyncpg"),
        "opentelemetry.instrumentation.asyncpg:AsyncPGInstrumentor",
    ),
    Library(
        "redis", "redis", "redis", ">=5,<9", by_module("redis"),
        "opentelemetry.instrumentation.redis:RedisInstrumentor",
    ),
    Library(
        "aiohttp", "aiohttp", "aiohttp", ">=3.9,<4", by_module("aiohttp"),
        "opentelemetry.instrumentation.aiohttp_client:AioHttpClientInstrumentor",
    ),
    Library(
        "httpx", "httpx", "httpx", ">=0.27,<1", by_module("httpx"),
        "opentelemetry.instrumentation.httpx:HTTPXClientInstrumentor",
    ),
    Library("httpx2", "httpx2", "httpx2", ">=2,<3", by_module("httpx2")),
    Library(
        "requests", "requests", "requests", ">=2.31,<3", by_module("requests"),
        "opentelemetry.instrumentation.requests:RequestsInstrumentor",
    ),
    Library(
        "sqlalchemy", "sqlalchemy", "sqlalchemy", ">=2,<2.2", by_module("sqlalchemy"),
        "opentelemetry.instrumentation.sqlalchemy:SQLAlchemyInstrumentor",
    ),
    Library(
        "openai", "openai", "openai", ">=1,<4", by_module("llm.openai"),
        "opentelemetry.instrumentation.genai.openai:OpenAIInstrumentor",
    ),
    Library(
        "anthropic", "anthropic", "anthropic", ">=0.40,<3", by_module("llm.anthropic"),
        "opentelemetry.instrumentation.genai.anthropic:AnthropicInstrumentor",
    ),
    Library(
        "chromadb", "chromadb", "chromadb", ">=1,<2", by_module("vectors.chroma"),
        "opentelemetry.instrumentation.chromadb:ChromaInstrumentor",
    ),
    Library(
        "qdrant", "qdrant_client", "qdrant-client", ">=1.12,<2", by_module("vectors.qdrant"),
        "opentelemetry.instrumentation.qdrant:QdrantInstrumentor",
    ),
    Library("arq", "arq", "arq", ">=0.26,<0.29", by_module("arq")),
    Library("threads", "concurrent.futures.thread", "", ">=3", by_module("threads")),
]  # fmt: skip


class Registry:
    """What is wanted, what is applied, and how to take it back. Applying twice, or undoing twice, does nothing more."""

    def __init__(self, libraries: list[Library]) -> None:
        self._libraries = libraries
        self._wanted: dict[str, Library] = {}
        self._undo: dict[str, Undo] = {}
        self._arrivals = Arrivals()
        self._lock = threading.RLock()
        self._said: set[str] = set()
        self.off: dict[str, str] = {}
        """Libraries that the bot uses and that can't be instrumented, by name, a sentence each."""

    @property
    def applied(self) -> frozenset[str]:
        """The names of the libraries that are patched now."""
        return frozenset(self._undo)

    def apply(self, only: Iterable[str] | None = None, exclude: Iterable[str] = ()) -> None:
        """Instrument what is imported, and await the rest. The environment's choice counts where `only` is None."""
        self._wanted = {library.name: library for library in self._chosen(only, exclude)}
        for library in self._wanted.values():
            if library.module not in sys.modules:
                self._arrivals.expect(library.module, partial(self._arrived, library))
            elif not _is_loading(library.module):
                self._instrument(library)

    def look_again(self) -> None:
        """Stand back where OpenTelemetry's own instrumentor has come meanwhile; stand in where it did not after all."""
        with self._lock:
            for library in self._wanted.values():
                if library.module not in sys.modules or _is_loading(library.module):
                    continue
                if library.name not in self._undo:
                    self._instrument(library)
                elif is_at_work(library.contrib):
                    self._take_back(library.name)

    def undo(self) -> None:
        """Put everything back."""
        with self._lock:
            self._arrivals.forget()
            self._wanted = {}
            self.off.clear()
            for name in list(self._undo):
                self._take_back(name)

    def _take_back(self, name: str) -> None:
        try:
            self._undo.pop(name)()
        except Exception:
            guard.failed(f"uninstrument {name}")

    def _arrived(self, library: Library) -> None:
        """Its own instrumentor may be what imports it, and instrument it next: that is seen at `look_again`."""
        if library.name in self._wanted and not _is_loading(library.contrib.partition(":")[0]):
            self._instrument(library)

    def _instrument(self, library: Library) -> None:
        with self._lock:
            if library.name in self._undo or is_at_work(library.contrib):
                return
            if not self._is_new_enough(library):
                return
            try:
                self._undo[library.name] = library.apply()
            except Exception:
                self._give_up(library, f"{library.name} can't be instrumented; what it does is not recorded")
                guard.failed(f"instrument {library.name}")

    def _is_new_enough(self, library: Library) -> bool:
        version = _version(library)
        if version is None:  # vendored: its attributes will tell
            return True
        place = standing(version, library.supported)
        if place == "older":
            self._give_up(
                library,
                f"{library.name} {version} is older than what is instrumented ({library.supported}); what it does is "
                "not recorded",
            )
        elif place == "newer":
            logger.info("%s %s is newer than what was tested (%s)", library.name, version, library.supported)
        return place != "older"

    def _give_up(self, library: Library, why: str) -> None:
        self.off[library.name] = why
        self._say("%s", why)

    def _chosen(self, only: Iterable[str] | None, exclude: Iterable[str]) -> list[Library]:
        wanted = _listed("WHISPERWATCH_LIBRARIES") if only is None else set(only)
        unwanted = {*exclude, *_listed("WHISPERWATCH_LIBRARIES_EXCLUDE")}
        known = {library.name for library in self._libraries}
        for name in sorted({*wanted, *unwanted} - known - {"none"}):
            self._say("there is no library %r to instrument; there are: %s", name, ", ".join(sorted(known)))
        unwanted |= {
            name.removesuffix("-client") for name in _listed("OTEL_PYTHON_DISABLED_INSTRUMENTATIONS")
        }
        return [
            library
            for library in self._libraries
            if (library.name in wanted or (only is None and not wanted)) and library.name not in unwanted
        ]

    def _say(self, text: str, *about: object) -> None:
        line = text % about
        if line not in self._said:
            self._said.add(line)
            logger.warning(line)


def _listed(variable: str) -> set[str]:
    return {part.strip().lower() for part in os.environ.get(variable, "").split(",") if part.strip()}


def _version(library: Library) -> str | None:
    """The module's own word comes first: to look a distribution up costs milliseconds."""
    version = getattr(sys.modules[library.module], "__version__", None)
    if isinstance(version, str) or not library.distribution:
        return version
    try:
        return metadata.version(library.distribution)
    except metadata.PackageNotFoundError:
        return None


def _is_loading(module: str) -> bool:
    """Whether it is being imported just now."""
    return bool(getattr(getattr(sys.modules.get(module), "__spec__", None), "_initializing", False))


registry = Registry(LIBRARIES)
"""This process's."""
