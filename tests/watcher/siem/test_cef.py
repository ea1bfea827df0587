"""CEF: each field where ArcSight's standard has it, and nothing that an event holds can be taken for another field."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.watcher.siem.cef_parser import parse

from whisperwatch.version import __version__
from whisperwatch.watcher.siem.cef import cef
from whisperwatch.watcher.siem.event import SecurityEvent

HOSTILE = st.text(
    st.one_of(st.sampled_from("|=\\\n\r\t \0\x1b\u2028\u202e\x85"), st.characters()), max_size=40
)


def test_a_line(event):
    header, extension = parse(cef(event()))
    assert header == {
        "version": "0", "vendor": "Whisperwatch", "product": "Whisperwatch", "device_version": __version__,
        "class_id": "admin.config", "name": "Change of a setting allowed", "severity": "2",
    }  # fmt: skip
    assert extension == {
        "rt": "1790000000123", "externalId": event().uid, "cat": "configuration", "act": "allowed",
        "outcome": "success", "suid": "0123456789abcdef", "destinationServiceName": "companion",
        "deviceExternalId": "i-1", "dvchost": "ada", "cs1Label": "target", "cs1": "HEALTH_CHECK_INTERVAL",
        "cs2Label": "traceId", "cs2": "a" * 32, "cs3Label": "spanId", "cs3": "b" * 16,
    }  # fmt: skip


def test_what_nobody_knows_is_left_out(event):
    unknown = dict.fromkeys(("target", "user", "trace_id", "span_id", "service", "instance", "host"), "")
    _, extension = parse(cef(event(**unknown)))
    assert set(extension) == {"rt", "externalId", "cat", "act", "outcome"}


def test_a_terminal_is_a_name(event):
    _, extension = parse(cef(event(user="terminal")))
    assert extension["suser"] == "terminal"
    assert "suid" not in extension


@pytest.mark.parametrize(
    ("kind", "outcome", "name", "severity"),
    [
        ("admin.command", "denied", "Admin command denied", "6"),
        ("admin.config", "failed", "Change of a setting failed", "4"),
        ("LOGIN", "denied", "Login denied", "6"),
        ("vault", "allowed", "Security check allowed", "2"),
        ("vault", "", "Security check ", "4"),
    ],
)
def test_kinds_and_outcomes(event, kind, outcome, name, severity):
    header, _ = parse(cef(event(kind=kind, outcome=outcome)))
    assert (header["class_id"], header["name"], header["severity"]) == (kind, name, severity)


def test_a_forged_target_stays_a_target(event):
    forged = "x\nCEF:0|a|b|c|d|e|10|act=allowed suid=root\\"
    _, extension = parse(cef(event(outcome="denied", target=forged)))
    assert extension["cs1"] == forged.replace("\n", " ")
    assert (extension["act"], extension["suid"]) == ("denied", "0123456789abcdef")


@given(kind=HOSTILE, target=HOSTILE, user=HOSTILE, service=HOSTILE)
def test_no_text_becomes_a_field(kind, target, user, service):
    line = cef(SecurityEvent(1, kind, "denied", target, user, service=service))
    assert line.isprintable() or not set(line) & set("\n\r\0\x1b\u2028\u202e\x85")
    header, extension = parse(line)
    assert header["severity"] == "6"
    assert (extension["act"], extension["outcome"]) == ("denied", "failure")
    plain = kind.encode("utf-8", "replace").decode()
    if plain.isprintable():
        assert header["class_id"] == plain
    known = "rt externalId cat act outcome suid suser destinationServiceName cs1 cs1Label"
    assert set(extension) <= set(known.split())
