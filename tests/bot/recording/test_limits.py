"""The environment's limits: as the SDK has them, but for those that can't be read, which raise nowhere."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from opentelemetry.sdk.trace import SpanLimits

from whisperwatch.bot import saying
from whisperwatch.bot.recording.limits import span_limits
from whisperwatch.bot.recording.tracer import TracerProvider


@pytest.fixture(autouse=True)
def nothing_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saying, "said", set())


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"OTEL_ATTRIBUTE_COUNT_LIMIT": "7", "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": " 9 "},
        {"OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "5", "OTEL_SPAN_EVENT_COUNT_LIMIT": ""},
    ],
)
def test_right_ones_are_the_sdks(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert vars(span_limits()) == vars(SpanLimits())


@pytest.mark.parametrize("value", ["abc", "-3", "1.5"])
def test_a_wrong_one_is_said_once_and_its_default_taken(
    value: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    right: dict[str, Any] = vars(SpanLimits())
    names = [
        f"OTEL_{kind}_LIMIT"
        for kind in (
            "ATTRIBUTE_COUNT", "ATTRIBUTE_VALUE_LENGTH", "SPAN_ATTRIBUTE_COUNT", "SPAN_ATTRIBUTE_VALUE_LENGTH",
            "SPAN_EVENT_COUNT", "SPAN_LINK_COUNT", "EVENT_ATTRIBUTE_COUNT", "LINK_ATTRIBUTE_COUNT",
        )
    ]  # fmt: skip
    for name in names:
        monkeypatch.setenv(name, value)
    caplog.set_level(logging.WARNING)
    assert vars(span_limits()) == right
    assert vars(TracerProvider(shutdown_on_exit=False)._span_limits) == right
    assert [record.getMessage().partition("=")[0] for record in caplog.records] == names
