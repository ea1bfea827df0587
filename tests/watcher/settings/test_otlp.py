from __future__ import annotations

from pathlib import Path

import pytest

from whisperwatch.watcher.settings import Export, Settings, Target, load, otlp

COLLECTOR = "http://collector:4318"


def export(**environ: str) -> Export:
    settings = settings_of(**environ)
    assert settings.problems == ()
    return settings.export


def settings_of(**environ: str) -> Settings:
    return load({f"OTEL_{name}": value for name, value in environ.items()}, Path("/"))


def traces(**environ: str) -> Target:
    target = export(**environ).traces
    assert target is not None
    return target


class TestWhatIsExported:
    def test_an_endpoint_exports_both(self) -> None:
        found = export(EXPORTER_OTLP_ENDPOINT=COLLECTOR)
        assert found.traces is not None
        assert found.metrics is not None

    def test_the_endpoint_of_one_signal_exports_that_one(self) -> None:
        found = export(EXPORTER_OTLP_TRACES_ENDPOINT=COLLECTOR)
        assert found.traces is not None
        assert found.metrics is None

    def test_an_exporter_exports_to_the_local_collector(self) -> None:
        found = export(METRICS_EXPORTER="otlp")
        assert found.traces is None
        assert found.metrics is not None
        assert found.metrics.url == "http://localhost:4318/v1/metrics"

    @pytest.mark.parametrize("exporter", ["none", "prometheus"])
    def test_another_exporter_wins_over_an_endpoint(self, exporter: str) -> None:
        assert export(EXPORTER_OTLP_ENDPOINT=COLLECTOR, METRICS_EXPORTER=exporter).metrics is None

    def test_a_list_of_exporters(self) -> None:
        assert export(METRICS_EXPORTER="prometheus, otlp").metrics is not None

    @pytest.mark.parametrize("signal", ["TRACES", "METRICS"])
    def test_console_is_refused_with_what_to_do(self, signal: str) -> None:
        (problem,) = settings_of(**{f"{signal}_EXPORTER": "console"}).problems
        assert problem.name == f"OTEL_{signal}_EXPORTER"
        assert "ConsoleSpanExporter" in str(problem)

    def test_an_unknown_exporter_is_a_problem(self) -> None:
        (problem,) = settings_of(TRACES_EXPORTER="zipkin").problems
        assert str(problem) == "OTEL_TRACES_EXPORTER=zipkin is unknown; it should be otlp or none"


class TestUrl:
    @pytest.mark.parametrize(
        ("environ", "url"),
        [
            ({"EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, "http://c:4318/v1/traces"),
            ({"EXPORTER_OTLP_ENDPOINT": "http://c:4318/"}, "http://c:4318/v1/traces"),
            ({"EXPORTER_OTLP_ENDPOINT": "https://c/base/"}, "https://c/base/v1/traces"),
            ({"EXPORTER_OTLP_TRACES_ENDPOINT": "http://c:4318"}, "http://c:4318/"),
            ({"EXPORTER_OTLP_TRACES_ENDPOINT": "http://c/own?key=1"}, "http://c/own?key=1"),
            (
                {"EXPORTER_OTLP_ENDPOINT": "http://all", "EXPORTER_OTLP_TRACES_ENDPOINT": "http://one/x"},
                "http://one/x",
            ),
        ],
    )
    def test_of_http_is_made_as_the_specification_says(self, environ: dict[str, str], url: str) -> None:
        assert traces(**environ).url == url

    @pytest.mark.parametrize(
        ("environ", "url"),
        [
            ({"EXPORTER_OTLP_ENDPOINT": "http://c:4317"}, "http://c:4317"),
            ({"EXPORTER_OTLP_ENDPOINT": "https://c:4317"}, "https://c:4317"),
            ({"EXPORTER_OTLP_ENDPOINT": "c:4317"}, "https://c:4317"),
            ({"EXPORTER_OTLP_ENDPOINT": "c:4317", "EXPORTER_OTLP_INSECURE": "true"}, "http://c:4317"),
            ({"TRACES_EXPORTER": "otlp"}, "http://localhost:4317"),
        ],
    )
    def test_of_grpc_has_no_path(self, environ: dict[str, str], url: str) -> None:
        assert traces(**environ, EXPORTER_OTLP_PROTOCOL="grpc").url == url

    @pytest.mark.parametrize("wrong", ["ftp://c", "http://", "http://c:99999", "//"])
    def test_wrong_ones_are_problems(self, wrong: str) -> None:
        settings = settings_of(EXPORTER_OTLP_ENDPOINT=wrong)
        assert [problem.name for problem in settings.problems] == ["OTEL_EXPORTER_OTLP_ENDPOINT"]
        assert settings.export.traces is None

    def test_is_shown_without_credentials(self) -> None:
        target = traces(EXPORTER_OTLP_TRACES_ENDPOINT="https://user:key@c/v1?token=secret")
        assert target.shown == "https://***@c/v1"


class TestHowItTravels:
    def test_defaults(self) -> None:
        target = traces(EXPORTER_OTLP_ENDPOINT=COLLECTOR)
        assert (target.protocol, target.compression, target.timeout_s) == ("http/protobuf", "none", 10)
        assert (target.headers, target.certificate, target.client_key) == ((), None, None)

    def test_the_signals_own_variable_wins(self) -> None:
        found = export(
            EXPORTER_OTLP_ENDPOINT=COLLECTOR,
            EXPORTER_OTLP_COMPRESSION="gzip",
            EXPORTER_OTLP_TRACES_COMPRESSION="none",
            EXPORTER_OTLP_TIMEOUT="20000",
            EXPORTER_OTLP_METRICS_TIMEOUT="3s",
        )
        assert found.traces is not None
        assert found.metrics is not None
        assert (found.traces.compression, found.metrics.compression) == ("none", "gzip")
        assert (found.traces.timeout_s, found.metrics.timeout_s) == (20, 3)

    def test_headers_are_decoded(self) -> None:
        target = traces(
            EXPORTER_OTLP_ENDPOINT=COLLECTOR,
            EXPORTER_OTLP_HEADERS="Authorization=Basic%20dXNlcg==, x-scope = tenant%2C1,",
        )
        assert target.headers == (("authorization", "Basic dXNlcg=="), ("x-scope", "tenant,1"))

    @pytest.mark.parametrize("wrong", ["no-pair", "=hidden", "a b=c", "name=x%0d%0ainjected: 1"])
    def test_wrong_headers_are_problems_and_not_shown(self, wrong: str) -> None:
        (problem,) = settings_of(EXPORTER_OTLP_HEADERS=wrong).problems
        assert wrong not in str(problem)

    @pytest.mark.parametrize(
        ("given", "seconds"),
        [("10000", 10), ("10", 10), ("250", 0.25), ("99", 99), ("1m", 60), ("500ms", 0.5)],
    )
    def test_a_timeout_is_understood_in_both_traditions(self, given: str, seconds: float) -> None:
        target = traces(EXPORTER_OTLP_ENDPOINT=COLLECTOR, EXPORTER_OTLP_TIMEOUT=given)
        assert target.timeout_s == pytest.approx(seconds)

    def test_mutual_tls(self, tmp_path: Path) -> None:
        for name in ("ca", "key", "cert"):
            (tmp_path / name).touch()
        target = traces(
            EXPORTER_OTLP_ENDPOINT=COLLECTOR,
            EXPORTER_OTLP_CERTIFICATE=str(tmp_path / "ca"),
            EXPORTER_OTLP_CLIENT_KEY=str(tmp_path / "key"),
            EXPORTER_OTLP_CLIENT_CERTIFICATE=str(tmp_path / "cert"),
        )
        assert target.certificate == str(tmp_path / "ca")
        assert (target.client_key, target.client_certificate) == (
            str(tmp_path / "key"),
            str(tmp_path / "cert"),
        )

    def test_half_a_pair_is_a_problem_and_left_out(self, tmp_path: Path) -> None:
        (tmp_path / "key").touch()
        settings = settings_of(
            EXPORTER_OTLP_ENDPOINT=COLLECTOR, EXPORTER_OTLP_CLIENT_KEY=str(tmp_path / "key")
        )
        (problem,) = settings.problems
        assert problem.name == "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE"
        assert settings.export.traces is not None
        assert settings.export.traces.client_key is None

    def test_json_is_refused(self) -> None:
        (problem,) = settings_of(EXPORTER_OTLP_PROTOCOL="http/json").problems
        assert "http/protobuf or grpc" in str(problem)

    @pytest.mark.parametrize("installed", [(), ("opentelemetry.distro",)], ids=["plain", "distro"])
    def test_grpc_without_grpcio_says_what_to_install_and_who_may_have_set_it(
        self, monkeypatch: pytest.MonkeyPatch, installed: tuple[str, ...]
    ) -> None:
        monkeypatch.setattr(otlp, "find_spec", lambda name: name if name in installed else None)
        settings = settings_of(EXPORTER_OTLP_ENDPOINT=COLLECTOR, EXPORTER_OTLP_PROTOCOL="grpc")
        (problem,) = settings.problems
        assert "pip install 'whisperwatch[otlp]'" in str(problem)
        assert ("the OpenTelemetry distro did" in str(problem)) == bool(installed)
        assert settings.export.traces is not None
        assert settings.export.traces.protocol == "http/protobuf"


class TestBatching:
    def test_plain_numbers_are_milliseconds(self) -> None:
        found = export(
            BSP_SCHEDULE_DELAY="200",
            BSP_EXPORT_TIMEOUT="1000",
            BSP_MAX_QUEUE_SIZE="4096",
            BSP_MAX_EXPORT_BATCH_SIZE="100",
            METRIC_EXPORT_INTERVAL="60000",
            METRIC_EXPORT_TIMEOUT="5000",
            EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE="DELTA",
        )
        assert (found.span_delay_s, found.span_timeout_s) == (0.2, 1)
        assert (found.span_queue, found.span_batch) == (4096, 100)
        assert (found.metric_interval_s, found.metric_timeout_s) == (60, 5)
        assert found.temporality == "delta"

    def test_exponential_histograms_are_refused_by_name(self) -> None:
        name = "EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION"
        (problem,) = settings_of(**{name: "base2_exponential_bucket_histogram"}).problems
        assert problem.name == f"OTEL_{name}"
        assert "install the SDK's MeterProvider" in problem.wrong
        assert settings_of(**{name: "explicit_bucket_histogram"}).problems == ()
