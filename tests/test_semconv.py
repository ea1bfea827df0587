"""The rules that every name keeps: OpenTelemetry's for names, and the design's."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
from collections import Counter
from types import ModuleType

import opentelemetry.semconv._incubating.attributes
import opentelemetry.semconv._incubating.metrics
import opentelemetry.semconv.attributes
import pytest

from whisperwatch import semconv
from whisperwatch.semconv import ATTRIBUTES, METRICS, SPANS, Metric
from whisperwatch.watcher.naming import metric_name

NAMESPACES = {"bot", "cpython", "db", "discord", "gen_ai", "http", "process", "system", "whisperwatch"}
NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*(\.[a-z0-9]+(_[a-z0-9]+)*)+")
UNIT = re.compile(r"s|By|1|\{([a-z_]+|USD)\}")
OF_THE_PROCESS = {
    "bot.event_loop.lag",
    "bot.restarts",
    "bot.llm.budget.cost",
    "bot.llm.budget.tokens",
    "bot.start_time",
    "bot.users.active",
    "bot.users.before",
    "bot.users.returned",
    "bot.cache.evictions",
}
"""`bot.*` metrics that are the process', whichever bots run in it."""
NOT_STANDARD = {
    "cpython.gc.pause.duration",
    "process.unix.file_descriptor.limit",
    "system.cpu.limit",
    "system.cpu.load_average.1m",
    "system.cpu.load_average.5m",
    "system.cpu.load_average.15m",
}
"""Names in the conventions' namespaces that they don't have (yet)."""
CONVENTIONAL = ("process.", "system.", "cpython.", "gen_ai.", "db.", "http.")
BARE_ATTRIBUTES = {"outcome", "reason", "signal"}

every_metric = pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)


@every_metric
def test_name_follows_the_rules(metric: Metric) -> None:
    assert NAME.fullmatch(metric.name)
    assert not metric.name.endswith(("_total", ".total", ".seconds", ".bytes")), "Prometheus adds these"
    assert metric.name.split(".")[0] in NAMESPACES


@every_metric
def test_unit_is_ucum(metric: Metric) -> None:
    assert UNIT.fullmatch(metric.unit)
    if metric.kind == "histogram":
        assert metric.unit in ("s", "1", "{token}", "{item}", "{turn}")


@every_metric
def test_help_is_a_sentence(metric: Metric) -> None:
    assert metric.help.endswith(".")
    assert not metric.help[0].islower()
    assert "\n" not in metric.help


@every_metric
def test_attributes_are_declared_and_bounded(metric: Metric) -> None:
    declared = {attribute.key for attribute in ATTRIBUTES}
    assert set(metric.attributes) <= declared
    assert len(set(metric.attributes)) == len(metric.attributes)
    assert not set(metric.attributes) & semconv.HASHED_ATTRIBUTES, "ids are never on a metric"


@every_metric
def test_two_bots_in_a_process_stay_apart(metric: Metric) -> None:
    of_a_bot = metric.name.startswith(("discord.", "bot.")) and metric.name not in OF_THE_PROCESS
    assert (semconv.BOT_NAME in metric.attributes) == of_a_bot


@every_metric
def test_buckets(metric: Metric) -> None:
    assert bool(metric.buckets) == (metric.kind == "histogram")
    assert list(metric.buckets) == sorted(set(metric.buckets))
    whole = [bound for bound in metric.buckets if float(bound).is_integer()]
    assert whole == [], 'le is "1" by OTLP and "1.0" by scrape'


def test_buckets_fit_what_users_wait_for() -> None:
    assert semconv.SECONDS[0] <= 0.001
    assert semconv.SECONDS[-1] >= 120
    assert semconv.FINE_SECONDS[0] <= 0.001


def test_no_name_is_given_twice() -> None:
    for names in (
        [metric.name for metric in METRICS],
        [metric_name(metric.name, metric.unit, metric.kind) for metric in METRICS],
        [span.name for span in SPANS],
        [attribute.key for attribute in ATTRIBUTES],
    ):
        assert [name for name, count in Counter(names).items() if count > 1] == []


@pytest.mark.parametrize(
    "names",
    [[m.name for m in METRICS], [a.key for a in ATTRIBUTES]],
    ids=["metrics", "attributes"],
)
def test_no_name_is_the_namespace_of_another(names: list[str]) -> None:
    assert [(one, two) for one in names for two in names if two.startswith(f"{one}.")] == []


def test_attribute_keys_follow_the_rules() -> None:
    assert [
        attribute.key
        for attribute in ATTRIBUTES
        if not NAME.fullmatch(attribute.key) and attribute.key not in BARE_ATTRIBUTES
    ] == []
    assert [attribute.key for attribute in ATTRIBUTES if not attribute.help.endswith(".")] == []


def test_spans_declare_what_they_carry() -> None:
    declared = {attribute.key for attribute in ATTRIBUTES}
    for span in SPANS:
        assert set(span.attributes) <= declared
        assert span.help.endswith(".")


def test_what_is_named_like_the_conventions_is_theirs() -> None:
    """Same name, then same kind and unit; what they don't have is on a list."""
    theirs = conventional_metrics()
    ours = {m.name: m for m in METRICS if m.name.startswith(CONVENTIONAL)}
    assert ours.keys() - theirs.keys() == NOT_STANDARD
    different = {
        name: theirs[name]
        for name in ours.keys() & theirs.keys()
        if theirs[name] != (ours[name].kind, ours[name].unit)
    }
    assert different == {}


def test_attributes_that_are_not_ours_are_the_conventions() -> None:
    theirs = set()
    for package in (opentelemetry.semconv.attributes, opentelemetry.semconv._incubating.attributes):
        for module in modules(package):
            theirs |= {value for value in vars(module).values() if isinstance(value, str)}
    ours = ("bot.", "discord.", "whisperwatch.")
    others = {attribute.key for attribute in ATTRIBUTES if not attribute.key.startswith(ours)}
    assert others - theirs == BARE_ATTRIBUTES


def test_importing_it_imports_nothing_heavy() -> None:
    code = "import sys; before = set(sys.modules); import whisperwatch.semconv; print(*set(sys.modules) - before)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not [name for name in loaded if name.partition(".")[0] in ("opentelemetry", "discord", "pydantic")]
    ours = {name for name in loaded if name.startswith("whisperwatch")}
    names = {name for name in ours if name.startswith("whisperwatch.semconv")}
    assert ours - names <= {"whisperwatch", "whisperwatch.version"}


def conventional_metrics() -> dict[str, tuple[str, str]]:
    """Kind and unit of every metric in OpenTelemetry's generated module."""
    asked: dict[str, tuple[str, str]] = {}

    class AskedMeter:
        def __getattr__(self, method: str) -> object:
            kind = (
                method.removeprefix("create_")
                .removeprefix("observable_")
                .replace("up_down_counter", "updowncounter")
            )
            return lambda name, unit, **_: asked.update({name: (kind, unit)})

    for module in modules(opentelemetry.semconv._incubating.metrics):
        for name, create in vars(module).items():
            if name.startswith("create_"):
                create(AskedMeter(), *[None] * (len(inspect.signature(create).parameters) - 1))
    return asked


def modules(package: ModuleType) -> list[ModuleType]:
    return [
        importlib.import_module(f"{package.__name__}.{found.name}")
        for found in pkgutil.iter_modules(package.__path__)
    ]


def test_no_constant_is_declared_in_two_files() -> None:
    """`semconv` gives out what its files declare under one name each: a second one would hide the first."""
    declared: Counter[str] = Counter()
    for module in modules(semconv):
        tree = ast.parse(inspect.getsource(module))
        for node in tree.body:
            target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
            if isinstance(target, ast.Name) and target.id.isupper():
                declared[target.id] += 1
    assert [name for name, count in declared.items() if count > 1] == []
