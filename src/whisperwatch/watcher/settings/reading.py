"""Reading a group of settings: which layer speaks, what was wrong with it, and the default in its place."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, ClassVar, Final, TypeVar

from whisperwatch.watcher.redaction import Redactor

from .origin import DEFAULT, Given, Origin

_ABOUT: Final = "about"
FILE_SUFFIX: Final = "_FILE"
"""A secret may be in a file that the variable with this ending names, as Docker has it."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One wrong setting.

    Attributes:
        name: the variable, or the key of the file.
        shown: its value as it may be shown, secrets masked.
        wrong: what is wrong with it.
        right: what would be right.
        place: where it is written, such as `monitoring.yaml:12`; empty for a variable.
    """

    name: str
    shown: str
    wrong: str
    right: str
    place: str = ""

    def __str__(self) -> str:
        before = f"{self.place}: " if self.place else ""
        return f"{before}{self.name}={self.shown} {self.wrong}; it should be {self.right}"

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
    off: str | None
    later: str | None
    live: bool
    bot: bool
    changeable: bool

    @property
    def name(self) -> str:
        """What people call it: its first variable, else its key."""
        return (*self.variables, self.yaml or "")[0]


def setting(
    *variables: str,
    default: Any,
    parse: Callable[[Any], Any],
    help: str,
    right: str,
    yaml: str | None = None,
    secret: bool = False,
    unset: str | None = None,
    off: str | None = None,
    later: str | None = None,
    live: bool = False,
    bot: bool = False,
    changeable: bool | None = None,
) -> Any:
    """A field of a `Group`.

    Args:
        variables: the environment variables that set it; the first that is set wins.
        default: its value where nothing sets it.
        parse: from the text to the value; its ValueError says what is wrong, to follow the variable's name.
        help: what it does, for people.
        right: what a right value is, to follow "should be".
        yaml: the key of monitoring.yaml or alerts.yaml that sets it where no variable does.
        secret: its value is never shown; a variable with `_FILE` added may name a file that holds it.
        unset: how people are told of the default, where the value itself says little.
        off: what is left out when it is false, for a switch.
        later: nothing uses it yet; what will, to follow "not yet used: ".
        live: a new value is in force at once, without a new start.
        bot: the bot's process reads it too, from the environment alone: neither file, code nor override can set it.
        changeable: an admin may set it at run time, from Discord too; by default those that are in force at once.
    """
    may = live if changeable is None else changeable
    told = About(variables, default, parse, help, right, yaml, secret, unset, off, later, live, bot, may)
    return field(default=default, metadata={_ABOUT: told})


@dataclass(frozen=True, kw_only=True)
class Group:
    """Settings that belong together.

    Attributes:
        title: heads them on the page of settings.
        given: the names of those that something sets.
    """

    title: ClassVar[str] = ""
    signals: ClassVar[tuple[str, ...]] = ("TRACES", "METRICS", "LOGS")
    """What takes the place of `{signal}` in the names of its variables."""
    given: frozenset[str] = frozenset()


def settings_of(group: Group | type[Group]) -> dict[str, About]:
    """What is told of each setting of a group, by the field's name."""
    return {found.name: found.metadata[_ABOUT] for found in fields(group) if _ABOUT in found.metadata}


@dataclass(frozen=True, slots=True)
class Value:
    """One setting as it is in force.

    Attributes:
        name: what people call it.
        about: what it is.
        value: in force.
        origin: who says so.
        in_seconds: it is a duration.
    """

    name: str
    about: About
    value: Any
    origin: Origin
    in_seconds: bool


G = TypeVar("G", bound=Group)


@dataclass(slots=True)
class Reading:
    """What each layer says, and what was wrong so far.

    Attributes:
        environ: the environment.
        yaml: the files' keys (flattened: `a.b.c`).
        code: by a setting's name, what the program said.
        overrides: by a setting's name, what was set at run time.
        problems: in the order in which they were found; the same one from two groups counts once.
        values: every setting that was read, by its name.
    """

    environ: Mapping[str, str]
    yaml: Mapping[str, Given]
    code: Mapping[str, Any] = field(default_factory=dict)
    overrides: Mapping[str, Given] = field(default_factory=dict)
    problems: dict[Problem, None] = field(default_factory=dict)
    values: dict[str, Value] = field(default_factory=dict)

    def group(self, kind: type[G], signal: str = "") -> G:
        """The group `kind`; `signal` takes the place of `{signal}` in the names of its variables."""
        values = {}
        for field_name, about in settings_of(kind).items():
            value, origin = about.default, DEFAULT
            found = self._find(about, signal)
            if found is not None:
                name, given, said_by = found
                try:
                    value = values[field_name] = about.parse(given)
                    origin = said_by
                except ValueError as error:
                    self._wrong(about, name, given, str(error), said_by)
            name = about.name.format(signal=signal)
            self.values[name] = Value(name, about, value, origin, field_name.endswith("_s"))
        return kind(**values, given=frozenset(values))

    def refuse(self, name: str, why: str, right: str) -> None:
        """Complain about `name` if it is set."""
        if value := self._text(name):
            self.add(Problem(name, value, why, right))

    def add(self, problem: Problem) -> None:
        self.problems[problem] = None

    def _find(self, about: About, signal: str) -> tuple[str, Any, Origin] | None:
        return next(self._say(about, signal), None)

    def _say(self, about: About, signal: str) -> Iterator[tuple[str, Any, Origin]]:
        """All that is said of a setting, the strongest first."""
        names = [variable.format(signal=signal) for variable in about.variables]
        for name in [*names, *([about.yaml] if about.yaml else [])]:
            if name in self.overrides and not about.bot:
                yield name, self.overrides[name].value, Origin("override")
        for name in [*names, *([about.yaml] if about.yaml else [])]:
            if name in self.code and not about.bot:
                yield name, self.code[name], Origin("code")
        for name in names:
            text = self._secret(name, about) if about.secret else self._text(name)
            if text:
                yield name, text, Origin("environment")
        if about.yaml is not None and about.yaml in self.yaml and self.yaml[about.yaml].value is not None:
            given = self.yaml[about.yaml]
            yield about.yaml, given.value, Origin("file", given.place)

    def _text(self, name: str) -> str:
        """An empty variable is an unset one, as OpenTelemetry's specification has it."""
        return self.environ.get(name, "").strip()

    def _secret(self, name: str, about: About) -> str:
        text, path = self._text(name), self._text(name + FILE_SUFFIX)
        if not path:
            return text
        if text:
            self.add(Problem(name, "(not shown)", f"and {name}{FILE_SUFFIX} are both set", "one of the two"))
            return ""
        try:
            text = Path(path).expanduser().read_text(encoding="utf-8").strip("\r\n")
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "it is no UTF-8 text"
            right = f"a file that holds {about.right}"
            self.add(Problem(name + FILE_SUFFIX, path, f"can't be read ({reason})", right))
            return ""
        if not text:
            right = f"a file that holds {about.right}"
            self.add(Problem(name + FILE_SUFFIX, path, "is empty", right))
        return text

    def _wrong(self, about: About, name: str, value: Any, wrong: str, origin: Origin) -> None:
        shown = f"({len(str(value))} characters)" if about.secret else masked(str(value))
        place = str(origin) if origin.layer != "environment" else ""
        self.add(Problem(name, shown, wrong, about.right, place))


def masked(text: str) -> str:
    """Without secrets (a URL's user and password among them), and not longer than a line."""
    return _redactor.text(re.sub(r"(?<=//)[^/@\s]*@", "***@", text))[:80]


_redactor: Final = Redactor()
