"""Buttons below an answer: each asks something more, and its answer takes the message's place.

A button's custom id holds the whole question, so it works after a restart of the bot. One that is too long for that is
remembered here, and says that it has expired when it isn't any more.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import discord

from whisperwatch.questions import BY_NAME

PREFIX: Final = "whisperwatch:"
_LONGEST: Final = 100
"""Of a custom id."""
_REMEMBERED: Final = "~"
_MOST: Final = 256
_MOST_BUTTONS: Final = 5


@dataclass(frozen=True, slots=True)
class Pressed:
    """What a button asks: `asker` is the id of who may press it."""

    asker: int
    question: str
    arguments: dict[str, Any]


class Buttons:
    """This process's."""

    def __init__(self) -> None:
        self._remembered: dict[str, str] = {}

    def view(self, buttons: Sequence[dict[str, Any]], asker: int) -> discord.ui.View | None:
        """Of an ANSWER's `buttons`; None without any. discord.py isn't to listen to it, so it is stopped."""
        if not buttons:
            return None
        view = discord.ui.View(timeout=None)
        for number, button in enumerate(buttons[:_MOST_BUTTONS]):
            view.add_item(
                discord.ui.Button(
                    label=button["label"][:80],
                    custom_id=self._id(number, button, asker),
                    disabled=bool(button.get("disabled")),
                    style=discord.ButtonStyle.secondary,
                )
            )
        view.stop()
        return view

    def pressed(self, custom_id: str) -> Pressed | None:
        """What a button of ours asks; None if it has expired."""
        asked = custom_id.removeprefix(PREFIX)[1:]
        if asked.startswith(_REMEMBERED):
            asked = self._remembered.get(asked, "")
        try:
            asker, question, arguments = json.loads(asked)
            if question in BY_NAME and isinstance(arguments, dict):
                return Pressed(int(asker, 36), question, arguments)
        except (ValueError, TypeError):
            pass
        return None

    def _id(self, number: int, button: dict[str, Any], asker: int) -> str:
        asked = json.dumps(
            [_base36(asker), button["question"], button["arguments"]],
            separators=(",", ":"),
            ensure_ascii=False,
        )
        # the number keeps two that ask the same apart, which Discord wants
        if len(f"{PREFIX}{number}{asked}".encode("utf-16-le")) // 2 <= _LONGEST:
            return f"{PREFIX}{number}{asked}"
        key = f"{_REMEMBERED}{secrets.token_hex(8)}"
        self._remembered[key] = asked
        while len(self._remembered) > _MOST:
            del self._remembered[next(iter(self._remembered))]
        return f"{PREFIX}{number}{key}"


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, last = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[last] + digits
    return digits or "0"


buttons = Buttons()
"""What buttons of this process ask."""
