"""Takes secrets out of texts and attributes. One for each watcher; everything that leaves or is shown goes through it.

It fails closed: a value that it can't look at is dropped, and counted.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from re import Match, Pattern
from typing import Any, Final, NamedTuple

from .kind import Kind, mark
from .known import secrets_of
from .pairs import PAIRS, is_secret_key
from .shapes import CARD, EMAIL, SHAPES
from .sql import STATEMENTS, sanitized, system_of

_logger = logging.getLogger(__name__)
FAILED: Final = mark("failed")
"""What stands for a value that was dropped because it could not be looked at."""
SECRET: Final = mark("secret")
_ID: Final = re.compile(r"\d(?<![A-Za-z0-9.]\d)\d{16,18}(?![A-Za-z0-9])")
_MAYBE_ID: Final = re.compile(r"\d{17}")
"""Whatever stands beside it: that may be a secret, which goes first."""
_EPOCH_MS: Final = 1_420_070_400_000
"""From which Discord's ids count."""
_A_DAY_MS: Final = 86_400_000
_SHORTEST_ID: Final = 10**16
_STATEMENTS_KEPT: Final = 512
_LONGEST_KEPT: Final = 2000


class _Sought(NamedTuple):
    """What is looked for in a text: secrets known by value, kinds of them, Discord's ids."""

    secrets: list[str]
    kinds: tuple[Kind, ...]
    ids: bool


class Redactor:
    """Looks at texts.

    Args:
        environ: where the bot's own secrets are; they are masked whatever they look like.
        patterns: more that is to be masked.
        emails: False lets addresses through.
        show_id: how an id of Discord's may leave; without it ids stay as they are.
        counted: called with a kind's name and how many were found of it.
        failed: called when a value was dropped.
    """

    def __init__(
        self,
        environ: Mapping[str, str] | None = None,
        patterns: Sequence[Pattern[str]] = (),
        emails: bool = True,
        show_id: Callable[[str], str] | None = None,
        counted: Callable[[str, int], None] = lambda kind, times: None,
        failed: Callable[[], None] = lambda: None,
    ) -> None:
        self._show_id = show_id
        self._counted = counted
        self._failed = failed
        own = [Kind("pattern", (), pattern, lambda _: mark("pattern")) for pattern in patterns]
        kinds = (*SHAPES, *PAIRS, *((EMAIL,) if emails else ()), CARD, *own)
        self._all = _Sought(secrets_of(environ or {}), kinds, show_id is not None)
        self._said = False
        self._statements: dict[tuple[str, str], str] = {}
        """What came of SQL, by its database system and its text: it takes longest to look at, and is said again."""

    def learn(self, environ: Mapping[str, str]) -> None:
        """Mask the secrets of another environment too."""
        known = {*self._all.secrets, *secrets_of(environ)}
        self._all = self._all._replace(secrets=sorted(known, key=len, reverse=True))
        self._statements.clear()

    def text(self, text: str) -> str:
        """A text as it may leave."""
        return self._text(self._all, text)

    def within(self, whole: str) -> Callable[[str], str]:
        """As `text`, for texts that are lines of `whole`: what that can't have is looked for once, not in each."""
        try:
            return partial(self._text, self._may_be_in(whole))
        except Exception as error:
            self._fail(error)
            return self.text

    def attributes(self, attributes: Mapping[str, Any]) -> dict[str, Any]:
        """Attributes as they may leave; also values within sequences and mappings."""
        system = system_of(attributes)
        return {self.text(key): self.value(key, value, system) for key, value in attributes.items()}

    def value(self, key: str, value: Any, system: str = "") -> Any:
        """The value of the attribute `key` as it may leave; SQL, as this database `system` has it."""
        try:
            if isinstance(value, str):
                if not value:
                    return value
                if is_secret_key(key):
                    self._counted("secret", 1)
                    return SECRET
                return self._statement(value, system) if key in STATEMENTS else self.text(value)
            if isinstance(value, bool) or value is None or isinstance(value, float):
                return value
            if isinstance(value, int):
                return self._number(value)
            return self._of_many(key, value)
        except Exception as error:
            self._fail(error)
            return FAILED

    def _statement(self, value: str, system: str) -> str:
        known = self._statements.get((system, value))
        if known is None:
            known = self.text(sanitized(value, system))
            if len(value) <= _LONGEST_KEPT and known != FAILED:
                if len(self._statements) >= _STATEMENTS_KEPT:
                    self._statements.clear()
                self._statements[system, value] = known
        return known

    def _of_many(self, key: str, value: Any) -> Any:
        if isinstance(value, bytes):
            text = value.decode("utf-8", "surrogateescape")
            return str(self.value(key, text)).encode("utf-8", "surrogateescape")
        if isinstance(value, list | tuple):
            items = [self.value(key, item) for item in value]
            return tuple(items) if isinstance(value, tuple) else items
        if isinstance(value, Mapping):
            return {self.text(str(inner)): self.value(str(inner), item) for inner, item in value.items()}
        return value

    def _may_be_in(self, whole: str) -> _Sought:
        """What a text or a part of it may have."""
        secrets, kinds, ids = self._all
        lower = whole.lower()
        return _Sought(
            [secret for secret in secrets if secret in whole],
            tuple(one for one in kinds if one.may_be_in(lower if one.folded else whole)),
            ids and _MAYBE_ID.search(whole) is not None,
        )

    def _text(self, sought: _Sought, text: str) -> str:
        try:
            return self._without_secrets(sought, text)
        except Exception as error:
            self._fail(error)
            return FAILED

    def _without_secrets(self, sought: _Sought, text: str) -> str:
        for secret in sought.secrets:
            if secret in text:
                text = self._without_known(secret, text)
        lower = text.lower()
        for one in sought.kinds:
            if one.may_be_in(lower if one.folded else text):
                text = self._without(one, text)
        if sought.ids:
            text = _ID.sub(self._id, text)
        return text

    def _without(self, one: Kind, text: str) -> str:
        times = 0

        def replace(found: Match[str]) -> str:
            nonlocal times
            instead = one.replace(found)
            times += instead != found[0]
            return instead

        text = one.pattern.sub(replace, text)
        if times:
            self._counted(one.name, times)
        return text

    def _without_known(self, secret: str, text: str) -> str:
        # a password that is a word is not masked within longer ones
        pattern = rf"(?<!\w){re.escape(secret)}(?!\w)" if secret.isalpha() else re.escape(secret)
        return self._without(Kind("secret", (), re.compile(pattern), lambda _: SECRET), text)

    def _number(self, value: int) -> int | str:
        if self._show_id is None or value < _SHORTEST_ID or not _is_id(value):
            return value
        return self._show_id(str(value))

    def _id(self, found: Match[str]) -> str:
        assert self._show_id is not None
        return self._show_id(found[0]) if _is_id(int(found[0])) else found[0]

    def _fail(self, error: Exception) -> None:
        self._failed()
        if not self._said:
            self._said = True
            _logger.error(
                "a value could not be looked at for secrets and is dropped: %s", type(error).__name__
            )


def _is_id(number: int) -> bool:
    """Whether Discord can have made it: the upper bits are milliseconds, until now."""
    return (number >> 22) + _EPOCH_MS < time.time() * 1000 + _A_DAY_MS
