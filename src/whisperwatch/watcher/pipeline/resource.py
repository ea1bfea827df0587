"""The resource: who the telemetry is of.

Merged as the SDK's `Resource.create` merges: what is always so, then what was detected, then OTEL_RESOURCE_ATTRIBUTES
and OTEL_SERVICE_NAME, then what the bot itself said. Nothing of the command line but the program's name: arguments
may hold secrets.
"""

from __future__ import annotations

import os
import platform
import socket
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

import psutil

from whisperwatch.version import __version__
from whisperwatch.watcher.settings.groups import Service

SERVICE_NAME: Final = "service.name"
INSTANCE_ID: Final = "service.instance.id"
_UNKNOWN: Final = "unknown_service"
_NAMELESS: Final = "unknown"
"""What `bot.name` is before Discord has told who the bot is."""


def bot_resource(hello: Mapping[str, Any], instance_id: str, service: Service) -> dict[str, Any]:
    """The resource of a bot's process.

    Args:
        hello: its HELLO: `pid`, `python`, `bots` (names), `main` (its script), `resource` (attributes of the bot's
            own providers).
        instance_id: its `service.instance.id`, which `instances` makes of what OTEL_RESOURCE_ATTRIBUTES has.
        service: `settings.service`.
    """
    said = {key: value for key, value in (hello.get("resource") or {}).items() if value is not None}
    # the SDK's providers give every process a random one: ours lasts
    said.pop(INSTANCE_ID, None)
    if str(said.get(SERVICE_NAME, "")).startswith(_UNKNOWN):
        del said[SERVICE_NAME]
    merged = {
        **_sdk(),
        **_host(),
        **_process(int(hello.get("pid") or 0), str(hello.get("python") or "")),
        INSTANCE_ID: instance_id,
        **_from_environment(service),
        **said,
    }
    if not merged.get(SERVICE_NAME):
        merged[SERVICE_NAME] = _name(hello, merged)
    return merged


def watcher_resource(
    service: Service, instance_id: str, bot: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The resource of the watcher's own figures and the host's: of the same service and instance as the bot's."""
    named = {SERVICE_NAME: bot[SERVICE_NAME]} if bot else {}
    merged = {
        **_sdk(),
        **_host(),
        **_process(os.getpid(), platform.python_version()),
        INSTANCE_ID: instance_id,
        **_from_environment(service),
        **named,
    }
    return {SERVICE_NAME: f"{_UNKNOWN}:whisperwatch", **merged}


def _sdk() -> dict[str, Any]:
    try:
        sdk = version("opentelemetry-sdk")
    except PackageNotFoundError:
        sdk = "unknown"
    return {
        "telemetry.sdk.language": "python",
        "telemetry.sdk.name": "opentelemetry",
        "telemetry.sdk.version": sdk,
        "telemetry.distro.name": "whisperwatch",
        "telemetry.distro.version": __version__,
    }


def _host() -> dict[str, Any]:
    return {
        "host.name": socket.gethostname(),
        "host.arch": platform.machine(),
        "os.type": platform.system().lower(),
    }


def _process(pid: int, python: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "process.pid": pid,
        "process.runtime.name": sys.implementation.name,
        "process.runtime.version": python,
    }
    try:
        process = psutil.Process(pid)
        found["process.executable.path"] = process.exe()
        found["process.executable.name"] = os.path.basename(process.exe())
        found["process.owner"] = process.username()
    except (psutil.Error, OSError, KeyError, ValueError):
        pass  # it ended, or may not be looked at
    return found


def _from_environment(service: Service) -> dict[str, Any]:
    named = {SERVICE_NAME: service.name} if service.name else {}
    # several processes have that variable, and an id each
    return {key: value for key, value in service.attributes if key != INSTANCE_ID} | named


def _name(hello: Mapping[str, Any], merged: Mapping[str, Any]) -> str:
    """The first bot that has a name by now, else what can be said of the program."""
    for name in hello.get("bots") or ():
        if name and name != _NAMELESS:
            return str(name)
    return f"{_UNKNOWN}:{hello.get('main') or merged.get('process.executable.name') or 'python'}"
