"""Who may read reports over HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from . import values
from .reading import Group, setting


@dataclass(frozen=True, kw_only=True)
class Api(Group):
    """The report API."""

    title: ClassVar[str] = "The report API"
    token: str | None = setting(
        "WHISPERWATCH_API_TOKEN",
        default=None,
        parse=values.token,
        help="What `/api/v1` asks for (`Authorization: Bearer …`), at the address of `/health`. Without "
        "one there is no report API.",
        right="16 characters or more, without spaces",
        secret=True,
        unset="none",
    )
