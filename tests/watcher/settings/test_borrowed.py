from __future__ import annotations

from pathlib import Path

import pytest

from whisperwatch.watcher.settings import load


def problems(directory: Path, **environ: str) -> list[str]:
    return [f"{one.name}={one.shown}: {one.wrong}" for one in load(environ, directory).problems]


@pytest.mark.parametrize("name", ["always_off", "ParentBased_TraceIdRatio", " always_on ", ""])
def test_samplers_of_the_sdk(tmp_path: Path, name: str) -> None:
    assert problems(tmp_path, OTEL_TRACES_SAMPLER=name, OTEL_TRACES_SAMPLER_ARG="0.5") == []


def test_a_sampler_that_is_none(tmp_path: Path) -> None:
    assert problems(tmp_path, OTEL_TRACES_SAMPLER="ratio") == [
        "OTEL_TRACES_SAMPLER=ratio: is no sampler of the SDK"
    ]


@pytest.mark.parametrize("share", ["half", "1.5", "-1", "nan"])
def test_a_share_that_is_none(tmp_path: Path, share: str) -> None:
    assert problems(tmp_path, OTEL_TRACES_SAMPLER="traceidratio", OTEL_TRACES_SAMPLER_ARG=share) == [
        f"OTEL_TRACES_SAMPLER_ARG={share}: is no share of the traces"
    ]


def test_the_argument_of_another_sampler_is_its_own(tmp_path: Path) -> None:
    assert problems(tmp_path, OTEL_TRACES_SAMPLER="always_on", OTEL_TRACES_SAMPLER_ARG="half") == []


@pytest.mark.parametrize("names", ["tracecontext", "tracecontext, baggage", "none", "NONE", " "])
def test_propagators_that_are_installed(tmp_path: Path, names: str) -> None:
    assert problems(tmp_path, OTEL_PROPAGATORS=names) == []


def test_a_propagator_that_is_not_installed(tmp_path: Path) -> None:
    assert problems(tmp_path, OTEL_PROPAGATORS="tracecontext,trace-context") == [
        "OTEL_PROPAGATORS=trace-context: is not installed, so OpenTelemetry can't be imported"
    ]
