"""Settings of the bot's own that its admins may change while it runs: `whisperwatch.setting("DATABASE_POOL_SIZE", …)`.

The bot says how one is read and how it is set; Whisperwatch checks what is typed, keeps it in the state directory, and
sets it again when the bot starts anew. All of it runs on the bot's loop.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import math
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence, Set
from typing import Any, Final, TypeVar

from whisperwatch.bot import guard
from whisperwatch.bot.instrument.runtime import pulse

logger = logging.getLogger("whisperwatch")

T = TypeVar("T", bool, int, float, str)
_NAME: Final = re.compile(r"[A-Za-z][\w.-]{0,63}")
_SWITCH: Final = {
    **dict.fromkeys(("true", "1", "yes", "on"), True), **dict.fromkeys(("false", "0", "no", "off"), False),
}  # fmt: skip
_KINDS: Final = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}
_LONGEST: Final = 1_000
_PATIENCE_S: Final = 4.0
MOST: Final = 100


def setting(
    name: str,
    *,
    get: Callable[[], T],
    set: Callable[[T], Awaitable[None] | None],
    help: str = "",
    least: float | None = None,
    most: float | None = None,
    choices: Sequence[str] = (),
) -> None:
    """The bot's admins may read and change this by `config get`, `config set` and `config unset`.

    What is typed is read as the type that `get()` returns now; that value is also what `unset` goes back to. A later
    setting of the same name takes the place of the earlier. Without a watched bot nobody can ask for it. One
    that can't be is left out, and said in the log: it needs such a name and value, and a hundred are the most.

    Args:
        name: letters, digits, `_`, `-` and `.`, such as `DATABASE_POOL_SIZE`.
        get: gives the value in force: a bool, int, float or str.
        set: puts a new value in force; it may be `async`. Called on the bot's loop. The text of its ValueError is shown
            to who asked; another exception is told of by its type.
        help: what it does, for people, in a sentence.
        least, most: bounds of a number, themselves allowed.
        choices: the only texts that are allowed.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        guard.mistaken("setting", "its name is of up to 64 letters, digits, _, - and .")
        return
    if name not in settings.known and len(settings.known) >= MOST:
        guard.mistaken("setting", f"{MOST} are the most")
        return
    try:
        value = get()
    except Exception:
        guard.failed(f"setting {name}")
        return
    if type(value) not in _KINDS:
        guard.mistaken("setting", "its get gives a bool, int, float or str")
        return
    if not guard.is_a(choices, list, tuple, Set):
        guard.mistaken("setting", "its choices are texts, in a list or a tuple")
        return
    settings.register(Setting(name, value, get, set, help, least, most, tuple(choices)))


class Setting:
    """One of the bot's settings. `default`: its value when it was registered."""

    def __init__(
        self,
        name: str,
        default: bool | int | float | str,
        get: Callable[[], Any],
        set: Callable[[Any], Any],
        help: str,
        least: float | None,
        most: float | None,
        choices: tuple[str, ...],
    ) -> None:
        self.name, self.default, self.help = name, default, help
        self._get, self._set = get, set
        self._least, self._most, self._choices = least, most, choices
        self._changing = asyncio.Lock()

    @property
    def right(self) -> str:
        """What a right value is, to follow "should be"."""
        if self._choices:
            return f"one of {', '.join(self._choices)}"
        bounds = [f"from {self._least:g}"] if self._least is not None else []
        bounds += [f"to {self._most:g}"] if self._most is not None else []
        return " ".join([_KINDS[type(self.default)], *bounds])

    def told(self) -> dict[str, Any]:
        """What a RESULT says of it."""
        return {"name": self.name, "value": self.value(), "help": self.help, "right": self.right}

    def value(self) -> str | None:
        """The value in force, as it is typed; None where the bot's own code fails to say."""
        try:
            found = self._get()
        except Exception:
            guard.failed(f"setting {self.name}")
            return None
        return str(found).lower() if isinstance(found, bool) else str(found)[:_LONGEST]

    def parse(self, text: str) -> Any:
        """The value that `text` means.

        Raises:
            ValueError: it means none.
        """
        kind = type(self.default)
        if kind is bool:
            value: Any = _SWITCH.get(text.strip().lower())
        else:
            try:
                value = kind(text)
            except ValueError:
                value = None
        numeric = kind in (int, float) and value is not None
        if value is None or len(text) > _LONGEST or (numeric and not math.isfinite(value)):
            raise ValueError(f"should be {self.right}")
        too_little = numeric and self._least is not None and value < self._least
        too_much = numeric and self._most is not None and value > self._most
        if too_little or too_much or (self._choices and value not in self._choices):
            raise ValueError(f"should be {self.right}")
        return value

    async def change(self, value: Any) -> None:
        """Put it in force. Raises what the bot's own function raises; TimeoutError after four seconds."""
        async with asyncio.timeout(_PATIENCE_S), self._changing:
            if inspect.isawaitable(waiting := self._set(value)):
                await waiting


class Settings:
    """The settings of this process, and what an admin has set of them before."""

    def __init__(self) -> None:
        self.known: dict[str, Setting] = {}
        self._overrides: dict[str, str] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def register(self, one: Setting) -> None:
        """Take it in; what was set before is set again."""
        self.known[one.name] = one
        if one.name in self._overrides:
            self._on_the_loop([one.name])

    def welcomed(self, overrides: Mapping[str, Any]) -> None:
        """What a watcher's WELCOME says was set. Called on the ship's thread."""
        new = {str(name): str(value) for name, value in overrides.items()}
        changed = [name for name, text in new.items() if self._overrides.get(name) != text]
        self._overrides = new
        self._on_the_loop([name for name in changed if name in self.known])

    async def tell(self, _: dict[str, Any]) -> dict[str, Any]:
        """CALL `settings`: all of them."""
        return {"settings": [one.told() for one in list(self.known.values())]}

    async def set(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """CALL `set`: `name` to the text `value`, or without one to what it was at the start."""
        name, text = str(arguments.get("name")), arguments.get("value")
        one = self.known.get(name)
        if one is None:
            return {"error": f"{name:.80} is no setting of this process"}
        before = one.value()
        try:
            await one.change(one.default if text is None else one.parse(str(text)))
        except ValueError as error:
            return {"error": str(error)[:_LONGEST], "wrong": True}
        except Exception as error:
            logger.warning("the setting %s could not be changed", name, exc_info=True)
            return {"error": f"could not be changed: the bot's own function failed ({type(error).__name__})"}
        if text is None:
            self._overrides.pop(name, None)
        else:
            self._overrides[name] = str(text)
        return {"before": before, **one.told()}

    def _on_the_loop(self, names: list[str]) -> None:
        loop = pulse.loop
        if loop is None or loop.is_closed() or not names:
            return  # the next welcome brings it
        try:
            loop.call_soon_threadsafe(self._set_again, names)
        except RuntimeError:  # it was closed just now
            return

    def _set_again(self, names: list[str]) -> None:
        task = asyncio.get_running_loop().create_task(self._restore(names), name="whisperwatch: settings")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _restore(self, names: list[str]) -> None:
        for name in names:
            one, text = self.known[name], self._overrides.get(name)
            try:
                if text is not None and text != one.value():
                    await one.change(one.parse(text))
                    logger.info("%s is set to %s again, as an admin has set it", name, text)
            except Exception as error:
                logger.warning(
                    "%s could not be set again (%s): it stays as it is", name, type(error).__name__
                )


settings = Settings()
"""This process's."""
CALLEES: Final = {"settings": settings.tell, "set": settings.set}
"""What the watcher may call for."""
