"""The resource: what wins over what."""

from __future__ import annotations

import os
import socket
import sys
from importlib.metadata import version

import pytest
from opentelemetry.sdk.resources import Resource

from whisperwatch.version import __version__
from whisperwatch.watcher.pipeline.resource import bot_resource, watcher_resource
from whisperwatch.watcher.settings import load


def service(tmp_path, **environ):
    return load(environ, tmp_path).service


@pytest.fixture
def hello():
    return {"pid": os.getpid(), "python": "3.11.7", "bots": ["demo"], "resource": {}}


def test_what_is_always_there(hello, tmp_path):
    made = bot_resource(hello, "i-1", service(tmp_path))
    expected = {
        "telemetry.sdk.language": "python",
        "telemetry.sdk.name": "opentelemetry",
        "telemetry.sdk.version": version("opentelemetry-sdk"),
        "telemetry.distro.name": "whisperwatch",
        "telemetry.distro.version": __version__,
        "service.name": "demo",
        "service.instance.id": "i-1",
        "process.pid": os.getpid(),
        "process.runtime.name": "cpython",
        "process.runtime.version": "3.11.7",
        "process.executable.path": os.path.realpath(sys.executable),
        "host.name": socket.gethostname(),
    }
    assert {key: made.get(key) for key in expected} == expected
    assert not any("command" in key for key in made), "arguments may hold secrets"


def test_what_the_environment_says_wins_as_in_the_sdk(hello, tmp_path, monkeypatch):
    environ = {
        "OTEL_RESOURCE_ATTRIBUTES": "service.name=a,service.version=2,host.name=h",
        "OTEL_SERVICE_NAME": "b",
    }
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    made = bot_resource(hello, "i-1", service(tmp_path, **environ))
    sdk = Resource.create().attributes
    for key in ("service.name", "service.version", "host.name"):
        assert made[key] == sdk[key]
    assert made["service.name"] == "b"


def test_the_instance_is_not_the_environments_for_several_processes_have_that(hello, tmp_path):
    made = bot_resource(
        hello, "mine-1", service(tmp_path, OTEL_RESOURCE_ATTRIBUTES="service.instance.id=mine")
    )
    assert made["service.instance.id"] == "mine-1"


def test_what_the_bot_says_wins_over_the_environment(hello, tmp_path):
    hello["resource"] = {"service.name": "said", "team": "x"}
    made = bot_resource(hello, "i-1", service(tmp_path, OTEL_RESOURCE_ATTRIBUTES="service.name=a,team=y"))
    assert (made["service.name"], made["team"]) == ("said", "x")


def test_the_sdks_random_instance_and_its_unknown_service_do_not_win(hello, tmp_path):
    hello["resource"] = dict(Resource.create().attributes)
    assert hello["resource"]["service.name"].startswith("unknown_service")
    made = bot_resource(hello, "i-1", service(tmp_path))
    assert (made["service.name"], made["service.instance.id"]) == ("demo", "i-1")


def test_a_nameless_bot_of_a_process_that_is_gone(tmp_path):
    made = bot_resource({"pid": 2**22 + 1, "python": "3.12.1"}, "i-1", service(tmp_path))
    assert made["service.name"] == "unknown_service:python"
    assert "process.executable.path" not in made


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ({"bots": ["unknown", "demo"], "main": "bot.py"}, "demo"),
        ({"bots": ["unknown"], "main": "bot.py"}, "unknown_service:bot.py"),
        ({"bots": [], "main": None}, "unknown_service:python"),
    ],
)
def test_the_first_bot_that_has_a_name_names_the_service_else_its_script(said, name, tmp_path):
    assert bot_resource({"pid": 2**22 + 1, **said}, "i-1", service(tmp_path))["service.name"] == name


def test_the_watchers_own(hello, tmp_path):
    bot = bot_resource(hello, "i-1", service(tmp_path))
    own = watcher_resource(service(tmp_path), "i-1", bot)
    assert (own["service.name"], own["service.instance.id"]) == ("demo", "i-1")
    assert watcher_resource(service(tmp_path), "i-1")["service.name"] == "unknown_service:whisperwatch"
    assert watcher_resource(service(tmp_path, OTEL_SERVICE_NAME="s"), "i-1")["service.name"] == "s"
