"""SIEM_SYSLOG_…: the guide's defaults, and each mistake named."""

from __future__ import annotations

from pathlib import Path

import pytest

from whisperwatch.watcher.settings import load


def test_nothing_is_sent_by_default(tmp_path: Path) -> None:
    assert load({}, tmp_path).siem.host is None


def test_the_guides_facility_and_tag_and_tls(tmp_path: Path) -> None:
    siem = load({"SIEM_SYSLOG_HOST": "siem.example"}, tmp_path).siem
    assert (siem.facility, siem.tag, siem.format) == ("local0", "whisperengine", "cef")
    assert (siem.transport, siem.port, siem.shown) == ("tls", 6514, "siem.example:6514")


@pytest.mark.parametrize(
    ("set_ones", "shown"),
    [
        ({"SIEM_SYSLOG_HOST": "10.0.0.1", "SIEM_SYSLOG_TRANSPORT": "TCP"}, "10.0.0.1:514"),
        ({"SIEM_SYSLOG_HOST": "[2001:db8::1]"}, "[2001:db8::1]:6514"),
        ({"SIEM_SYSLOG_HOST": "siem", "SIEM_SYSLOG_PORT": "1514"}, "siem:1514"),
    ],
)
def test_where(tmp_path: Path, set_ones: dict[str, str], shown: str) -> None:
    settings = load(set_ones, tmp_path)
    assert (settings.problems, settings.siem.shown) == ((), shown)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SIEM_SYSLOG_HOST", "siem:514"),
        ("SIEM_SYSLOG_HOST", "https://siem"),
        ("SIEM_SYSLOG_PORT", "0"),
        ("SIEM_SYSLOG_TRANSPORT", "udp"),
        ("SIEM_SYSLOG_FACILITY", "local8"),
        ("SIEM_SYSLOG_TAG", "two words"),
        ("SIEM_SYSLOG_TAG", "x" * 49),
        ("SIEM_SYSLOG_FORMAT", "leef"),
        ("SIEM_SYSLOG_CA_FILE", "/nowhere/ca.pem"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, name: str, value: str) -> None:
    (problem,) = load({name: value}, tmp_path).problems
    assert problem.name == name


def test_a_key_needs_its_certificate(tmp_path: Path) -> None:
    (tmp_path / "key.pem").touch()
    settings = load({"SIEM_SYSLOG_CLIENT_KEY": str(tmp_path / "key.pem")}, tmp_path)
    assert [problem.name for problem in settings.problems] == ["SIEM_SYSLOG_CLIENT_KEY"]
    assert settings.siem.client_key is None


def test_logs_are_recorded_for_it_alone_and_not_at_all_where_they_are_off(tmp_path: Path) -> None:
    off = {"WHISPERWATCH_STORE": "false"}
    assert not load(off, tmp_path).bot["logs"]
    assert load({**off, "SIEM_SYSLOG_HOST": "siem"}, tmp_path).bot["logs"]
    settings = load({"WHISPERWATCH_LOGS": "false", "SIEM_SYSLOG_HOST": "siem"}, tmp_path)
    assert settings.warnings == (
        "SIEM_SYSLOG_HOST has no effect: with WHISPERWATCH_LOGS=false no security event is recorded",
    )


def test_a_misspelt_one_is_said(tmp_path: Path) -> None:
    (warning,) = load({"SIEM_SYSLOG_HOTS": "siem"}, tmp_path).warnings
    assert "did you mean SIEM_SYSLOG_HOST" in warning
