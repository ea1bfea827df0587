"""Series selectors: names as Prometheus has them, and values that can't be mistaken for syntax."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from whisperwatch.watcher.naming import label_name, metric_name
from whisperwatch.watcher.query.catalogue import Known
from whisperwatch.watcher.query.language import Match

INSTANCE: Final = "service.instance.id"
_SPECIAL: Final = re.compile(r"([\\.+*?()|\[\]{}^$])")


def label_of(attribute: str) -> str:
    """The label of an attribute. `service.instance.id` is `instance`, as Prometheus makes it of OTLP."""
    return "instance" if attribute == INSTANCE else label_name(attribute)


def job_of(resource: Mapping[str, Any]) -> str | None:
    """A service's `job`, as Prometheus makes it of OTLP; None where the service has no name."""
    name, namespace = (resource.get(f"service.{part}") for part in ("name", "namespace"))
    if not name:
        return None
    return f"{namespace}/{name}" if namespace else str(name)


def our_job(resource: Mapping[str, Any]) -> str | None:
    """The matcher of a service's series; None where the service has no name."""
    job = job_of(resource)
    return None if job is None else f"job={quoted(job)}"


def selector(metric: Known, suffix: str, where: Iterable[Match], ours: str | None) -> str:
    """A metric's series. `suffix` is a histogram's `_bucket`, `_sum` or `_count`; `ours` a matcher of this bot's."""
    matchers = [*([ours] if ours else []), *map(_matcher, where)]
    name = metric_name(metric.name, metric.unit, metric.kind) + suffix
    return f"{name}{{{', '.join(matchers)}}}" if matchers else name


def _matcher(match: Match) -> str:
    label = label_of(match.attribute)
    if len(match.values) == 1:
        return f"{label}{'!=' if match.negated else '='}{quoted(match.values[0])}"
    pattern = "|".join(_SPECIAL.sub(r"\\\1", value) for value in match.values)
    return f"{label}{'!~' if match.negated else '=~'}{quoted(pattern)}"


def quoted(text: str) -> str:
    """A text as PromQL and LogQL quote it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return '"' + "".join(_escape(letter) for letter in escaped) + '"'


def _escape(letter: str) -> str:
    return letter if letter.isprintable() or letter > "\x7f" else f"\\x{ord(letter):02x}"
