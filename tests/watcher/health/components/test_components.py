"""Each component: from what is known of a bot to what is said of it. Time is the test's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from whisperwatch import semconv
from whisperwatch.watcher.health import judging
from whisperwatch.watcher.health.judging import Components, Options
from whisperwatch.watcher.health.probes.verdict import Verdict
from whisperwatch.watcher.health.report import Check, Component
from whisperwatch.watcher.health.steady import BETTER_S, WORSE_S
from whisperwatch.watcher.records import Endpoint, LocalStream

LLM, DB = "gen_ai.client.operation.duration", "db.client.operation.duration"
POOL = "db.client.connection"


class Stage:
    """A bot, its figures, and the components that are judged of it."""

    def __init__(self, world: Any, figures: Any, options: Options) -> None:
        self.world, self.clock = world, world.clock
        self.bot = figures(world.clock.unix + 1)
        self.source = world.source()
        self.checks: list[Check] = [Check("gateway", "healthy", "1 shard connected and ready.")]
        self.components = Components(lambda: [self.bot], lambda: [self.source], options)
        self.components._prober = SimpleNamespace(probes=[], left_out=0)  # type: ignore[assignment]
        self.judged()
        self.clock.pass_(2)

    def probed(self, system: str, component: str, kind: str, address: str = "srv") -> Verdict:
        """A server that is asked; what it answers is told to the verdict."""
        found = SimpleNamespace(component=component, name=system, kind=kind, address=address, arguments={})
        probe = SimpleNamespace(target=found, verdict=Verdict())
        self.components._prober.probes.append(probe)  # type: ignore[union-attr,attr-defined]
        return probe.verdict

    def judged(self) -> dict[str, Component]:
        self.source.beat = dict(self.source.beat or self.world.beat())
        self.clock.pass_(1)
        found = self.components.judge(self.clock(), [self.source], self.checks, None)
        return {one.name: one for one in found}

    def of(self, name: str) -> tuple[str, str]:
        one = self.judged()[name]
        return one.status, one.reason

    def numbers(self, name: str, part: str) -> dict[str, Any]:
        return next(dict(p.numbers) for p in self.judged()[name].parts if p.name == part)


@pytest.fixture
def stage(world: Any, figures: Any) -> Stage:
    return Stage(world, figures, Options())


def lasting(stage: Stage, name: str, seconds: float = WORSE_S) -> tuple[str, str]:
    """What is said of it once it has been so for long enough."""
    stage.of(name)
    stage.clock.pass_(seconds)
    return stage.of(name)


def test_all_are_there_in_the_order_of_the_guide(stage: Stage) -> None:
    assert tuple(stage.judged()) == semconv.HEALTH_COMPONENTS


@pytest.mark.parametrize("name", ["llm", "database", "memory", "cache", "tasks", "security"])
def test_what_a_bot_does_not_have_is_not_configured(stage: Stage, name: str) -> None:
    status, reason = stage.of(name)
    assert status == "not_configured"
    assert reason.endswith(".")


class TestSystem:
    def test_well(self, stage: Stage) -> None:
        stage.bot.set(semconv.SYSTEM_MEMORY_UTILIZATION.name, 0.4)
        stage.bot.set(semconv.SYSTEM_CPU_UTILIZATION.name, 0.99)
        for state, size in (("free", 60e9), ("used", 40e9)):
            attributes = {semconv.MOUNTPOINT: "/", semconv.FILESYSTEM_STATE: state}
            stage.bot.cell(semconv.SYSTEM_FILESYSTEM.name, "updowncounter", attributes).value = (size,)
        status, reason = stage.of("system")
        assert status == "healthy", "a CPU that was busy for a moment is no illness"
        assert "Disk / has 60.0 GB free (60 %)" in reason

    @pytest.mark.parametrize(("free", "used", "status"), [(2e9, 98e9, "degraded"), (0.5e9, 99e9, "unhealthy"),
                                                          (50e9, 5e12, "healthy"), (2e9, 2e9, "healthy")])  # fmt: skip
    def test_a_full_disk(self, stage: Stage, free: float, used: float, status: str) -> None:
        for state, size in (("free", free), ("used", used)):
            attributes = {semconv.MOUNTPOINT: "/", semconv.FILESYSTEM_STATE: state}
            stage.bot.cell(semconv.SYSTEM_FILESYSTEM.name, "updowncounter", attributes).value = (size,)
        assert lasting(stage, "system")[0] == status

    def test_no_memory_left(self, stage: Stage) -> None:
        stage.bot.set(semconv.SYSTEM_MEMORY_UTILIZATION.name, 0.99)
        assert stage.of("system") == ("degraded", "Memory suspect: is used to 99 %.")
        assert lasting(stage, "system") == ("unhealthy", "Memory is used to 99 %.")

    def test_a_cpu_that_is_busy_for_minutes(self, stage: Stage) -> None:
        for _ in range(20):
            stage.bot.set(semconv.SYSTEM_CPU_UTILIZATION.name, 0.99)
            stage.clock.pass_(15)
            stage.of("system")
        assert stage.of("system") == ("degraded", "CPU is used to 99 %.")

    def test_a_host_that_can_not_be_reached(self, stage: Stage) -> None:
        stage.bot.set(semconv.SYSTEM_MEMORY_UTILIZATION.name, 0.1)
        stage.probed("Discord at gateway.example:443", "system", "discord").bad("can't be resolved", 1.0)
        assert stage.of("system") == ("unhealthy", "Discord at gateway.example:443 can't be resolved.")

    def test_a_host_that_is_called_only_degrades(self, stage: Stage) -> None:
        stage.bot.set(semconv.SYSTEM_MEMORY_UTILIZATION.name, 0.1)
        stage.probed("HTTP at api.example:443", "system", "http").bad("can't be resolved", 1.0)
        assert stage.of("system")[0] == "degraded"

    async def test_only_hosts_that_the_bot_keeps_calling_are_asked(self, stage: Stage, figures: Any) -> None:
        used = [
            Endpoint("http", {"host": "127.0.0.1", "port": 1}),
            Endpoint("http", {"host": "127.0.0.2", "port": 1}),
        ]
        stage.bot.endpoints.update(enumerate(used))
        stage.source.stream = stage.bot
        components = Components(lambda: [stage.bot], lambda: [stage.source])
        components.refresh(stage.clock.unix)
        stage.bot.born = stage.clock.unix + 0.5
        stage.bot.record("http.client.request.duration", 0.1, times=5, server__address="127.0.0.1")
        stage.bot.record("http.client.request.duration", 0.1, times=1, server__address="127.0.0.2")
        components.refresh(stage.clock.unix + 1)
        assert [probe.target.address for probe in components._prober.probes] == ["127.0.0.1"]
        for n in range(1, 40):
            components.refresh(stage.clock.unix + 15 * n)
        assert components._prober.probes == []
        await asyncio.sleep(0)

    def test_figures_that_are_off(self, world: Any, figures: Any) -> None:
        stage = Stage(world, figures, Options(figures=False))
        status, reason = stage.of("system")
        assert status == "not_configured"
        assert "PERFORMANCE_MONITORING_ENABLED=false" in reason


class TestLanguageModel:
    def test_good_traffic_is_healthy_and_hides_a_list_that_fails(self, stage: Stage) -> None:
        stage.probed("OpenAI's API at srv", "llm", "openai").bad("is out of order (HTTP 500)", 1.0)
        assert stage.of("llm")[0] == "unhealthy"
        stage.bot.record(LLM, 1.0, times=5, server__address="srv")
        status, reason = stage.of("llm")
        assert status == "healthy"
        assert reason.startswith("Calls to srv: 0 of 5 failed, P95 ")
        stage.clock.pass_(60)
        for _ in range(10):
            stage.clock.pass_(15)
            stage.of("llm")
        assert stage.of("llm")[0] == "unhealthy", "nobody called it lately, and it doesn't answer"

    def test_traffic_of_one_says_nothing_of_another(self, stage: Stage) -> None:
        stage.probed("Anthropic's API at other", "llm", "anthropic", "other").bad("hangs", 1.0)
        stage.bot.record(LLM, 1.0, times=5, server__address="srv")
        assert stage.of("llm") == ("unhealthy", "Anthropic's API at other hangs.")

    def test_failing_calls(self, stage: Stage) -> None:
        stage.bot.record(LLM, 0.2, times=9, server__address="srv", error__type="APITimeoutError")
        stage.bot.record(LLM, 0.2, server__address="srv")
        assert stage.of("llm")[0] == "degraded"
        status, reason = lasting(stage, "llm")
        assert status == "unhealthy"
        assert "9 of 10 failed (APITimeoutError)" in reason

    def test_a_wrong_key_is_told_from_an_outage(self, stage: Stage) -> None:
        stage.bot.record(LLM, 0.2, times=5, server__address="srv", error__type="openai.AuthenticationError")
        assert "the key is refused" in stage.of("llm")[1]

    def test_a_rate_limit_is_no_outage(self, stage: Stage) -> None:
        stage.bot.record(LLM, 0.2, times=5, server__address="srv", error__type="RateLimitError")
        status, reason = lasting(stage, "llm")
        assert status == "degraded"
        assert "the provider limits the rate" in reason

    def test_recovery_is_noticed(self, stage: Stage) -> None:
        stage.bot.record(LLM, 0.2, times=20, server__address="srv", error__type="APIConnectionError")
        assert lasting(stage, "llm")[0] == "unhealthy"
        for _ in range(12):
            stage.clock.pass_(10)
            stage.bot.record(LLM, 0.2, times=2, server__address="srv")
            stage.of("llm")
        assert stage.of("llm")[0] == "healthy"

    def test_slow_answers(self, stage: Stage) -> None:
        stage.bot.record(LLM, 50.0, times=5, server__address="srv")
        status, reason = stage.of("llm")
        assert status == "degraded"
        assert "slow" in reason


class TestDatabase:
    def test_a_pool_that_is_used_up_shows_although_the_server_answers(self, stage: Stage) -> None:
        stage.probed("PostgreSQL at db:5432", "database", "postgresql").good("answers SELECT 1", 0.002, 1.0)
        pool = {"db__client__connection__pool__name": "main"}
        stage.bot.set(f"{POOL}.count", 10, **pool, db__client__connection__state="used")
        stage.bot.set(f"{POOL}.count", 0, **pool, db__client__connection__state="idle")
        stage.bot.set(f"{POOL}.max", 10, **pool)
        stage.bot.set(f"{POOL}.pending_requests", 0, **pool)
        assert stage.of("database")[0] == "healthy"
        stage.bot.set(f"{POOL}.pending_requests", 7, **pool)
        found = "the pool main {}is used up: 10 of 10 connections in use, 7 wait for one."
        assert stage.of("database") == ("degraded", found.format("suspect: ").replace("the", "The"))
        assert lasting(stage, "database") == ("unhealthy", found.format("").replace("the", "The"))
        assert stage.numbers("database", "the pool main") == {"used": 10, "pending": 7, "max": 10}
        stage.bot.set(f"{POOL}.pending_requests", 0, **pool)
        assert lasting(stage, "database", BETTER_S)[0] == "healthy"

    def test_of_several_addresses_of_one_database_one_may_be_none(self, stage: Stage) -> None:
        here = stage.probed("PostgreSQL at localhost:5432", "database", "postgresql")
        stage.probed("PostgreSQL at a unix socket", "database", "postgresql").bad("is not there", 1.0)
        assert stage.of("database")[0] == "unhealthy"
        here.good("answers SELECT 1", 0.002, 1.0)
        status, reason = stage.of("database")
        assert status == "healthy"
        assert "A unix socket is not there; another address of it answers" in reason.replace(
            "a unix", "A unix"
        )
        here.bad("is shutting down", 2.0)
        assert stage.of("database")[0] == "unhealthy"

    def test_long_waits_for_a_connection(self, stage: Stage) -> None:
        stage.bot.set(f"{POOL}.count", 3, db__client__connection__state="used")
        stage.bot.record(f"{POOL}.wait_time", 5.0, times=10)
        assert stage.of("database")[0] == "degraded"

    def test_failing_queries_degrade(self, stage: Stage) -> None:
        stage.bot.record(DB, 0.01, times=10, db__system__name="postgresql")
        assert stage.of("database")[0] == "healthy"
        stage.bot.record(DB, 0.01, times=30, db__system__name="postgresql", error__type="UndefinedTableError")
        status, reason = lasting(stage, "database")
        assert status == "degraded"
        assert "Queries to postgresql: 30 of 40 failed (UndefinedTableError)" in reason

    def test_an_idle_one(self, stage: Stage) -> None:
        stage.bot.record(DB, 0.01, db__system__name="postgresql")
        for _ in range(40):
            stage.clock.pass_(15)
            stage.of("database")
        assert stage.of("database")[0] == "unknown"


class TestMemory:
    def test_its_operations(self, stage: Stage) -> None:
        stage.bot.record(DB, 0.01, times=10, db__system__name="chroma")
        assert stage.of("memory")[1].startswith("Calls to chroma: 0 of 10 failed")
        assert stage.of("database")[0] == "not_configured", (
            "a vector store's operations are those of the memory"
        )
        stage.bot.record(DB, 0.01, times=30, db__system__name="chroma", error__type="NotFoundError")
        assert lasting(stage, "memory")[0] == "unhealthy"

    def test_slow_ones(self, stage: Stage) -> None:
        stage.bot.record(DB, 9.0, times=10, db__system__name="qdrant")
        assert stage.of("memory")[0] == "degraded"

    def test_while_idle_its_store_is_asked(self, stage: Stage) -> None:
        stage.probed("Chroma at srv", "database", "chroma").good("answers its heartbeat", 0.002, 1.0)
        assert stage.of("memory") == ("healthy", "Chroma at srv answers its heartbeat (2 ms).")

    def test_the_bots_own_word(self, stage: Stage) -> None:
        stage.bot.record("bot.memory.operation.duration", 0.2, times=4, bot__memory__operation="retrieve")
        assert stage.of("memory")[1].startswith("Retrieve operations: 0 of 4 failed")


class TestCache:
    def test_the_hit_rate(self, stage: Stage) -> None:
        stage.bot.count("bot.cache.requests", 90, bot__cache__name="embeddings", bot__cache__result="hit")
        stage.bot.count("bot.cache.requests", 30, bot__cache__name="embeddings", bot__cache__result="miss")
        assert stage.of("cache") == ("healthy", "The cache embeddings answers 75 % of 120 requests.")
        assert stage.numbers("cache", "the cache embeddings")["hit_rate"] == 0.75

    def test_one_that_hardly_ever_hits(self, stage: Stage) -> None:
        stage.bot.count("bot.cache.requests", 200, bot__cache__name="embeddings", bot__cache__result="miss")
        assert stage.of("cache")[0] == "degraded"


class TestDiscord:
    def test_well(self, stage: Stage) -> None:
        stage.bot.record(semconv.COMMAND_DURATION.name, 0.2, times=5, outcome="ok")
        status, reason = stage.of("discord")
        assert status == "healthy"
        assert "Gateway: 1 shard connected and ready; heartbeats are answered in 100 ms" in reason
        assert "commands: 0 of 5 failed" in reason

    def test_the_gateway_is_told_of_as_its_check_does(self, stage: Stage) -> None:
        stage.checks = [Check("gateway", "unhealthy", "0 of 1 shard ready; not ready: 0.", ready=False)]
        assert stage.of("discord") == ("unhealthy", "Gateway: 0 of 1 shard ready; not ready: 0.")

    def test_failing_commands_degrade(self, stage: Stage) -> None:
        stage.bot.record(semconv.COMMAND_DURATION.name, 0.2, times=50, outcome="failure")
        status, reason = lasting(stage, "discord")
        assert status == "degraded"
        assert "50 of 50 failed" in reason

    @pytest.mark.parametrize(
        ("invalid", "status"), [(400, "healthy"), (5_000, "degraded"), (9_500, "unhealthy")]
    )
    def test_invalid_requests(self, stage: Stage, invalid: int, status: str) -> None:
        stage.bot.set(semconv.INVALID_REQUESTS.name, invalid)
        assert lasting(stage, "discord")[0] == status

    def test_identifies_that_run_out(self, stage: Stage) -> None:
        stage.bot.set(semconv.IDENTIFY_LIMIT.name, 1000)
        stage.bot.set(semconv.IDENTIFY_REMAINING.name, 40)
        assert stage.of("discord") == ("degraded", "Identify budget: 40 of 1000 left today.")

    def test_slow_heartbeats(self, stage: Stage) -> None:
        stage.source.beat["bots"][0]["shards"][0]["latency"] = 2.5
        assert stage.of("discord") == ("degraded", "Heartbeats are answered in 2.5 s.")

    def test_missing_intents(self, stage: Stage) -> None:
        stage.source.beat["bots"][0]["lacks"] = {"message_content": "prefix commands are never seen"}
        assert stage.of("discord") == (
            "degraded",
            "Intents missing: message_content (prefix commands are never seen).",
        )


class TestTasks:
    @pytest.mark.parametrize(
        ("ok", "failed", "status"), [(5, 0, "healthy"), (5, 1, "degraded"), (0, 1, "unhealthy")]
    )
    def test_loops(self, stage: Stage, ok: int, failed: int, status: str) -> None:
        for outcome, times in (("ok", ok), ("failure", failed)):
            attributes = {"discord__task__name": "Cog.tick", "outcome": outcome}
            if times:
                stage.bot.record(semconv.TASK_DURATION.name, 0.2, times=times, **attributes)
        assert lasting(stage, "tasks")[0] == status

    def test_one_that_is_overdue(self, stage: Stage) -> None:
        stage.bot.set(semconv.TASK_NEXT_RUN.name, -300, discord__task__name="Cog.tick")
        assert stage.of("tasks") == ("degraded", "The next run of Cog.tick is overdue by 5 min.")

    def test_a_long_queue(self, stage: Stage) -> None:
        stage.bot.set("bot.queue.depth", 12, bot__queue__name="jobs")
        assert stage.of("tasks") == ("healthy", "The queue jobs holds 12 jobs.")
        stage.bot.set("bot.queue.depth", 5000, bot__queue__name="jobs")
        assert stage.of("tasks")[0] == "degraded"


def test_security(stage: Stage) -> None:
    stage.bot.count("bot.security.events", 5, bot__security__kind="login", bot__security__outcome="allowed")
    assert stage.of("security") == ("healthy", "Login: 0 of 5 were refused in the last 5 minutes.")
    stage.bot.count("bot.security.events", 50, bot__security__kind="login", bot__security__outcome="denied")
    assert stage.of("security")[0] == "degraded"


@pytest.mark.parametrize(("bots", "status"), [(("wren", "wren"), "healthy"), (("wren", "robin"), "degraded")])
def test_refused_commands_are_compared_with_all_of_the_same_bot(
    stage: Stage, bots: tuple[str, str], status: str
) -> None:
    ran, refused = bots
    stage.bot.record(semconv.COMMAND_DURATION.name, 0.1, times=401, outcome="ok", bot__name=ran)
    denied = {"bot__security__kind": "command", "bot__security__outcome": "denied", "bot__name": refused}
    stage.bot.count("bot.security.events", 30, **denied)
    assert stage.of("security") == (status, "Command: 30 of 401 were refused in the last 5 minutes.")
    stage.bot.count("bot.security.events", 15, **denied)
    assert stage.of("security") == ("degraded", "Command: 45 of 401 were refused in the last 5 minutes.")
    assert stage.numbers("security", "command:") == {"events": 45, "refused": 45, "commands": 401}


class TestMonitor:
    def test_well(self, stage: Stage) -> None:
        stage.checks += [Check("settings", "healthy", "All settings are right.")]
        stage.source.beat["tape"] = (1_000, 0)
        status, reason = stage.of("monitor")
        assert status == "healthy"
        assert "tape: 0.0 MB wait in the bot's process" in reason
        assert stage.numbers("monitor", "watcher")["memory_bytes"] > 1e6

    def test_losses(self, stage: Stage) -> None:
        stage.source.beat["tape"] = (1_000, 0)
        stage.bot.count("whisperwatch.dropped", 9, signal="spans", reason="tape_full")
        assert stage.of("monitor") == (
            "degraded",
            "Losses: 9 records lost and 0 hooks failed in the last 5 minutes.",
        )

    def test_the_last_success_of_the_export(self, stage: Stage) -> None:
        stage.checks += [Check("telemetry export", "healthy", "Telemetry reaches the collector.")]
        export = SimpleNamespace(
            endpoint="http://c", failing_since=None, last_success=stage.clock.unix - 7, error=None,
            waiting_bytes=5, spooled_bytes=0, dropped=2,
        )  # fmt: skip
        (monitor,) = [
            one
            for one in stage.components.judge(stage.clock(), [stage.source], stage.checks, export)
            if one.name == "monitor"
        ]
        (part,) = [part for part in monitor.parts if part.name == "telemetry export:"]
        assert part.text == "Telemetry reaches the collector; it last did 7.0 s ago"
        assert part.numbers["dropped"] == 2


class TestCustom:
    def test_what_the_beat_brings(self, stage: Stage) -> None:
        told = {"name": "payments", "critical": True, "status": "degraded", "text": "slow", "took_s": 0.5}
        stage.source.beat["checks"] = [told]
        found = stage.judged()["payments"]
        assert (found.status, found.reason, found.critical) == ("degraded", "Slow.", True)
        assert found.parts[0].numbers == {"took_s": 0.5}

    def test_one_without_a_name(self, stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
        stage.source.beat["checks"] = [{"status": "healthy"}]
        assert tuple(stage.judged()) == semconv.HEALTH_COMPONENTS
        assert "can't be read" in caplog.text

    def test_a_status_that_means_nothing(self, stage: Stage) -> None:
        stage.source.beat["checks"] = [{"name": "payments", "status": "superb"}]
        assert stage.judged()["payments"].status == "unknown"


def test_a_component_that_can_not_be_judged_harms_no_other(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    stage.source.beat["tape"] = ("many", "few")
    for _ in range(3):
        found = stage.judged()
        stage.clock.pass_(10)
    assert (found["monitor"].status, found["monitor"].reason) == (
        "unknown",
        "Monitor could not be judged (ValueError).",
    )
    assert found["discord"].status == "healthy"
    assert len([r for r in caplog.records if "monitor can't be judged" in r.message]) == 1


def test_a_judgement_is_kept_for_a_second(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    judge: Callable[..., Any] = stage.components.judge
    first = judge(stage.clock(), [stage.source], stage.checks, None)
    assert judge(stage.clock(), [stage.source], stage.checks, None) is first
    stage.clock.pass_(judging._FRESH_S)
    assert judge(stage.clock(), [stage.source], stage.checks, None) is not first


def test_the_statuses_are_figures_too(stage: Stage) -> None:
    own = LocalStream({})
    components = Components(lambda: [stage.bot], lambda: [stage.source], own=own)
    stage.checks = [Check("gateway", "unhealthy", "Down.")]
    components.judge(stage.clock(), [stage.source], stage.checks, None)
    (instrument,) = own.instruments
    assert instrument.name == "whisperwatch.component.health"
    found = {cell.attributes["whisperwatch.component.name"]: cell.value for cell in instrument.cells}
    assert tuple(found) == semconv.HEALTH_COMPONENTS
    assert (found["discord"], found["monitor"], found["llm"]) == ((0.0,), (1.0,), (-1.0,))
