"""Bodies of messages that come over REST: which fields a message takes from them, and what Discord refuses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from whisperwatch.demo.loopback.errors import ApiError, invalid_form
from whisperwatch.demo.loopback.wire import JSON

if TYPE_CHECKING:
    from whisperwatch.demo.loopback.messages import Message

LONGEST = 2000
COMPONENTS_V2 = 1 << 15
_ROW, _BUTTON = 1, 2


@dataclass(frozen=True, slots=True)
class Allowed:
    """Whom a message may ping, by the `allowed_mentions` of its body; all, where there are none."""

    parse: frozenset[str] = frozenset({"users", "everyone", "roles"})
    users: frozenset[int] = frozenset()
    replied: bool = True

    @classmethod
    def of(cls, body: JSON) -> Allowed:
        """Of a message's body."""
        said = body.get("allowed_mentions")
        if said is None:
            return cls()
        users = frozenset(int(one) for one in said.get("users") or ())
        return cls(frozenset(said.get("parse") or ()), users, bool(said.get("replied_user")))

    @property
    def everyone(self) -> bool:
        return "everyone" in self.parse

    def user(self, number: int) -> bool:
        """Whether this user may be pinged."""
        return "users" in self.parse or number in self.users


def fields(body: JSON, *, partial: bool = False) -> dict[str, Any]:
    """The fields of Message that a body sets; with `partial` only those that it names."""
    found: dict[str, Any] = {}
    if "content" in body:
        found["content"] = body["content"] or ""
    if "embeds" in body:
        found["embeds"] = [{"type": "rich"} | embed for embed in body["embeds"] or []]
    if "components" in body:
        found["components"] = _numbered(body["components"] or [])
    if "attachments" in body:
        found["attachments"] = body["attachments"] or []
    if "flags" in body:
        found["flags"] = int(body["flags"] or 0)
    if not partial:
        found |= {name: body[name] for name in ("nonce", "tts") if name in body}
    return found


def changes(message: Message, body: JSON) -> dict[str, Any]:
    """The fields that an edit sets; attachments that it names by id stay as they are."""
    found = fields(body, partial=True)
    if "attachments" in found:
        kept = {attachment["id"]: attachment for attachment in message.attachments}
        found["attachments"] = [kept.get(str(each["id"]), each) for each in found["attachments"]]
    return found


def check(message: Message) -> None:
    """Refuses what Discord refuses: empty and too long messages. Raises ApiError."""
    if len(message.content) > LONGEST:
        raise invalid_form("content", "BASE_TYPE_MAX_LENGTH", f"Must be {LONGEST} or fewer in length.")
    empty = not (message.content or message.embeds or message.components or message.attachments)
    if empty and not message.loading:
        raise ApiError(400, 50006, "Cannot send an empty message")
    _check_embeds(message.embeds)
    _check_buttons(message.components)


def _check_embeds(embeds: list[JSON]) -> None:
    """Discord's limits; it counts UTF-16 units."""
    together = 0
    for embed in embeds:
        fields = embed.get("fields") or []
        if len(fields) > 25 or len(embeds) > 10:
            raise invalid_form("embeds", "BASE_TYPE_MAX_LENGTH", "Must be 25 or fewer in length.")
        texts = [
            (256, embed.get("title")), (4096, embed.get("description")),
            (2048, (embed.get("footer") or {}).get("text")), (256, (embed.get("author") or {}).get("name")),
        ]  # fmt: skip
        for field in fields:
            if not (field.get("name") or "").strip() or not (field.get("value") or "").strip():
                raise invalid_form("embeds", "BASE_TYPE_REQUIRED", "This field is required")
            texts += [(256, field["name"]), (1024, field["value"])]
        for longest, text in texts:
            size = units(text or "")
            together += size
            if size > longest:
                raise invalid_form("embeds", "BASE_TYPE_MAX_LENGTH", f"Must be {longest} or fewer in length.")
    if together > 6000:
        raise invalid_form("embeds", "MAX_EMBED_SIZE_EXCEEDED", "Embed size exceeds maximum size of 6000")


def _check_buttons(tree: list[JSON]) -> None:
    """Discord's limits of rows and buttons; ids are of one component each."""
    for row in tree:
        if row.get("type") == _ROW and len(row.get("components") or ()) > 5:
            raise invalid_form("components", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 5 in length.")
    found = list(components(tree))
    ids = [one["custom_id"] for one in found if "custom_id" in one]
    if len(set(ids)) != len(ids):
        raise invalid_form(
            "components", "COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated"
        )
    for name, longest in (("custom_id", 100), ("label", 80)):
        if any(units(one.get(name) or "") > longest for one in found if one.get("type") == _BUTTON):
            raise invalid_form("components", "BASE_TYPE_BAD_LENGTH", f"Must be {longest} or fewer in length.")


def units(text: str) -> int:
    """UTF-16 units, which is how Discord counts."""
    return len(text.encode("utf-16-le")) // 2


def components(tree: list[JSON]) -> Iterator[JSON]:
    """Every component of a message or modal, rows and containers before what they hold."""
    for component in tree:
        yield component
        yield from components(component.get("components", []))
        inner = [component[key] for key in ("accessory", "component") if key in component]
        yield from components(inner)


def _numbered(tree: list[JSON]) -> list[JSON]:
    for number, component in enumerate(components(tree), 1):
        component.setdefault("id", number)
    return tree
