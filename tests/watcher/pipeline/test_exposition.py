"""`/metrics`: our rules, what parsers make of it, and opentelemetry-exporter-prometheus on the same telemetry."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import choose_encoder
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from whisperwatch import semconv
from whisperwatch.watcher.pipeline import families as families_module
from whisperwatch.watcher.pipeline.exposition import Exposition
from whisperwatch.watcher.pipeline.families import Family, Layout
from whisperwatch.watcher.records import LocalStream, Records, Stream

OPENMETRICS = "application/openmetrics-text; version=1.0.0"
OFFSET = 1_700_000_000_000_000_000

Series = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def render(streams: Any, accept: str | None) -> tuple[bytes, str]:
    return Exposition().render(streams, accept)


def families_of(text: str, parse: Callable[[str], Any]) -> dict[str, Any]:
    made = list(parse(text))
    names = [family.name for family in made]
    assert len(set(names)) == len(names), f"a family comes twice: {names}"
    return dict(zip(names, made, strict=True))


def series(text: str, parse: Callable[[str], Any] = parse_text) -> Series:
    """Every series but target_info; empty labels are no labels, as for Prometheus."""
    found: Series = {}
    for family in parse(text):
        for sample in family.samples:
            if family.name.removesuffix("_info") != "target":
                key = sample.name, tuple(sorted((k, v) for k, v in sample.labels.items() if v))
                assert key not in found, f"{key} comes twice"
                found[key] = sample.value
    return found


def rendered(*streams: Records, accept: str = "") -> str:
    """What `render` gives, after both parsers have read it."""
    openmetrics = render(streams, OPENMETRICS)[0].decode()
    text = render(streams, None)[0].decode()
    families_of(openmetrics, parse_openmetrics)
    families_of(text, parse_text)
    assert series(openmetrics, parse_openmetrics) == series(text)
    return openmetrics if accept == OPENMETRICS else text


class Bot(Stream):
    """A stream that is filled by hand."""

    def __init__(self, resource: dict[str, Any] | None = None, slot: int = 0) -> None:
        super().__init__(resource or {}, slot)
        self._made = {"scope": 0, "instrument": 0, "cell": 0}
        self._sent = 0

    def _next(self, sort: str) -> int:
        self._made[sort] += 1
        return self._made[sort]

    @property
    def newest(self) -> int:
        """The number of the newest cell."""
        return self._made["cell"]

    def update(self, cell: int, *numbers: Any) -> None:
        """Give a cell new numbers."""
        self._sent += 1
        self.take(("batch", self._sent, OFFSET, [], [], [(cell, *numbers)], {}))

    def put(
        self,
        name: str,
        kind: str,
        unit: str,
        *cells: Any,
        scope: str = "s",
        help: str = "h",
        bounds: Any = None,
    ) -> None:
        """Cells are (attributes, numbers…)."""
        scope_number, instrument = self._next("scope"), self._next("instrument")
        definitions: list[tuple[Any, ...]] = [
            ("scope", scope_number, scope, "1", None, None),
            ("instrument", instrument, scope_number, name, kind, unit, help, bounds),
        ]
        records = []
        for attributes, *numbers in cells:
            number = self._next("cell")
            definitions.append(("cell", number, instrument, attributes, 0))
            records.append((number, *numbers))
        self._sent += 1
        self.take(("batch", self._sent, OFFSET, definitions, [], records, {}))


@pytest.fixture(autouse=True)
def nothing_said(monkeypatch):
    monkeypatch.setattr(families_module, "_said", set())


class TestNegotiation:
    @pytest.mark.parametrize(
        ("accept", "content_type"),
        [
            (None, "text/plain; version=0.0.4; charset=utf-8"),
            ("", "text/plain; version=0.0.4; charset=utf-8"),
            ("*/*", "text/plain; version=0.0.4; charset=utf-8"),
            ("text/html, */*;q=0.8", "text/plain; version=0.0.4; charset=utf-8"),
            ("application/openmetrics-text", "application/openmetrics-text; version=1.0.0; charset=utf-8"),
            ("application/openmetrics-text;version=0.0.1,text/plain;version=0.0.4;q=0.5",
             "text/plain; version=0.0.4; charset=utf-8"),
            # what Prometheus 3 asks for
            ("application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=0.0.4;q=0.2",
             "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8"),
            ("text/plain;version=1.0.0;escaping=allow-utf-8",
             "text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8"),
        ],
    )  # fmt: skip
    def test_the_format_is_the_scrapers_choice(self, accept, content_type):
        bot = Bot()
        bot.put("a.b", "counter", "", ({"x.y": 1}, 5))
        body, made = render([bot], accept)
        assert made == content_type
        assert b'a_b_total{x_y="1"} 5.0' in body
        assert body.endswith(b"# EOF\n") == ("openmetrics" in made)


class TestFamilies:
    def test_every_kind(self):
        bot = Bot()
        bot.put("runs", "counter", "{run}", ({"k": "a"}, 3))
        bot.put("active", "updowncounter", "{run}", ({}, -2))
        bot.put("use", "gauge", "1", ({}, 0.5))
        bot.put(
            "time", "histogram", "s", ({"k": True}, 3, 4.5, 0.1, 3.0, (1, 1, 1), None), bounds=(0.25, 1.5)
        )
        text = rendered(bot, accept=OPENMETRICS)
        assert series(text, parse_openmetrics) == {
            ("runs_total", (("k", "a"),)): 3,
            ("active", ()): -2,
            ("use_ratio", ()): 0.5,
            ("time_seconds_bucket", (("k", "true"), ("le", "0.25"))): 1,
            ("time_seconds_bucket", (("k", "true"), ("le", "1.5"))): 2,
            ("time_seconds_bucket", (("k", "true"), ("le", "+Inf"))): 3,
            ("time_seconds_count", (("k", "true"),)): 3,
            ("time_seconds_sum", (("k", "true"),)): 4.5,
        }
        families = families_of(text, parse_openmetrics)
        assert {name: (f.type, f.unit) for name, f in families.items()} == {
            "runs": ("counter", ""), "active": ("gauge", ""), "use_ratio": ("gauge", "ratio"),
            "time_seconds": ("histogram", "seconds"),
        }  # fmt: skip

    def test_scopes_share_a_family_and_labels_are_united(self):
        bot = Bot()
        bot.put("n", "counter", "", ({"a": "1", "b": "2"}, 1), scope="one", help="first")
        bot.put("n", "counter", "", ({"b": "3", "c": "4"}, 2), scope="two", help="second")
        text = rendered(bot)
        assert 'n_total{a="1",b="2",c=""} 1.0' in text
        assert 'n_total{a="",b="3",c="4"} 2.0' in text
        assert "# HELP n_total first" in text
        assert "second" not in text

    def test_the_same_series_of_two_scopes_is_their_sum(self):
        bot = Bot()
        for scope in ("one", "two"):
            bot.put("n", "counter", "", ({"a": 1}, 2), scope=scope)
            bot.put("h", "histogram", "s", ({}, 2, 3.0, 1.0, 2.0, (1, 1), None), scope=scope, bounds=(1.5,))
            bot.put("g", "gauge", "", ({}, 7 if scope == "two" else 3), scope=scope)
        assert series(rendered(bot)) == {
            ("n_total", (("a", "1"),)): 4,
            ("h_seconds_bucket", (("le", "1.5"),)): 2,
            ("h_seconds_bucket", (("le", "+Inf"),)): 4,
            ("h_seconds_count", ()): 4,
            ("h_seconds_sum", ()): 6,
            ("g", ()): 7,
        }

    def test_the_same_series_of_two_processes_is_the_later_ones(self):
        before, after = Bot(), Bot()
        before.put("n", "counter", "", ({}, 100))
        after.put("n", "counter", "", ({}, 1))
        assert series(rendered(before, after)) == {("n_total", ()): 1}

    @pytest.mark.parametrize(
        ("first", "second"),
        [
            (("n", "counter", ""), ("n", "gauge", "")),
            (("n", "gauge", ""), ("n.total", "gauge", "")),
            (("n", "counter", ""), ("n.total", "gauge", "")),
            (("n.bucket", "gauge", ""), ("n", "histogram", "")),
            (("n.count", "counter", ""), ("n", "histogram", "")),
            (("target.info", "gauge", ""), ("other", "gauge", "")),
        ],
    )  # fmt: skip
    def test_of_a_conflict_the_first_wins_and_the_rest_is_said_once(self, first, second, caplog):
        bot = Bot({"service.name": "b"})
        for name, kind, unit in (first, second):
            numbers = (1, 1.0, 1.0, 1.0, (1, 0), None) if kind == "histogram" else (5,)
            bot.put(
                name, kind, unit, ({}, *numbers), scope=kind, bounds=(1.5,) if kind == "histogram" else None
            )
        both_fine = (first[0], second[0]) == ("n", "n.total") and first[1] == "gauge"
        for _ in range(2):
            assert len(families_of(rendered(bot), parse_text)) == (3 if both_fine else 2)
        assert len(caplog.records) == (0 if both_fine else 1)

    def test_histograms_with_other_buckets_are_left_out(self, caplog):
        bot = Bot()
        bot.put("h", "histogram", "s", ({"a": 1}, 1, 1.0, 1.0, 1.0, (1, 0), None), bounds=(1.5,))
        bot.put("h", "histogram", "s", ({"a": 2}, 1, 1.0, 1.0, 1.0, (1, 0), None), bounds=(2.5,))
        assert 'a="2"' not in rendered(bot)
        assert "a histogram with other buckets" in caplog.text

    def test_a_metric_without_a_name_is_left_out(self, caplog):
        bot = Bot()
        bot.put("°", "gauge", "", ({}, 1))
        bot.put("ok", "gauge", "", ({"": 1, "k": 2}, 1))
        assert series(rendered(bot)) == {("ok", (("k", "2"),)): 1}
        assert len(caplog.records) == 2

    def test_what_has_no_value_yet_has_no_family(self):
        bot = Bot()
        bot.put("n", "counter", "", ({}, 1))
        bot.take(("batch", 2, OFFSET, [("instrument", 9, 1, "later", "gauge", "", "", None)], [], [], {}))
        assert "later" not in rendered(bot)


class TestLabels:
    def test_keys_that_become_one_label_are_joined_in_their_order(self):
        bot = Bot()
        bot.put("n", "gauge", "", ({"a_b": "second", "a.b": "first", "a-b": "zeroth"}, 1))
        assert series(rendered(bot)) == {("n", (("a_b", "zeroth;first;second"),)): 1}

    def test_values_of_every_type(self):
        bot = Bot()
        values = {"s": "x", "b": False, "i": 1, "f": 1.5, "l": ("a", 1), "n": None, "m": {"k": 1}}
        bot.put("n", "gauge", "", (values, 1))
        ((_, labels),) = series(rendered(bot))
        assert dict(labels) == {
            "s": "x", "b": "false", "i": "1", "f": "1.5", "l": '["a", 1]', "n": "null", "m": '{"k": 1}',
        }  # fmt: skip

    def test_text_is_escaped(self):
        bot = Bot()
        bot.put("n", "gauge", "", ({"k": 'a"b\\c\nd'}, 1), help='say "hi" \\ and\nmore')
        assert series(rendered(bot)) == {("n", (("k", 'a"b\\c\nd'),)): 1}

    @pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
    def test_values_that_are_no_numbers(self, value):
        bot = Bot()
        bot.put("n", "gauge", "", ({}, value))
        (got,) = [s.value for f in parse_text(render([bot], None)[0].decode()) for s in f.samples]
        assert got == value or (math.isnan(got) and math.isnan(value))


class TestExemplars:
    def test_are_in_openmetrics_with_the_trace(self):
        bot = Bot()
        exemplars = ((0.1, 5_000_000_000, 0xABC, 0xDEF), (9.0, 6_000_000_000, 0x123, 0x456))
        bot.put(
            "time", "histogram", "s", ({"k": 1}, 2, 9.1, 0.1, 9.0, (1, 0, 1), exemplars), bounds=(0.25, 1.5)
        )
        text = rendered(bot, accept=OPENMETRICS)
        found = {
            s.labels["le"]: (s.exemplar.labels, s.exemplar.value, float(s.exemplar.timestamp))
            for f in parse_openmetrics(text) for s in f.samples if s.exemplar
        }  # fmt: skip
        assert found == {
            "0.25": ({"trace_id": f"{0xABC:032x}", "span_id": f"{0xDEF:016x}"}, 0.1, 1_700_000_005.0),
            "+Inf": ({"trace_id": f"{0x123:032x}", "span_id": f"{0x456:016x}"}, 9.0, 1_700_000_006.0),
        }
        assert "trace_id" not in rendered(bot)


class TestProcesses:
    def test_further_ones_carry_their_instance_and_the_first_carries_none(self):
        one = Bot({"service.name": "b", "service.instance.id": "i-0"})
        two = Bot({"service.name": "b", "service.instance.id": "i-1", "x": 1}, slot=1)
        for bot in (one, two):
            bot.put("n", "counter", "", ({"k": 1}, 1 + bot.slot))
        text = rendered(one, two)
        assert series(text) == {
            ("n_total", (("k", "1"),)): 1,
            ("n_total", (("k", "1"), ("service_instance_id", "i-1"))): 2,
        }
        info = families_of(text, parse_text)["target_info"].samples
        assert [{k: v for k, v in sample.labels.items() if v} for sample in info] == [
            {"service_name": "b", "service_instance_id": "i-0"},
            {"service_name": "b", "service_instance_id": "i-1", "x": "1"},
        ]

    def test_a_local_stream_joins_its_process(self):
        bot = Bot({"service.instance.id": "i-1"}, slot=1)
        of_process = LocalStream(bot.resource, bot.slot)
        of_process.set(semconv.UPTIME, 3.0)
        assert series(rendered(bot, of_process)) == {
            ("process_uptime_seconds", (("service_instance_id", "i-1"),)): 3
        }

    def test_nothing_at_all(self):
        assert render([], None) == (b"", "text/plain; version=0.0.4; charset=utf-8")
        assert render([], OPENMETRICS)[0] == b"# EOF\n"


NASTY = st.sampled_from(["", "a", "b c", 'q"uo\\te', "two\nlines", "# EOF", "}", "ü\r"])
LABELS = st.dictionaries(
    st.sampled_from(["k", "l.l", "le"]), NASTY | st.integers(-1, 1) | st.booleans(), max_size=2
)
NUMBERS = st.sampled_from([0, 1, -3, 10**7, 2**63, 0.0, -0.0, 1.5, 1e22, math.inf, -math.inf, math.nan])
COUNTS = st.tuples(*[st.integers(0, 10**8)] * 3)
EXEMPLARS = st.lists(
    st.tuples(st.sampled_from([0.1, 1, 7.25]), st.integers(0, 10**12), st.just(5), st.just(6)), max_size=2
)
STEPS = st.lists(
    st.tuples(st.integers(0, 1), st.sampled_from(["runs", "active", "use", "time"]), st.integers(0, 1), LABELS,
              NUMBERS, COUNTS, EXEMPLARS),
    max_size=12,
)  # fmt: skip
KINDS = {"runs": "counter", "active": "updowncounter", "use": "gauge", "time": "histogram"}


class TestKept:
    """What is kept between scrapes never shows."""

    @settings(deadline=None)
    @given(steps=STEPS, without=st.integers(0, 12))
    def test_the_bytes_are_those_of_generate_latest_however_the_streams_change(self, steps, without):
        bots = [Bot({"service.name": "b", "service.instance.id": f"i-{slot}"}, slot) for slot in (0, 1)]
        kept, cells = Exposition(), {}
        for step, (slot, name, scope, labels, number, counts, exemplars) in enumerate(steps):
            histogram = name == "time"
            numbers = (sum(counts), number, None, None, counts, exemplars) if histogram else (number,)
            bot, key = bots[slot], (slot, name, scope, repr(labels))
            if key in cells:
                bot.update(cells[key], *numbers)
            else:
                bounds = (0.25, 1.5) if histogram else None
                bot.put(name, KINDS[name], "s", (labels, *numbers), scope=str(scope), bounds=bounds)
                cells[key] = bot.newest
            streams = bots[:1] if step == without else bots
            for accept in (None, OPENMETRICS, "text/plain;version=1.0.0;escaping=allow-utf-8"):
                collected = SimpleNamespace(collect=Layout(streams).collect)
                assert kept.render(streams, accept)[0] == choose_encoder(accept or "")[0](collected)

    def test_a_resource_that_changes_is_seen(self):
        bot, kept = Bot({"service.name": "before"}), Exposition()
        assert b"before" in kept.render([bot], None)[0]
        bot.resource["service.name"] = "after"
        assert b"after" in kept.render([bot], None)[0]

    def test_a_cell_that_gets_its_first_value_is_seen(self):
        bot, kept = Bot(), Exposition()
        definitions = [
            ("scope", 1, "s", "1", None, None),
            ("instrument", 1, 1, "runs", "counter", "", "h", None),
            ("cell", 1, 1, {}, 0),
        ]
        bot.take(("batch", 1, OFFSET, definitions, [], [], {}))
        assert b"runs" not in kept.render([bot], None)[0]
        bot.take(("batch", 2, OFFSET, [], [], [(1, 5)], {}))
        assert b"runs_total 5.0\n" in kept.render([bot], None)[0]

    def test_formats_without_end_are_not_kept(self):
        bot, kept = Bot(), Exposition()
        for version in range(1, 50):
            kept.render([bot], f"application/openmetrics-text; version={version}.0.0")
        assert len(kept._texts) < 10

    def test_a_scrape_asks_prometheus_client_only_for_what_is_new(self, monkeypatch):
        asked: list[str] = []
        plain = Family.metric
        monkeypatch.setattr(
            Family, "metric", lambda self, *rest: asked.append(self.name) or plain(self, *rest)
        )
        bot, kept = Bot(), Exposition()
        bot.put("runs", "counter", "", ({"k": "a"}, 1))
        bot.put("time", "histogram", "s", ({}, 1, 2.0, None, None, (1, 0), None), bounds=(0.5,))
        kept.render([bot], OPENMETRICS)
        del asked[:]
        bot.update(1, 2)
        bot.update(2, 3, 4.5, None, None, (1, 2), None)
        assert b"time_seconds_sum 4.5\n" in kept.render([bot], OPENMETRICS)[0]
        assert asked == []


class Both:
    """The same telemetry for opentelemetry-exporter-prometheus and for us."""

    def __init__(self, tape: Any) -> None:
        self._registry = CollectorRegistry()
        self._memory = InMemoryMetricReader()
        self._tape = tape({"service.name": "b"})
        prometheus = PrometheusMetricReader(
            disable_target_info=True, scope_info_enabled=False, registry=self._registry
        )
        self.provider = MeterProvider([self._memory, prometheus], Resource({"service.name": "b"}))

    def results(self) -> tuple[str, str]:
        """Ours, theirs."""
        self._tape.metrics(self._memory.get_metrics_data())
        return rendered(self._tape.stream), generate_latest(self._registry).decode()


@pytest.fixture
def both(tape):
    made = Both(tape)
    yield made
    made.provider.shutdown()


class TestAgainstTheExporter:
    def test_the_same_telemetry_gives_the_same_series(self, both):
        meter = both.provider.get_meter("one", "1")
        other = both.provider.get_meter("two")
        for unit in ("s", "By", "{thing}", "", "By/s", "%", "ms"):
            name = f"counts.{unit.encode().hex() or 'none'}"
            meter.create_counter(name, unit, "c").add(3, {"k.k": "a", "n": 1, "b": True, "f": 1.5})
            meter.create_up_down_counter(f"up.{name}", unit, "u").add(-3, {"k": 'ä\n"\\'})
            meter.create_gauge(f"gauge.{name}", unit, "g").set(1.25)
            histogram = other.create_histogram(
                f"time.{name}", unit, "h", explicit_bucket_boundaries_advisory=[0.5, 1.5]
            )
            for value in (0.1, 1.0, 7):
                histogram.record(value, {"l": ("a", "b")})
        ours, theirs = both.results()
        assert series(ours) == series(theirs)
        assert len(series(ours)) == 7 * (3 + 5)

        def metadata(text: str) -> dict[str, tuple[str, str]]:
            return {f.name: (f.type, f.documentation) for f in parse_text(text) if f.name != "target_info"}

        assert metadata(ours) == metadata(theirs)

    # its known faults: each of these says what it does, so that the table tells when it no longer does

    def test_fault_a_gauge_of_unit_1_lacks_ratio(self, both):
        both.provider.get_meter("one").create_gauge("use", "1").set(0.5)
        ours, theirs = both.results()
        assert (series(ours), series(theirs)) == ({("use_ratio", ()): 0.5}, {("use", ()): 0.5})

    def test_fault_label_values_of_two_scopes_are_mixed_up(self, both):
        both.provider.get_meter("one").create_counter("n").add(1, {"a": "1", "b": "2"})
        both.provider.get_meter("two").create_counter("n").add(2, {"b": "3", "c": "4"})
        ours, theirs = both.results()
        assert series(ours) == {
            ("n_total", (("a", "1"), ("b", "2"))): 1,
            ("n_total", (("b", "3"), ("c", "4"))): 2,
        }
        assert series(theirs) != series(ours)
        assert 'n_total{a="3",b="4"}' in theirs

    def test_fault_another_description_makes_a_second_family(self, both):
        both.provider.get_meter("one").create_counter("n", description="one").add(1, {"a": "1"})
        both.provider.get_meter("two").create_counter("n", description="two").add(2, {"a": "2"})
        ours, theirs = both.results()
        assert series(ours) == {("n_total", (("a", "1"),)): 1, ("n_total", (("a", "2"),)): 2}
        assert theirs.count("# TYPE n_total counter") == 2

    def test_fault_a_label_that_begins_with_a_digit_loses_it(self, both):
        both.provider.get_meter("one").create_counter("n").add(1, {"2xx": "a"})
        ours, theirs = both.results()
        assert (series(ours), series(theirs)) == (
            {("n_total", (("key_2xx", "a"),)): 1},
            {("n_total", (("_xx", "a"),)): 1},
        )

    def test_fault_total_within_a_name_stays(self, both):
        both.provider.get_meter("one").create_counter("total.n").add(1)
        ours, theirs = both.results()
        assert (series(ours), series(theirs)) == ({("n_total", ()): 1}, {("total_n_total", ()): 1})
