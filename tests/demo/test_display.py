from __future__ import annotations

import io

import pytest
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from rich.console import Console

from whisperwatch import semconv
from whisperwatch.demo import tracetree
from whisperwatch.demo.display import Board, Lines, Scene, summary
from whisperwatch.demo.measured import Measured
from whisperwatch.demo.receiver import ReceivedSpan, Traces
from whisperwatch.demo.truth import Deed, Truth


def span(number: str, parent: str, name: str, start: float, end: float, **attributes: object) -> ReceivedSpan:
    return ReceivedSpan("t", number, parent, name, "internal", "s", start, end, dict(attributes), False, "")


TRACE = [
    span("1", "", "message", 0.0, 1.0),
    span("2", "1", "listener Talk.on_message", 0.0, 1.0),
    span("3", "2", "GET", 0.1, 0.101, **{"db.system": "redis"}),
    span("4", "2", "chat companion-8b", 0.11, 0.6, **{"gen_ai.operation.name": "chat"}),
    span("5", "2", "INSERT", 0.61, 0.615, **{"db.system.name": "postgresql"}),
    span("6", "2", "POST /channels/{channel_id}/messages", 0.7, 1.0),
]


def text_of_metrics(commands: int) -> str:
    registry = CollectorRegistry()
    events = Counter("discord_gateway_events", "Events.", ("discord_event_name",), registry=registry)
    events.labels("MESSAGE_CREATE").inc(commands)
    duration = Histogram(
        "discord_command_duration_seconds", "Duration.", ("discord_command_name", "outcome"),
        buckets=semconv.SECONDS, registry=registry,
    )  # fmt: skip
    for _ in range(commands):
        duration.labels("note add", "ok").observe(0.02)
    duration.labels("oracle", "failure").observe(0.002)
    lag = Histogram("bot_event_loop_lag_seconds", "Lag.", buckets=semconv.FINE_SECONDS, registry=registry)
    lag.observe(0.0004)
    return generate_latest(registry).decode()


@pytest.fixture
def scene() -> Scene:
    traces = Traces()
    for item in TRACE:
        traces.add(item)
    scene = Scene(
        Truth(),
        traces,
        {"health": "http://127.0.0.1:41234/health", "metrics": "http://127.0.0.1:41234/metrics"},
        8,
    )
    scene.truth.did(Deed("ada", '@Wren "how was the lighthouse?"', "", 1.25))
    scene.truth.did(Deed("bo", "!oracle will it rain", "failure", 0.1))
    for number in (10, 30):
        scene.readings.append(Measured(text_of_metrics(number)))
    scene.readings[0].at -= 4 + scene.readings[0].at - scene.readings[1].at
    return scene


def drawn(scene: Scene, width: int, height: int, **options: object) -> list[str]:
    console = Console(
        file=io.StringIO(),
        width=width,
        height=height,
        force_terminal=True,
        color_system=None,
        legacy_windows=False,
    )
    console.print(Board(scene), height=height)
    output = console.file.getvalue()  # type: ignore[attr-defined]
    return output.rstrip("\n").split("\n")


@pytest.mark.parametrize(("width", "height"), [(80, 24), (200, 60), (72, 20)])
def test_the_board_fits_and_shows_everything(scene: Scene, width: int, height: int) -> None:
    lines = drawn(scene, width, height)
    text = "\n".join(lines)
    assert len(lines) == height
    assert max(map(len, lines)) <= width
    for expected in (
        "What users did", "What was measured", "The last trace", "ada", "1.2 s", "failure", "note add", "30",
        "18 ms", "oracle", "message", "listener", "LLM 1", "SQL 1", "Redis 1", "http://127.0.0.1:41234/health",
    ):  # fmt: skip
        assert expected in text, expected


def test_rates_are_over_the_last_seconds(scene: Scene) -> None:
    assert scene.rate(semconv.GATEWAY_EVENTS) == pytest.approx(20 / 4)
    assert "in 5.0/s" in summary(scene)[0]


def test_an_empty_scene_can_be_shown() -> None:
    text = "\n".join(drawn(Scene(Truth(), Traces(), {}, 0), 80, 24))
    assert "no trace yet" in text
    assert "none yet" in text


def test_a_tree_has_a_bar_for_each_span_where_it_lies() -> None:
    lines = tracetree.draw(TRACE, 100, 20).plain.split("\n")
    assert [line[:45].rstrip() for line in lines] == [
        "message", "  listener Talk.on_message", "    GET", "    chat companion-8b", "    INSERT",
        "    POST /channels/{channel_id}/messages",
    ]  # fmt: skip
    bars = [line[45:-9] for line in lines]
    assert bars[0] == "━" * 45
    assert bars[2].index("━") == 4
    assert bars[2].count("━") == 1
    assert bars[3].count("━") == 22
    assert bars[5].rstrip().endswith("━")
    assert [line[-9:].strip() for line in lines] == ["1.0 s", "1.0 s", "1 ms", "490 ms", "5 ms", "300 ms"]


def test_a_tree_too_high_says_how_much_is_missing() -> None:
    lines = tracetree.draw(TRACE, 60, 4).plain.split("\n")
    assert len(lines) == 4
    assert lines[-1].strip() == "and 3 more spans"


def test_a_span_whose_parent_has_not_come_stands_at_the_top() -> None:
    assert tracetree.draw([span("2", "gone", "listener", 0, 1)], 60, 4).plain.startswith("listener")


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.00084, "840 µs"), (0.0123, "12 ms"), (1.44, "1.4 s"), (432.1, "432 s"), (0.0, "0 µs")],
)
def test_durations_are_short(value: float, text: str) -> None:
    assert tracetree.seconds(value) == text


def test_lines_say_each_deed_once_and_the_figures_now_and_then(scene: Scene) -> None:
    said: list[str] = []
    lines = Lines(scene, said.append, figures_every_s=3600)
    lines.update()
    assert len(said) == 3
    assert said[0].split() == ["ada", "@Wren", '"how', "was", "the", 'lighthouse?"', "1.2", "s"]
    assert said[2].startswith("measured: in 5.0/s")
    scene.truth.did(Deed("bo", "!ping", "ok", 0.01))
    lines.update()
    assert said[3:] == ["    bo  !ping  10 ms"]
