"""The part of Discord's markdown that messages and embeds use, as HTML."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from html import escape
from typing import Final

_CODE_BLOCK: Final = re.compile(r"```(?:[\w+-]+\n)?\n?(.+?)\n?```", re.DOTALL)
_INSIDE: Final = r"(?:\\.|[^\\])+?"
"""Anything; an escaped mark doesn't end it."""
_TOKEN: Final = re.compile(
    rf"""
      (?P<ticks>`{{1,2}})(?P<code>.+?)(?P=ticks)
    | \\(?P<literal>[!-/:-@\[-`{{-~])
    | <t:(?P<unix>-?\d+)(?::(?P<style>[tTdDfFR]))?>
    | <@!?(?P<user>\d+)>
    | \[(?P<label>[^\]\n]+)\]\((?P<url>https?://[^\s)]+)\)
    | \*\*(?P<b>{_INSIDE})\*\*
    | __(?P<u>{_INSIDE})__
    | ~~(?P<s>{_INSIDE})~~
    | \*(?P<i>(?=[^\s*]){_INSIDE})\*
    | \b_(?P<em>{_INSIDE})_\b
    """,
    re.VERBOSE | re.DOTALL,
)
_LINE: Final = re.compile(r"(?P<mark>[-*]|\#{1,3}|>|-\#)\ (?P<rest>.+)")
_SPANS: Final = (("year", 31_536_000), ("month", 2_592_000), ("day", 86_400), ("hour", 3600), ("minute", 60))
_FORMS: Final = {"t": "%H:%M", "T": "%H:%M:%S", "d": "%d/%m/%Y", "D": "%d %B %Y", "F": "%A, %d %B %Y %H:%M"}

_SIGNS: Final = {
    "✅": '<rect x="1" y="1" width="18" height="18" rx="4" fill="#77b255"/>'
    '<path d="M5 10l4 4 6-8" stroke="#fff" stroke-width="2.6" fill="none"/>',
    "⚠️": '<path d="M10 1L19.5 18.5H.5z" fill="#ffcc4d"/>'
    '<path d="M10 7v6M10 15v2" stroke="#231f20" stroke-width="2.2"/>',
    "❌": '<path d="M3 3l14 14M17 3L3 17" stroke="#dd2e44" stroke-width="4"/>',
    "❔": '<path d="M6 6.5q0-4 4-4t4 4q0 2.4-2.6 3.4-1.4.6-1.4 3M10 15.5v2.7" stroke="#ccd6dd" stroke-width="2.8" '
    'fill="none"/>',
    "⬜": '<rect x="2" y="2" width="16" height="16" rx="3" fill="#e6e7e8"/>',
}
"""The emoji of our answers, drawn: not every machine has a font of them."""


def html(text: str, now: float | None = None) -> str:
    """A text as Discord shows it at `now` (unix seconds)."""
    at = time.time() if now is None else now
    parts = _CODE_BLOCK.split(text)
    shown = (
        f"<pre>{_plain(part)}</pre>" if number % 2 else _lines(part.strip("\n"), at)
        for number, part in enumerate(parts)
    )
    return "".join(shown)


def relative(unix: float, now: float) -> str:
    """`3 minutes ago`, `in 2 days`, as Discord says it."""
    size, count = "second", abs(unix - now)
    for name, seconds in _SPANS:
        if count >= seconds:
            size, count = name, count / seconds
            break
    amount = f"{int(count)} {size}{'' if int(count) == 1 else 's'}"
    return f"in {amount}" if unix > now else f"{amount} ago"


def _lines(text: str, now: float) -> str:
    return "".join(_joined(text.split("\n"), now)) if text else ""


def _joined(lines: list[str], now: float) -> Iterator[str]:
    """Lists, headings and quotes are lines of their own; other lines have a break between them."""
    before = False
    for line in lines:
        found = _LINE.fullmatch(line)
        if found is not None:
            yield _block(found["mark"], _inline(found["rest"], now))
        else:
            yield f"{'<br>' if before else ''}{_inline(line, now)}"
        before = found is None


def _block(mark: str, inside: str) -> str:
    if mark in "-*":
        return f"<ul><li>{inside}</li></ul>"
    if mark == ">":
        return f"<blockquote>{inside}</blockquote>"
    return f"<small>{inside}</small>" if mark == "-#" else f"<h{len(mark)}>{inside}</h{len(mark)}>"


def _inline(text: str, now: float) -> str:
    shown, end = [], 0
    for token in _TOKEN.finditer(text):
        shown += [_plain(text[end : token.start()]), _token(token, now)]
        end = token.end()
    return "".join([*shown, _plain(text[end:])])


def _token(token: re.Match[str], now: float) -> str:
    found = {name: value for name, value in token.groupdict().items() if value is not None}
    match found:
        case {"code": code}:
            return f"<code>{escape(code)}</code>"
        case {"literal": literal}:
            return escape(literal)
        case {"unix": unix}:
            return f"<time>{escape(_moment(int(unix), found.get('style', 'f'), now))}</time>"
        case {"user": user}:
            return f'<span class="mention">@{user}</span>'
        case {"label": label, "url": url}:
            return f'<a href="{escape(url)}">{_inline(label, now)}</a>'
    ((tag, inside),) = found.items()
    return f"<{tag}>{_inline(inside, now)}</{tag}>"


def _moment(unix: int, style: str, now: float) -> str:
    if style == "R":
        return relative(unix, now)
    return datetime.fromtimestamp(unix, UTC).strftime(_FORMS.get(style, "%d %B %Y %H:%M"))


def _plain(text: str) -> str:
    shown = escape(text)
    for sign, drawn in _SIGNS.items():
        shown = shown.replace(sign, f'<svg class="sign" viewBox="0 0 20 20">{drawn}</svg>')
    return shown
