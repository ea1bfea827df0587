from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from whisperwatch.demo.gallery.camera import chromium, photograph
from whisperwatch.demo.gallery.page import Shown, page

BOT = {"username": "Wren", "global_name": None, "bot": True}
ADA = {"username": "ada", "global_name": "Ada", "bot": False}
AT = "2023-11-14T22:13:20.000000+00:00"
ASKED: dict[str, Any] = {"author": ADA, "content": "!health <now>", "timestamp": AT}
EMBED = {
    "title": "⚠️ The bot is degraded",
    "description": "1 of 4 checks.\nSince <t:1699999997:R>",
    "color": 0xF1C40F,
    "fields": [
        {"name": "POOL\\_SIZE", "value": "a `b`", "inline": False},
        {"name": "x", "value": "1", "inline": True},
    ],
    "image": {"url": "attachment://chart.png"},
    "footer": {"text": "Whisperwatch"},
    "timestamp": AT,
}
ANSWER: dict[str, Any] = {
    "author": BOT, "content": "", "timestamp": AT, "referenced_message": ASKED, "embeds": [EMBED],
    "attachments": [
        {"id": "1", "filename": "chart.png", "size": 4}, {"id": "2", "filename": "logs.json", "size": 1234},
    ],
    "components": [{"type": 1, "components": [{"label": "◀", "disabled": True}, {"label": "▶"}]}],
}  # fmt: skip


def content(file: Any) -> bytes | None:
    return b"\x89PNG" if file["id"] == "1" else None


class Balance(HTMLParser):
    """Which elements are open at the end, and whether each end had its beginning."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag not in ("meta", "br", "img", "path", "rect"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self.open and tag == self.open[-1]:
            self.open.pop()
        elif tag not in ("path", "rect"):
            raise AssertionError(f"</{tag}> in {self.open}")


def test_a_conversation() -> None:
    made = page(["# general", Shown(ASKED), "# general", Shown(ANSWER)], content)
    balance = Balance()
    balance.feed(made)
    assert balance.open == []
    shown = re.sub(r"<style>.*</style>", "", made)
    assert shown.count('<div class="place"># general</div>') == 1
    assert "!health &lt;now&gt;" in shown
    assert '<div class="reply"><b>Ada</b> !health &lt;now&gt;</div>' in shown
    assert '<b>Wren</b><span class="app">APP</span><i>22:13</i>' in shown
    assert '<div class="embed" style="border-color:#f1c40f">' in shown
    assert "1 of 4 checks.<br>Since <time>3 seconds ago</time>" in shown
    assert '<div class="field"><div class="name">POOL_SIZE</div>a <code>b</code></div>' in shown
    assert '<div class="field inline">' in shown
    assert shown.count("data:image/png;base64,iVBORw==") == 1, "a picture in the embed isn't shown below, too"
    assert '<div class="file">logs.json<small>1.2 kB</small></div>' in shown
    assert '<span class="button off">◀</span><span class="button">▶</span>' in shown
    assert "Whisperwatch • Today at 22:13" in shown
    assert "Only you" not in shown
    assert "http" not in shown


def test_by_slash_command_it_is_for_one_alone() -> None:
    shown = page([Shown({**ANSWER, "referenced_message": None}, True, ("Ada", "/watch health"))])
    assert "<b>Ada</b> used <b>/watch health</b>" in shown
    assert "Only you can see this" in shown


@pytest.mark.skipif(chromium() is None, reason="no Chromium")
def test_it_is_photographed_as_tall_as_it_is(tmp_path: Path) -> None:
    from PIL import Image

    picture = tmp_path / "a.png"
    photograph(page([Shown(ANSWER)] * 8), picture)
    with Image.open(picture) as image:
        assert image.height > 4 * image.width
        colours = image.convert("RGB").getcolors(100_000) or ()
    assert len(colours) > 10, "there is something on it"
