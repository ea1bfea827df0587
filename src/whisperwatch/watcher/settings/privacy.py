"""The settings of what may leave: the key of the hashes, what is masked beside the usual, and the opt-ins."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from whisperwatch.state import HASH_KEY, hash_key_of

from . import values
from .reading import Group, setting

_SWITCH: Final = "true or false"


def patterns(given: Any) -> tuple[re.Pattern[str], ...]:
    """Regular expressions: of a variable one a line, of monitoring.yaml a list."""
    texts = given if isinstance(given, list) else str(given).splitlines()
    found = []
    for text in filter(None, (str(one).strip() for one in texts)):
        try:
            pattern = re.compile(text)
        except re.error as error:
            raise ValueError(f"has an expression that can't be read: {error}") from None
        if pattern.fullmatch(""):
            raise ValueError("has an expression that matches nothing, and so everywhere")
        found.append(pattern)
    return tuple(found)


@dataclass(frozen=True, kw_only=True)
class Privacy(Group):
    """What may leave. The defaults let out as little as is of use."""

    title: ClassVar[str] = "Privacy"
    hash_key: bytes | None = setting(
        HASH_KEY,
        default=None,
        parse=hash_key_of,
        help="The key of the id hashes; give all processes of a fleet the same one, so that an id has the same hash "
        "everywhere.",
        right="at least 32 characters, such as `openssl rand -hex 32` gives",
        secret=True,
        bot=True,
        unset="made once, in the state directory",
    )
    expose_ids: bool = setting(
        "WHISPERWATCH_EXPOSE_IDS",
        default=False,
        parse=values.switch,
        help="Whether guild, channel, user and message ids leave on spans and in texts as they are. By default they "
        "leave as keyed hashes; they are never on metrics.",
        right=_SWITCH,
        bot=True,
    )
    expose_emails: bool = setting(
        "WHISPERWATCH_EXPOSE_EMAILS",
        default=False,
        parse=values.switch,
        help="Whether e-mail addresses leave as they are.",
        right=_SWITCH,
    )
    expose_words: bool = setting(
        "WHISPERWATCH_EXPOSE_WORDS",
        default=False,
        parse=values.switch,
        help="Whether logs and exceptions may repeat the current message, the names of its author, guild and channel, "
        "and prompts. By default they are masked.",
        right=_SWITCH,
        bot=True,
    )
    redact: tuple[re.Pattern[str], ...] = setting(
        "WHISPERWATCH_REDACT_PATTERNS",
        yaml="monitoring.privacy.redact_patterns",
        default=(),
        parse=patterns,
        help="Regular expressions of what is to be masked beside the usual secrets: one a line in the variable, a list "
        "in the file.",
        right="regular expressions as Python's `re` has them",
        unset="none",
    )
