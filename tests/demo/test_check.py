from __future__ import annotations

import dataclasses
from collections import Counter
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, Gauge, Histogram, generate_latest
from prometheus_client import Counter as PrometheusCounter

from whisperwatch import semconv
from whisperwatch.demo import check
from whisperwatch.demo.check import compare, settle
from whisperwatch.demo.ledgers import Done
from whisperwatch.demo.measured import Measured
from whisperwatch.demo.receiver import ReceivedSpan, Traces
from whisperwatch.watcher.naming import label_name, metric_name

MESSAGES = "/channels/{channel_id}/messages"
RUN = "Memories.consolidate"
# Ada calls !ping (message 1), then talks to the bot (message 2); Bo presses a button.
DONE = Done(
    events=Counter({"READY": 1, "MESSAGE_CREATE": 4, "INTERACTION_CREATE": 1}),
    connections=Counter({"ready": 1}),
    commands=Counter({("ping", "prefix", "ok"): 1, ("MoodView.good", "component", "ok"): 1}),
    requests=Counter({("POST", MESSAGES, "200"): 2}),
    tasks=Counter({(RUN, "ok"): 1}),
    command_messages=frozenset({1}),
    talks=frozenset({2}),
    replied=frozenset({1, 2}),
    interactions=1,
    answered_interactions=1,
    model_answers=1,
    tokens=Counter(input=20, output=7),
    turns=1,
    cache_reads=1,
    lookups=Counter({"miss": 1}),
    memories=Counter({"retrieve": 1, "store": 1}),
    users=2,
    conversations=2,
    feedback=Counter({("positive", "reaction"): 1}),
)
MEASURED: dict[semconv.Metric, dict[tuple[tuple[str, str], ...], int]] = {
    semconv.GATEWAY_EVENTS: {
        ((semconv.EVENT, "READY"),): 1,
        ((semconv.EVENT, "MESSAGE_CREATE"),): 4,
        ((semconv.EVENT, "INTERACTION_CREATE"),): 1,
    },
    semconv.GATEWAY_CONNECTS: {((semconv.SHARD, "0"),): 1},
    semconv.COMMAND_DURATION: {
        ((semconv.COMMAND, "ping"), (semconv.COMMAND_KIND, "prefix"), (semconv.OUTCOME, "ok")): 1,
        ((semconv.COMMAND, "MoodView.good"), (semconv.COMMAND_KIND, "component"), (semconv.OUTCOME, "ok")): 1,
        ((semconv.COMMAND, "roll"), (semconv.COMMAND_KIND, "prefix"), (semconv.OUTCOME, "ok")): 0,
    },
    semconv.MESSAGES_HANDLED: {((semconv.EVENT, "message"),): 2, ((semconv.EVENT, "interaction"),): 1},
    semconv.RESPONSE_TIME: {((semconv.EVENT, "message"),): 2, ((semconv.EVENT, "interaction"),): 1},
    semconv.HTTP_DURATION: {
        ((semconv.METHOD, "POST"), (semconv.ROUTE, MESSAGES), (semconv.STATUS_CODE, "200")): 2
    },
    semconv.LLM_USED_TOKENS: {
        ((semconv.GEN_AI_TOKEN_TYPE, "input"),): 20,
        ((semconv.GEN_AI_TOKEN_TYPE, "output"),): 7,
    },
    semconv.CACHE_REQUESTS: {((semconv.CACHE_RESULT, "miss"),): 1},
    semconv.MEMORY_DURATION: {
        ((semconv.MEMORY_OPERATION, "retrieve"),): 1,
        ((semconv.MEMORY_OPERATION, "store"),): 1,
    },
    semconv.CONVERSATIONS: {((semconv.BOT_NAME, "wren"),): 2},
    semconv.USERS_ACTIVE: {((semconv.WINDOW, "day"),): 2, ((semconv.WINDOW, "week"),): 3},
    semconv.FEEDBACK: {((semconv.FEEDBACK_VALUE, "positive"), (semconv.SOURCE, "reaction")): 1},
    semconv.TASK_DURATION: {((semconv.TASK, RUN), (semconv.OUTCOME, "ok")): 1},
}


def exposed(values: dict[semconv.Metric, dict[tuple[tuple[str, str], ...], int]]) -> Measured:
    registry = CollectorRegistry()
    for metric, points in values.items():
        name = metric_name(metric.name, metric.unit, metric.kind)
        labels = [label_name(key) for key, _ in next(iter(points))]
        if metric.kind == "histogram":
            histogram = Histogram(name, "h", labels, registry=registry, buckets=metric.buckets)
            for point, count in points.items():
                child = histogram.labels(*(value for _, value in point))
                for _ in range(count):
                    child.observe(0.01)
        elif metric.kind == "gauge":
            gauge = Gauge(name, "g", labels, registry=registry)
            for point, count in points.items():
                gauge.labels(*(value for _, value in point)).set(count)
        else:
            counter = PrometheusCounter(name, "c", labels, registry=registry)
            for point, count in points.items():
                counter.labels(*(value for _, value in point)).inc(count)
    return Measured(generate_latest(registry).decode())


def hashed(number: int) -> str:
    return f"#{number}"


def span(
    trace: str, number: str, parent: str, name: str, kind: str = "internal", **attributes: Any
) -> ReceivedSpan:
    return ReceivedSpan(trace, number, parent, name, kind, semconv.SCOPE, 0, 1, attributes, False, "")


def recorded() -> list[ReceivedSpan]:
    rest = {semconv.ROUTE: MESSAGES}
    return [
        span("ping", "r", "", "message", "consumer", **{semconv.MESSAGE_ID: "#1"}),
        span("ping", "c", "r", "command ping", **{semconv.COMMAND: "ping"}),
        span("ping", "p", "c", f"POST {MESSAGES}", "client", **rest),
        span("talk", "r", "", "message", "consumer", **{semconv.MESSAGE_ID: "#2"}),
        span("talk", "g", "r", "GET", "client", **{"db.system": "redis", "db.statement": "GET ?"}),
        span("talk", "l", "r", "chat", "client", **{"gen_ai.operation.name": "chat"}),
        span("talk", "s", "r", "INSERT", "client",
             **{"db.system.name": "postgresql", "db.query.text": "INSERT INTO turns (person) VALUES ($1)"}),
        span("talk", "p", "r", f"POST {MESSAGES}", "client", **rest),
        span("click", "r", "", "interaction", "consumer"),
        span("task", "r", "", f"task {RUN}"),
        span("start", "r", "", "GET /users/@me", "client", **{semconv.ROUTE: "/users/@me"}),
    ]  # fmt: skip


def traces_of(spans: list[ReceivedSpan]) -> Traces:
    traces = Traces()
    for item in spans:
        traces.add(item)
    return traces


def wrong(
    done: Done = DONE, measured: Measured | None = None, spans: list[ReceivedSpan] | None = None
) -> set[str]:
    traces = traces_of(recorded() if spans is None else spans)
    rows = compare(done, measured or exposed(MEASURED), traces, hashed)
    return {row.item for row in rows if not row.ok}


def test_what_agrees_agrees() -> None:
    assert wrong() == set()


@pytest.mark.parametrize(
    ("changes", "items"),
    [
        ({"events": Counter({"READY": 1, "MESSAGE_CREATE": 5, "INTERACTION_CREATE": 1})}, {"event MESSAGE_CREATE"}),
        ({"events": Counter({"READY": 1, "MESSAGE_CREATE": 4})}, {"event INTERACTION_CREATE"}),
        ({"connections": Counter({"ready": 2})}, {"connects"}),
        ({"connections": Counter({"ready": 1, "resumed": 1})}, {"resumes"}),
        (
            {"commands": Counter({("ping", "prefix", "failure"): 1, ("MoodView.good", "component", "ok"): 1})},
            {"command ping prefix ok", "command ping prefix failure"},
        ),
        ({"requests": Counter({("POST", MESSAGES, "200"): 3})}, {f"REST POST {MESSAGES} 200"}),
        ({"tasks": Counter({(RUN, "ok"): 2})}, {f"task {RUN} ok", f"root span task {RUN}"}),
        ({"interactions": 2}, {"handled interaction", "root span interaction"}),
        ({"answered_interactions": 0}, {"replied interaction"}),
        ({"model_answers": 2}, {"model answers (LLM spans)"}),
        ({"tokens": Counter(input=20, output=8)}, {"LLM tokens, output"}),
        ({"turns": 0}, {"turns stored (INSERT spans)"}),
        ({"cache_reads": 4}, {"cache reads (GET spans)"}),
        (
            {"talks": frozenset({2, 3}), "replied": frozenset({1, 2, 3})},
            {
                "handled message", "replied message", "root span message", "talks with a trace of their own",
                "… SQL, Redis and REST under it",
            },
        ),
    ],
)  # fmt: skip
def test_a_false_ledger_is_found(changes: dict[str, Any], items: set[str]) -> None:
    assert wrong(dataclasses.replace(DONE, **changes)) == items


def test_every_number_of_the_ledger_counts() -> None:
    """No field may be left out of the comparison: each, emptied, has to disagree."""
    for field in dataclasses.fields(Done):
        empty = type(getattr(DONE, field.name))()
        assert wrong(dataclasses.replace(DONE, **{field.name: empty})), field.name


def test_what_was_recorded_and_never_done_is_wrong() -> None:
    more = MEASURED | {semconv.SELF_INTERNAL_ERRORS: {((semconv.WHERE, "event"),): 1}}
    assert wrong(measured=exposed(more)) == {"internal errors"}
    events = MEASURED[semconv.GATEWAY_EVENTS] | {((semconv.EVENT, "TYPING_START"),): 2}
    assert wrong(measured=exposed(MEASURED | {semconv.GATEWAY_EVENTS: events})) == {"event TYPING_START"}


@pytest.mark.parametrize(
    ("spans", "items"),
    [
        (
            [s for s in recorded() if (s.trace_id, s.span_id) != ("ping", "c")],
            {"… command and REST under it", "spans whose parent is missing"},
        ),
        (
            [s for s in recorded() if s.name != "INSERT"],
            {"… SQL, Redis and REST under it", "turns stored (INSERT spans)"},
        ),
        ([*recorded(), recorded()[0]], {"spans that came twice"}),
        (
            [*recorded(), dataclasses.replace(recorded()[0], trace_id="again")],
            {"root span message", "commands with a trace of their own"},
        ),
        (
            [dataclasses.replace(s, attributes={}) if s.name == "message" else s for s in recorded()],
            {
                "talks with a trace of their own", "commands with a trace of their own",
                "… SQL, Redis and REST under it", "… command and REST under it",
            },
        ),
        ([*recorded(), span("odd", "r", "", "listener Talk.on_message")], {"root span listener Talk.on_message"}),
    ],
)  # fmt: skip
def test_spans_that_are_missing_doubled_or_too_many_are_found(
    spans: list[ReceivedSpan], items: set[str]
) -> None:
    assert wrong(spans=spans) == items


async def test_it_waits_until_both_sides_have_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "_LOOK_AGAIN_S", 0)
    late = [exposed(MEASURED | {semconv.GATEWAY_CONNECTS: {((semconv.SHARD, "0"),): 0}}), exposed(MEASURED)]
    done = [dataclasses.replace(DONE, turns=0), DONE, DONE]

    async def read() -> Done:
        return done.pop(0) if len(done) > 1 else done[0]

    async def scrape() -> Measured:
        return late.pop(0) if len(late) > 1 else late[0]

    rows = await settle(read, scrape, traces_of(recorded()), hashed, timeout_s=60)
    assert all(row.ok for row in rows)


async def test_it_gives_up_with_the_last_comparison() -> None:
    async def read() -> Done:
        return dataclasses.replace(DONE, turns=7)

    async def scrape() -> Measured:
        return exposed(MEASURED)

    rows = await settle(read, scrape, traces_of(recorded()), hashed, timeout_s=0)
    assert [(row.item, row.did, row.recorded) for row in rows if not row.ok] == [
        ("turns stored (INSERT spans)", 7, 1)
    ]


def test_the_table_has_a_line_for_each_row() -> None:
    rows = compare(DONE, exposed(MEASURED), traces_of(recorded()), hashed)
    assert check.table(rows).row_count == len(rows)
