from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest

from whisperwatch.watcher.health.probes import prober
from whisperwatch.watcher.health.probes.errors import ProbeError
from whisperwatch.watcher.health.probes.prober import MOST, Probe, Prober, Timing
from whisperwatch.watcher.health.probes.targets import Target, target
from whisperwatch.watcher.records import Endpoint

SHORT = Timing(3600.0, timeout_s=0.4, attempts=2, delay_s=0.02)


def asked(ask: Callable[[Mapping[str, Any]], Awaitable[str]]) -> Target:
    return Target(b"key", "database", "Tested", "redis", "tested", {}, ask)


class TestTiming:
    @pytest.mark.parametrize(
        ("timing", "attempt_s"),
        [
            (Timing(), 20 / 3),
            (Timing(timeout_s=30, attempts=1), 30),
            (Timing(timeout_s=30, attempts=3, delay_s=60), 5),
            (Timing(timeout_s=0.3, attempts=3, delay_s=5), 0.05),
        ],
    )
    def test_all_attempts_share_one_deadline(self, timing: Timing, attempt_s: float) -> None:
        assert timing.attempt_s == pytest.approx(attempt_s)


async def test_all_attempts_end_by_the_deadline() -> None:
    async def hang(_: Any) -> str:
        await asyncio.sleep(3600)
        return ""

    probe = Probe(asked(hang), Timing(timeout_s=0.3, attempts=3, delay_s=0.05))
    loop = asyncio.get_running_loop()
    began = loop.time()
    await probe.round()
    assert 0.25 < loop.time() - began < 3.0
    assert probe.verdict.status == "unhealthy"


async def test_a_retry_that_succeeds_is_no_finding() -> None:
    answers = iter([ProbeError("hiccups"), "answers"])
    seen = []

    async def ask(_: Any) -> str:
        seen.append(probe.verdict.status)
        answer = next(answers)
        if isinstance(answer, ProbeError):
            raise answer
        return answer

    probe = Probe(asked(ask), SHORT)
    await probe.round()
    assert seen == ["unknown", "degraded"]
    assert probe.verdict.status == "degraded"
    assert "good answer 1 of 2" in probe.verdict.text


async def test_what_will_not_end_is_left_behind_and_not_asked_twice() -> None:
    begun = 0
    release = asyncio.Event()

    async def stubborn(_: Any) -> str:
        nonlocal begun
        begun += 1
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue
        return "too late"

    probe = Probe(asked(stubborn), SHORT)
    await probe.round()
    await probe.round()
    assert begun == 1
    assert probe.verdict.text == "hangs: the last question to it has not ended yet"
    release.set()
    assert probe._attempt is not None
    await asyncio.wait({probe._attempt})


async def test_an_unforeseen_failure_is_told_by_its_type_alone() -> None:
    async def ask(_: Any) -> str:
        raise KeyError("hunter2")

    probe = Probe(asked(ask), SHORT)
    await probe.round()
    assert probe.verdict.text == "could not be asked (KeyError)"


async def test_one_that_hangs_delays_no_other(
    probe_of: Any, lying: Any, until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    hanging = Endpoint("redis", {"host": "127.0.0.1", "port": await lying(None)})
    well = Endpoint("redis", {"host": "127.0.0.1", "port": await lying(b"+PONG\r\n")})
    asking = Prober(lambda: [hanging, well], Timing(0.01, timeout_s=3600.0, attempts=1))
    asking.tend()
    await until(lambda: [probe.verdict.status for probe in asking.probes] == ["unknown", "healthy"])
    asking.stop()
    await asyncio.sleep(0)


async def test_what_is_new_is_asked_and_what_is_gone_is_not() -> None:
    used = [
        Endpoint("redis", {"host": "127.0.0.1", "port": 1}),
        Endpoint("redis", {"port": 1, "host": "127.0.0.1"}),
    ]
    asking = Prober(lambda: used, SHORT)
    asking.tend()
    (first,) = asking.probes
    used.append(Endpoint("redis", {"host": "127.0.0.1", "port": 2}))
    used.append(Endpoint("qdrant", {"embedded": True}))
    used.append(Endpoint("carrier pigeon", {"host": "127.0.0.1"}))
    asking.tend()
    assert len(asking.probes) == 2
    assert first in asking.probes
    used.clear()
    asking.tend()
    assert asking.probes == []
    await asyncio.sleep(0)


async def test_new_times_hold_for_what_is_asked_already_and_for_what_comes() -> None:
    used = [Endpoint("redis", {"host": "127.0.0.1", "port": 1})]
    asking = Prober(lambda: used, SHORT)
    asking.tend()
    (first,) = asking.probes
    new = Timing(60.0, timeout_s=7.0)
    asking.follow(new)
    used.append(Endpoint("redis", {"host": "127.0.0.1", "port": 2}))
    asking.tend()
    assert first in asking.probes, "what is known of it is kept"
    assert [probe.timing for probe in asking.probes] == [new, new]
    asking.stop()
    await asyncio.sleep(0)


async def test_they_are_bounded() -> None:
    used = [Endpoint("redis", {"host": "127.0.0.1", "port": port}) for port in range(1, MOST + 6)]
    asking = Prober(lambda: used, SHORT)
    asking.tend()
    assert (len(asking.probes), asking.left_out) == (MOST, 5)
    asking.stop()
    await asyncio.sleep(0)


async def test_the_bots_instrumentations_look_away(until: Any) -> None:
    from opentelemetry import context

    seen = []

    async def ask(_: Any) -> str:
        seen.append(context.get_value(context._SUPPRESS_INSTRUMENTATION_KEY))
        return "answers"

    running = asyncio.create_task(Probe(asked(ask), SHORT).run())
    await until(lambda: seen)
    running.cancel()
    assert seen == [True]
    assert context.get_value(context._SUPPRESS_INSTRUMENTATION_KEY) is None
    assert prober.MOST == MOST


class TestTargets:
    @pytest.mark.parametrize(
        ("system", "arguments", "name"),
        [
            ("asyncpg", {"host": "db", "port": 5433}, "PostgreSQL at db:5433"),
            ("postgresql", {"host": ["a", "b"], "port": [1, 2]}, "PostgreSQL at a:1"),
            ("postgresql", {"host": "/run/postgresql"}, "PostgreSQL at a unix socket"),
            ("postgresql", {"dsn": "postgresql://u:hunter2@db/x"}, "PostgreSQL at db:5432"),
            ("postgresql", {"dsn": "postgresql://u@/x?host=/run"}, "PostgreSQL at a unix socket"),
            ("redis", {}, "Redis at localhost:6379"),
            ("redis", {"unix_socket_path": "/run/redis.sock"}, "Redis at a unix socket"),
            (
                "openai",
                {"base_url": "https://user:hunter2@llm.example/v1/"},
                "OpenAI's API at llm.example:443",
            ),
            ("openai", {"base_url": "http://127.0.0.1:8080/v1"}, "OpenAI's API at 127.0.0.1:8080"),
            ("openai", {}, "OpenAI's API at api.openai.com:443"),
            ("anthropic", {}, "Anthropic's API at api.anthropic.com:443"),
            ("chroma", {"host": "http://chroma.example:8001"}, "Chroma at chroma.example:8001"),
            ("qdrant", {"url": "https://q.example:6333"}, "Qdrant at q.example:6333"),
            ("http", {"host": "api.example", "port": 443}, "HTTP at api.example:443"),
        ],
    )
    def test_names_hold_no_secrets(self, system: str, arguments: dict[str, Any], name: str) -> None:
        found = target(Endpoint(system, {"password": "hunter2", **arguments}))
        assert found is not None
        assert found.name == name
        assert "hunter2" not in repr(found).replace(repr(found.key), "")

    @pytest.mark.parametrize(
        ("system", "arguments"),
        [
            ("chroma", {"embedded": True}),
            ("carrier pigeon", {"host": "loft"}),
            ("redis", {"host": "127.0.0.1", "port": "many"}),
            ("redis", {"host": object()}),
            ("openai", {"base_url": "http://[oh"}),
        ],
    )
    def test_what_can_not_be_asked(self, system: str, arguments: dict[str, Any]) -> None:
        assert target(Endpoint(system, arguments)) is None
