"""Parts of a message or modal that a user can use: buttons, selects, text fields."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from whisperwatch.demo.loopback.bodies import components
from whisperwatch.demo.loopback.messages import Message
from whisperwatch.demo.loopback.options import Resolved
from whisperwatch.demo.loopback.wire import JSON

CommandKind = Literal["slash", "autocomplete"]
ROW, BUTTON, STRING_SELECT, TEXT_INPUT, LABEL, TEXT = 1, 2, 3, 4, 18, 10
SELECTS = (STRING_SELECT, 5, 6, 7, 8)


def button(message: Message, which: str | None) -> JSON:
    """The button of this label or custom id, or the only one. Raises LookupError."""
    buttons = [c for c in components(message.components) if c["type"] == BUTTON and "custom_id" in c]
    return _one("button", buttons, which, message)


def select(message: Message, which: str | None) -> JSON:
    """The select of this placeholder or custom id, or the only one. Raises LookupError."""
    selects = [c for c in components(message.components) if c["type"] in SELECTS]
    return _one("select", selects, which, message)


def _one(what: str, found: list[JSON], which: str | None, message: Message) -> JSON:
    for component in found:
        names = (component["custom_id"], component.get("label"), component.get("placeholder"))
        if which in names or (which is None and len(found) == 1):
            if component.get("disabled"):
                raise LookupError(f"the {what} {which!r} is disabled")
            return component
    names_of = [component.get("label") or component["custom_id"] for component in found]
    raise LookupError(f"message {message.id} has no {what} {which!r}; it has {names_of}")


def chosen(select: JSON, values: Iterable[Any], resolved: Resolved) -> list[str]:
    """The `values` of a select's interaction. Raises LookupError."""
    if select["type"] != STRING_SELECT:
        return [resolved.take(value) for value in values]
    offered = {name: each["value"] for each in select["options"] for name in (each["label"], each["value"])}
    try:
        return [offered[str(value)] for value in values]
    except KeyError as missing:
        raise LookupError(f"the select offers no {missing}; it offers {sorted(offered)}") from None


def filled(modal: JSON, values: dict[str, Any]) -> JSON:
    """The `data` of a modal's submission: each field under its row or label. Raises LookupError."""
    left = dict(values)
    rows = [_filled_row(row, left) for row in modal["components"]]
    if left:
        raise LookupError(f"the modal {modal['custom_id']!r} has no field {sorted(left)}")
    return {"custom_id": modal["custom_id"], "components": rows}


def _filled_row(row: JSON, left: dict[str, Any]) -> JSON:
    if row["type"] == LABEL:
        field = _filled_field(row["component"], row.get("label"), left)
        return {"type": LABEL, "id": row.get("id", 0), "component": field}
    if row["type"] == TEXT:
        return {"type": TEXT, "id": row.get("id", 0)}
    fields = [_filled_field(field, field.get("label"), left) for field in row["components"]]
    return {"type": ROW, "id": row.get("id", 0), "components": fields}


def _filled_field(field: JSON, label: str | None, left: dict[str, Any]) -> JSON:
    name = field["custom_id"] if field["custom_id"] in left else label
    value = left.pop(name, None) if name is not None else None
    data: JSON = {"type": field["type"], "id": field.get("id", 0), "custom_id": field["custom_id"]}
    if field["type"] == TEXT_INPUT:
        return data | {"value": str(value if value is not None else field.get("value") or "")}
    if field["type"] == STRING_SELECT or isinstance(value, (list, tuple)):
        return data | {
            "values": [str(each) for each in (value if isinstance(value, (list, tuple)) else [value])]
        }
    return data | {"value": value}
