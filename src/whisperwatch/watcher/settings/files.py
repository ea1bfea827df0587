"""monitoring.yaml and alerts.yaml: every key with its value, file and line, and every mistake in their form."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from . import misspelt
from .origin import Given
from .reading import Problem

NAMES: Final = {
    "monitoring.yaml": ("MONITORING_CONFIG", "WHISPERWATCH_CONFIG"),
    "alerts.yaml": ("ALERTS_CONFIG",),
}
"""The files, and the variables that name each; the first that is set wins."""
_RIGHT: Final = "the path of a YAML file that begins with `monitoring:` or `alerts:`"
_DEEPEST: Final = 8
_MOST: Final = 10_000
_LARGEST: Final = 2**20


@dataclass(frozen=True, slots=True)
class File:
    """One file that settings are read from; `variable` names it, None where it is found by its name."""

    path: Path
    variable: str | None

    def stamp(self) -> tuple[int, int, int] | None:
        """Changes when the file does; None while it isn't there."""
        try:
            about = os.stat(self.path)
        except OSError:
            return None
        return about.st_mtime_ns, about.st_size, about.st_ino


@dataclass(slots=True)
class Contents:
    """All keys of all files, flattened (`a.b.c`), and what is wrong with their form."""

    keys: dict[str, Given] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def files(environ: Mapping[str, str], directories: Iterable[Path]) -> list[File]:
    """The files to be read: those that are named, else the first of `directories` that has one."""
    folders = list(directories)
    found = []
    for name, variables in NAMES.items():
        named = next(((v, text) for v in variables if (text := environ.get(v, "").strip())), None)
        if named is not None:
            found.append(File(folders[0] / Path(named[1]).expanduser(), named[0]))
            continue
        there = [folder / name for folder in folders if (folder / name).exists()]
        found.append(File((there or [folders[0] / name])[0], None))
    return found


def read(found: Iterable[File], known: Iterable[str]) -> Contents:
    """Read `found`; each key that is not in `known` is a mistake."""
    contents, known = Contents(), list(known)
    for file in found:
        if file.variable is not None or file.path.exists():
            _read_one(file, contents)
    for key, given in list(contents.keys.items()):
        if key not in known:
            del contents.keys[key]
            if given.value in (None, {}) and any(one.startswith(f"{key}.") for one in known):
                continue  # a section without keys
            contents.problems.append(misspelt.key(key, given, known))
    return contents


def _read_one(file: File, contents: Contents) -> None:
    import yaml  # most bots have no such file

    def wrong(reason: str, line: int | None = None) -> None:
        name = file.variable or file.path.name
        place = file.path.name if line is None else f"{file.path.name}:{line}"
        contents.problems.append(Problem(name, str(file.path), reason, _RIGHT, place))

    try:
        with file.path.open("rb") as opened:
            text = opened.read(_LARGEST + 1).decode()
        if len(text) > _LARGEST:
            return wrong("is larger than 1 MiB")
        loader = yaml.SafeLoader(text)
        root = loader.get_single_node()
        if root is None:
            return None
        if not isinstance(root, yaml.MappingNode):
            return wrong("has no keys")
        for key, given in _flat(loader, root, file.path.name):
            if before := contents.keys.get(key):
                contents.problems.append(
                    Problem(
                        key, _shown(given.value), f"is in {before.place} too", "in one place", given.place
                    )
                )
            contents.keys[key] = given
    except (OSError, UnicodeDecodeError) as error:
        return wrong(f"can't be read ({getattr(error, 'strerror', None) or 'it is not UTF-8'})")
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else None
        return wrong(f"is no YAML{f' in line {line}' if line else ''}", line)
    except (ValueError, RecursionError) as error:
        return wrong(f"can't be understood ({error})")
    return None


def _flat(loader: Any, root: Any, file: str) -> Iterator[tuple[str, Given]]:
    """Every key of the mapping `root`, with its place. Aliases may make few lines many: bounded."""
    import yaml

    waiting, seen = [("", root, 0)], 0
    while waiting:
        prefix, mapping, depth = waiting.pop(0)
        loader.flatten_mapping(mapping)
        for key_node, node in mapping.value:
            seen += 1
            if depth >= _DEEPEST or seen > _MOST:
                raise ValueError("it has too many levels or keys")
            key = f"{prefix}{key_node.value if isinstance(key_node, yaml.ScalarNode) else '?'}"
            if isinstance(node, yaml.MappingNode) and node.value:
                waiting.append((f"{key}.", node, depth + 1))
            else:
                place = f"{file}:{key_node.start_mark.line + 1}"
                yield key, Given(_value(loader, node), place)


def _value(loader: Any, node: Any) -> Any:
    """A scalar or a list of them. Lists of lists by aliases would be a page of text in a few bytes: left closed."""
    import yaml

    if isinstance(node, yaml.SequenceNode) and not all(
        isinstance(one, yaml.ScalarNode) for one in node.value
    ):
        return "(a list of lists)"
    return loader.construct_object(node, deep=True)


def _shown(value: Any) -> str:
    return str(value)[:80]
