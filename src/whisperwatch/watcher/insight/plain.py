"""A report as JSON has it, and the JSON Schema of that: both from the dataclasses themselves, properties included."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

_SIMPLE: Final[Mapping[Any, str]] = {
    str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null",
}  # fmt: skip


def plain(value: Any) -> Any:
    """Dataclasses are objects with their fields and properties; what is no number is null."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {name: plain(getattr(value, name)) for name, _ in _members(type(value))}
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(item) for item in value]
    return value if value is None or isinstance(value, str | int) else str(value)


def schema(kind: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    """The JSON Schema of what `plain` makes of such a value. Dataclasses go into `definitions`, by their names."""
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        name = kind.__name__
        if name not in definitions:
            definitions[name] = {}
            members = dict(_members(kind))
            definitions[name] = {
                "type": "object",
                "description": " ".join((kind.__doc__ or "").split("\n\n")[0].split()),
                "properties": {member: schema(of, definitions) for member, of in members.items()},
                "required": list(members),
                "additionalProperties": False,
            }
        return {"$ref": f"#/components/schemas/{name}"}
    if kind in _SIMPLE:
        return {"type": _SIMPLE[kind]}
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return {"anyOf": [schema(one, definitions) for one in arguments]}
    if origin is typing.Literal:
        return {"enum": list(arguments)}
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {"type": "object", "additionalProperties": schema(arguments[1], definitions)}
    if isinstance(origin, type) and issubclass(origin, tuple):
        if arguments[1:] == (...,):
            return {"type": "array", "items": schema(arguments[0], definitions)}
        each, count = [schema(one, definitions) for one in arguments], len(arguments)
        return {"type": "array", "prefixItems": each, "minItems": count, "maxItems": count}
    return {}


def _members(kind: type) -> Iterator[tuple[str, Any]]:
    """Fields, then properties, with their types."""
    hints = typing.get_type_hints(kind)
    for one in dataclasses.fields(kind):
        yield one.name, hints[one.name]
    for name, member in vars(kind).items():
        if isinstance(member, property) and member.fget is not None:
            yield name, typing.get_type_hints(member.fget)["return"]
