"""Messages as Discord shows them on a phone: a page of HTML that needs nothing but itself."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any, Final

from whisperwatch.demo.gallery.markdown import html

WIDTH: Final = 390
"""Of the page, in CSS pixels: a phone's."""
_JSON = Mapping[str, Any]
Content = Callable[[_JSON], bytes | None]
"""What is in an attachment; None where that is not known."""
_PICTURES: Final = (".png", ".jpg", ".gif", ".webp")
_STYLE: Final = Path(__file__).with_name("phone.css")


@dataclass(frozen=True, slots=True)
class Shown:
    """A message to be shown.

    Attributes:
        message: as Discord's API gives it.
        alone: only its reader sees it.
        asked: how it was asked for, for a slash command: (who, the command).
    """

    message: _JSON
    alone: bool = False
    asked: tuple[str, str] | None = None


def page(messages: Iterable[Shown | str], content: Content = lambda _: None) -> str:
    """A page of messages, one below the other, each at the moment that it came; a text among them says where what
    follows it is, and is shown where that changes."""
    place, parts = "", []
    for one in messages:
        if not isinstance(one, str):
            parts.append(_message(one, content))
        elif one != place:
            place = one
            parts.append(f'<div class="place">{escape(one)}</div>')
    body = "".join(parts)
    style = f"<style>{_STYLE.read_text(encoding='utf-8')} body {{ width: {WIDTH}px }}</style>"
    return f'<!doctype html><html lang="en"><meta charset="utf-8">{style}<body>{body}</body></html>'


def _message(shown: Shown, content: Content) -> str:
    message = shown.message
    now = datetime.fromisoformat(message["timestamp"]).timestamp()
    author = message["author"]
    name = author.get("global_name") or author["username"]
    app = '<span class="app">APP</span>' if author.get("bot") else ""
    attachments = {file["filename"]: _source(file, content) for file in message.get("attachments") or ()}
    inside = set[str]()
    parts = [
        *_asked(message, shown.asked),
        f'<div class="head"><b>{escape(name)}</b>{app}<i>{_time(message["timestamp"])}</i></div>',
        html(message.get("content") or "", now),
        *(_embed(embed, attachments, inside, now) for embed in message.get("embeds") or ()),
        *(
            _file(file, content)
            for file in message.get("attachments") or ()
            if file["filename"] not in inside
        ),
        *(_row(row) for row in message.get("components") or ()),
        '<div class="aside">Only you can see this · <a>Dismiss message</a></div>' if shown.alone else "",
    ]
    colour = "#5865f2" if author.get("bot") else "#3ba55c"
    avatar = f'<div class="avatar" style="background:{colour}">{escape(name[:1].upper())}</div>'
    return f'<div class="message">{avatar}<div class="body">{"".join(parts)}</div></div>'


def _asked(message: _JSON, asked: tuple[str, str] | None) -> Iterable[str]:
    """The line above: what it replies to, or the command that was used."""
    before = message.get("referenced_message")
    if asked is not None:
        yield f'<div class="reply"><b>{escape(asked[0])}</b> used <b>{escape(asked[1])}</b></div>'
    elif before:
        who = before["author"].get("global_name") or before["author"]["username"]
        yield f'<div class="reply"><b>{escape(who)}</b> {escape(before.get("content") or "")}</div>'


def _embed(embed: _JSON, attachments: Mapping[str, str | None], inside: set[str], now: float) -> str:
    parts = []
    if title := embed.get("title"):
        parts.append(f'<div class="title">{html(title, now)}</div>')
    if description := embed.get("description"):
        parts.append(f"<div>{html(description, now)}</div>")
    if fields := embed.get("fields"):
        parts.append(f'<div class="fields">{"".join(_field(one, now) for one in fields)}</div>')
    name = str((embed.get("image") or {}).get("url", "")).removeprefix("attachment://").rpartition("/")[2]
    if source := attachments.get(name):
        inside.add(name)
        parts.append(f'<img class="image" src="{source}" alt="">')
    footer = [escape((embed.get("footer") or {}).get("text") or "")]
    footer += [f"Today at {_time(embed['timestamp'])}"] if embed.get("timestamp") else []
    if any(footer):
        parts.append(f'<div class="footer">{" • ".join(filter(None, footer))}</div>')
    colour = f"#{embed['color']:06x}" if embed.get("color") else "#1e1f22"
    return f'<div class="embed" style="border-color:{colour}">{"".join(parts)}</div>'


def _field(field: _JSON, now: float) -> str:
    inline = " inline" if field.get("inline") else ""
    shown = html(field["name"], now), html(field["value"], now)
    return f'<div class="field{inline}"><div class="name">{shown[0]}</div>{shown[1]}</div>'


def _source(file: _JSON, content: Content) -> str | None:
    """A picture as a data URI; None for what is none."""
    if not file["filename"].endswith(_PICTURES) or (data := content(file)) is None:
        return None
    return f"data:image/png;base64,{base64.b64encode(data).decode()}"


def _file(file: _JSON, content: Content) -> str:
    source = _source(file, content)
    if source is not None:
        return f'<img class="image" src="{source}" alt="">'
    return f'<div class="file">{escape(file["filename"])}<small>{file["size"] / 1000:.1f} kB</small></div>'


def _row(row: _JSON) -> str:
    buttons = (
        f'<span class="button{" off" if one.get("disabled") else ""}">{escape(one.get("label") or "")}</span>'
        for one in row.get("components") or ()
    )
    return f'<div class="buttons">{"".join(buttons)}</div>'


def _time(iso: str) -> str:
    return datetime.fromisoformat(iso).astimezone(UTC).strftime("%H:%M")
