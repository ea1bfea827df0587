"""Reading a group of settings: which variable speaks, what was wrong with it, and the default in its place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails


@dataclass(frozen=True, slots=True)
class Problem:
    """One wrong setting.

    Attributes:
        name: the variable, or the key of monitoring.yaml.
        shown: its value as it may be shown, secrets masked.
        wrong: what is wrong with it.
        right: what would be right.
    """

    name: str
    shown: str
    wrong: str
    right: str

    def __str__(self) -> str:
        return f"{self.name}={self.shown} {self.wrong}; it should be {self.right}"

    @property
    def public(self) -> str:
        """Without the value, for `/health`."""
        return f"{self.name} should be {self.right}"


class SettingsError(ValueError):
    """Settings are wrong; `problems` has them all, and the message a line for each."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class About:
    """What a setting is besides its type: see `setting`."""

    variables: tuple[str, ...]
    right: str
    yaml: str | None = None
    secret: bool = False
    unset: str | None = None


def setting(
    *variables: str,
    default: Any,
    help: str,
    right: str,
    yaml: str | None = None,
    secret: bool = False,
    unset: str | None = None,
) -> Any:
    """A field of a `Group`.

    Args:
        variables: the environment variables that set it; the first that is set wins.
        default: its value where nothing sets it.
        help: what it does, for people.
        right: what a right value is, to follow "should be".
        yaml: the key of monitoring.yaml that sets it where no variable does.
        secret: its value is never shown.
        unset: how the page of settings names the default, where the value itself says little.
    """
    about = About(variables, right, yaml, secret, unset)
    return Field(default, description=help, json_schema_extra={"about": about})  # type: ignore[dict-item]


class Group(BaseModel):
    """Settings that belong together. `title` heads them on the page of settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
    title: ClassVar[str] = ""


def about(info: FieldInfo) -> About:
    """What `setting` was told."""
    found = info.json_schema_extra["about"]  # type: ignore[index]
    assert isinstance(found, About)
    return found


G = TypeVar("G", bound=Group)


@dataclass(slots=True)
class Reading:
    """What the environment and monitoring.yaml (flattened: `a.b.c`) say, and what was wrong so far."""

    environ: Mapping[str, str]
    yaml: Mapping[str, Any]
    problems: dict[Problem, None] = field(default_factory=dict)
    """In the order in which they were found; the same one from two groups counts once."""

    def group(self, kind: type[G], signal: str = "") -> G:
        """The group `kind`; `signal` takes the place of `{signal}` in the names of its variables."""
        given = {
            name: found
            for name, info in kind.model_fields.items()
            if (found := self._find(about(info), signal))
        }
        while True:
            try:
                return kind.model_validate({name: value for name, (_, value) in given.items()})
            except ValidationError as errors:
                for error in errors.errors(include_url=False, include_input=False):
                    name = str(error["loc"][0])
                    if name in given:
                        self._wrong(about(kind.model_fields[name]), *given.pop(name), _what(error))

    def refuse(self, name: str, why: str, right: str) -> None:
        """Complain about `name` if it is set."""
        if value := self._text(name):
            self.add(Problem(name, value, why, right))

    def add(self, problem: Problem) -> None:
        self.problems[problem] = None

    def _find(self, about: About, signal: str) -> tuple[str, Any] | None:
        for variable in about.variables:
            name = variable.format(signal=signal)
            if value := self._text(name):
                return name, value
        if about.yaml is not None and self.yaml.get(about.yaml) is not None:
            return about.yaml, self.yaml[about.yaml]
        return None

    def _text(self, name: str) -> str:
        """An empty variable is an unset one, as OpenTelemetry's specification has it."""
        return self.environ.get(name, "").strip()

    def _wrong(self, about: About, name: str, value: Any, wrong: str) -> None:
        shown = f"({len(str(value))} characters)" if about.secret else masked(str(value))
        self.add(Problem(name, shown, wrong, about.right))


def _what(error: ErrorDetails) -> str:
    match error["type"]:
        case "value_error":
            return error["msg"].removeprefix("Value error, ")
        case "greater_than" | "greater_than_equal":
            return "is too low"
        case "less_than" | "less_than_equal":
            return "is too high"
        case "int_parsing" | "int_from_float" | "float_parsing":
            return "is no such number"
    return "is not understood"


def masked(text: str) -> str:
    """Without the user and password of a URL, and not longer than a line."""
    return re.sub(r"(?<=//)[^/@\s]*@", "***@", text)[:80]
