"""Reading a group of settings: which variable speaks, what was wrong with it, and the default in its place."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Final, TypeVar

from whisperwatch.watcher.redaction import Redactor

_ABOUT: Final = "about"


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
    """What a setting is: see `setting`."""

    variables: tuple[str, ...]
    default: Any
    parse: Callable[[Any], Any]
    help: str
    right: str
    yaml: str | None
    secret: bool
    unset: str | None


def setting(
    *variables: str,
    default: Any,
    parse: Callable[[Any], Any],
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
        parse: from the text to the value; its ValueError says what is wrong, to follow the variable's name.
        help: what it does, for people.
        right: what a right value is, to follow "should be".
        yaml: the key of monitoring.yaml that sets it where no variable does.
        secret: its value is never shown.
        unset: how people are told of the default, where the value itself says little.
    """
    told = About(variables, default, parse, help, right, yaml, secret, unset)
    return field(default=default, metadata={_ABOUT: told})


@dataclass(frozen=True, kw_only=True)
class Group:
    """Settings that belong together.

    Attributes:
        title: heads them on the page of settings.
        given: the names of those that something sets.
    """

    title: ClassVar[str] = ""
    given: frozenset[str] = frozenset()


def settings_of(group: Group | type[Group]) -> dict[str, About]:
    """What is told of each setting of a group, by the field's name."""
    return {found.name: found.metadata[_ABOUT] for found in fields(group) if _ABOUT in found.metadata}


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
        values = {}
        for name, about in settings_of(kind).items():
            found = self._find(about, signal)
            if found is not None:
                try:
                    values[name] = about.parse(found[1])
                except ValueError as error:
                    self._wrong(about, *found, str(error))
        return kind(**values, given=frozenset(values))

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


def masked(text: str) -> str:
    """Without secrets (a URL's user and password among them), and not longer than a line."""
    return _redactor.text(re.sub(r"(?<=//)[^/@\s]*@", "***@", text))[:80]


_redactor: Final = Redactor()
