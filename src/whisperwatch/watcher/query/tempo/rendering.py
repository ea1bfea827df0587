"""Searches as TraceQL."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Final

from whisperwatch.watcher.query.language import Match, TraceSearch

_NUMBER: Final = re.compile(r"-?\d+(\.\d+)?")
_PLAIN: Final = re.compile(r"[A-Za-z0-9_.]+")


def search(asked: TraceSearch, service: str | None, also: tuple[str, ...] = ()) -> str:
    """The traces that fit: conditions on the trace, and, joined by `&&`, on any of its spans. `also`: more of the
    first, as TraceQL has them."""
    spansets = [_braced(iter([*_of_trace(asked, service), *also]))]
    if asked.error is True:
        spansets.append("{ status = error }")
    if asked.where:
        spansets.append(_braced(map(_matches, asked.where)))
    return " && ".join(spansets)


def _of_trace(asked: TraceSearch, service: str | None) -> Iterator[str]:
    if service is not None:
        yield f"resource.service.name = {_text(service)}"
    if asked.instance is not None:
        yield f"resource.service.instance.id = {_text(asked.instance)}"
    if asked.roots:
        told = " || ".join(f"rootName = {_text(root)}" for root in asked.roots)
        yield told if len(asked.roots) == 1 else f"({told})"
    if asked.longer_s is not None:
        yield f"traceDuration >= {_duration(asked.longer_s)}"
    if asked.shorter_s is not None:
        yield f"traceDuration <= {_duration(asked.shorter_s)}"


def _matches(match: Match) -> str:
    key = f"span.{match.attribute}" if _PLAIN.fullmatch(match.attribute) else f"span.{_text(match.attribute)}"
    join, sign = (" && ", "!=") if match.negated else (" || ", "=")
    told = [f"{key} {sign} {value}" for text in match.values for value in _values(text)]
    return told[0] if len(told) == 1 else f"({join.join(told)})"


def _values(text: str) -> Iterator[str]:
    """A text, and the number or truth value that it may be the text of."""
    yield _text(text)
    if text in ("true", "false") or _NUMBER.fullmatch(text):
        yield text


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _duration(seconds: float) -> str:
    return f"{round(seconds * 1e9)}ns"


def _braced(conditions: Iterator[str] | map[str]) -> str:
    return f"{{ {' && '.join(conditions)} }}"
