"""The registry, with libraries that are real packages on the disk."""

from __future__ import annotations

import importlib.util
import logging
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from whisperwatch.bot import guard
from whisperwatch.bot.instrument.libraries.library import Library
from whisperwatch.bot.instrument.libraries.registry import LIBRARIES, Registry
from whisperwatch.bot.recording.recorder import Recorder


class Shop:
    """Packages that can be imported, and a registry of them. `patched` are those that are patched now."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.patched: list[str] = []
        self.libraries: list[Library] = []
        self.registry = Registry(self.libraries)

    def has(
        self,
        name: str,
        version: str = "1.5",
        body: str = "value = 1",
        apply: Callable[[], None] | None = None,
    ) -> None:
        module = f"shop_{name}"
        (self.path / f"{module}.py").write_text(body + "\n")
        about = self.path / f"{module}-{version}.dist-info"
        about.mkdir()
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: {version}\n")

        def patch() -> Callable[[], None]:
            if apply is not None:
                apply()
            assert sys.modules[module].value == 1  # the module has run
            self.patched.append(name)
            return lambda: self.patched.remove(name)

        contrib = f"shop_contrib_{name}:Instrumentor"
        self.libraries.append(Library(name, module, module, ">=1.2,<2", patch, contrib))

    def contrib(self, name: str, body: str = "") -> ModuleType:
        """OpenTelemetry's instrumentor of a library, with the flag that it sets."""
        module = f"shop_contrib_{name}"
        flags = "class Instrumentor:\n    _instance = None\n    _is_instrumented_by_opentelemetry = False\n"
        (self.path / f"{module}.py").write_text(flags + body + "\n")
        importlib.invalidate_caches()
        return importlib.import_module(module)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recording: Recorder) -> Iterator[Shop]:
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delenv("WHISPERWATCH_LIBRARIES", raising=False)
    before = list(sys.meta_path)
    shop = Shop(tmp_path)
    yield shop
    shop.registry.undo()
    assert sys.meta_path == before
    for name in [name for name in sys.modules if name.startswith("shop_")]:
        del sys.modules[name]


def bring(name: str) -> ModuleType:
    importlib.invalidate_caches()
    return importlib.import_module(f"shop_{name}")


def test_what_is_there_is_patched_at_once_and_the_rest_when_it_comes(shop: Shop) -> None:
    shop.has("early")
    shop.has("late")
    bring("early")
    shop.registry.apply()
    assert shop.patched == ["early"]
    assert "shop_late" not in sys.modules
    late = bring("late")
    assert shop.patched == ["early", "late"]
    assert shop.registry.applied == {"early", "late"}
    assert late.__spec__ is not None
    assert late.__loader__ is late.__spec__.loader
    assert "exec_module" not in vars(late.__loader__)


def test_twice_is_once_and_undone_is_undone(shop: Shop) -> None:
    shop.has("one")
    bring("one")
    shop.registry.apply()
    shop.registry.apply()
    assert shop.patched == ["one"]
    shop.registry.undo()
    shop.registry.undo()
    assert shop.patched == []


def test_after_undo_an_import_is_nobodys_business(shop: Shop) -> None:
    shop.has("one")
    shop.registry.apply()
    shop.registry.undo()
    bring("one")
    assert shop.patched == []


def test_an_import_that_fails_fails_as_ever_and_may_be_tried_again(shop: Shop) -> None:
    shop.has("one", body="raise LookupError('not today')")
    shop.registry.apply()
    with pytest.raises(LookupError, match="not today"):
        bring("one")
    assert shop.patched == []
    (shop.path / "shop_one.py").write_text("value = 1 # today\n")
    bring("one")
    assert shop.patched == ["one"]


def test_a_look_whether_it_is_there_changes_nothing(shop: Shop) -> None:
    shop.has("one")
    shop.registry.apply()
    assert importlib.util.find_spec("shop_one") is not None
    assert shop.patched == []
    bring("one")
    assert shop.patched == ["one"]


def test_modules_that_share_a_loader(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.has("one")
    shop.has("two")
    with zipfile.ZipFile(shop.path / "shop.zip", "w") as packed:
        for name in ("shop_one.py", "shop_two.py", "shop_other.py"):
            packed.writestr(name, "value = 1")
    monkeypatch.syspath_prepend(str(shop.path / "shop.zip"))
    shop.registry.apply()
    assert importlib.util.find_spec("shop_two") is not None
    bring("other")
    assert shop.patched == []
    assert "shop.zip" in str(bring("one").__file__)
    bring("two")
    assert shop.patched == ["one", "two"]


def test_what_is_not_installed_stays_so(shop: Shop) -> None:
    shop.libraries.append(Library("absent", "shop_absent", "shop_absent", ">=1", lambda: lambda: None))
    shop.registry.apply()
    with pytest.raises(ModuleNotFoundError):
        bring("absent")


@pytest.mark.parametrize(
    ("environment", "only", "exclude", "expected"),
    [
        ({}, None, (), {"a", "b", "c"}),
        ({}, ["a", "b"], ["b"], {"a"}),
        ({}, [], (), set()),
        ({"WHISPERWATCH_LIBRARIES": "a, C"}, None, (), {"a", "c"}),
        ({"WHISPERWATCH_LIBRARIES": "none"}, None, (), set()),
        ({"WHISPERWATCH_LIBRARIES": "a"}, ["b"], (), {"b"}),
        ({"WHISPERWATCH_LIBRARIES_EXCLUDE": "a"}, None, ("b",), {"c"}),
        ({"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "a-client,django"}, None, (), {"b", "c"}),
    ],
)
def test_which_are_wanted(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], only: list[str] | None,
    exclude: tuple[str, ...], expected: set[str],
) -> None:  # fmt: skip
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    for name in "abc":
        shop.has(name)
        bring(name)
    shop.registry.apply(only, exclude)
    assert shop.registry.applied == expected


def test_a_name_that_is_none_is_said_once(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    shop.has("a")
    shop.registry.apply(["a", "postgres"])
    shop.registry.apply(["a", "postgres"])
    assert caplog.messages == ["there is no library 'postgres' to instrument; there are: a"]


def test_an_old_one_is_left_alone_and_a_new_one_tried(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "whisperwatch")
    shop.has("old", "1.1")
    shop.has("new", "2.0")
    shop.registry.apply()
    bring("old")
    bring("new")
    assert shop.patched == ["new"]
    assert caplog.messages == [
        "old 1.1 is older than what is instrumented (>=1.2,<2); what it does is not recorded",
        "new 2.0 is newer than what was tested (>=1.2,<2)",
    ]
    assert shop.registry.off == {"old": caplog.messages[0]}


def test_a_modules_own_word_on_its_version_comes_first(shop: Shop) -> None:
    shop.has("one", "9.9", body="value = 1; __version__ = '1.1'")
    shop.has("two", "1.1", body="value = 1; __version__ = (1, 5)")
    shop.registry.apply()
    bring("one")
    bring("two")
    assert shop.patched == []


def test_one_that_cannot_be_patched_is_said_and_counted_and_the_bot_goes_on(
    shop: Shop, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise AttributeError("no such method")

    monkeypatch.setattr(guard, "strict", False)
    shop.has("odd", apply=fail)
    shop.has("even")
    shop.registry.apply()
    bring("odd")
    bring("even")
    assert shop.patched == ["even"]
    assert caplog.messages[0] == "odd can't be instrumented; what it does is not recorded"
    assert guard.counts == {"instrument odd": 1}


def test_where_opentelemetry_has_been_before_us_we_stand_back(shop: Shop) -> None:
    shop.has("one")
    contrib = shop.contrib("one")
    contrib.Instrumentor._instance = contrib.Instrumentor()
    contrib.Instrumentor._instance._is_instrumented_by_opentelemetry = True
    bring("one")
    shop.registry.apply()
    assert shop.patched == []


def test_where_opentelemetry_comes_after_us_we_stand_back_before_login(shop: Shop) -> None:
    shop.has("one")
    bring("one")
    shop.registry.apply()
    assert shop.patched == ["one"]
    contrib = shop.contrib("one")
    contrib.Instrumentor._instance = contrib.Instrumentor()
    contrib.Instrumentor._instance._is_instrumented_by_opentelemetry = True
    shop.registry.look_again()
    assert shop.patched == []
    shop.registry.look_again()
    assert shop.patched == []


def test_an_instrumentor_that_imports_its_library_is_waited_for(shop: Shop) -> None:
    shop.has("one")
    shop.registry.apply()
    shop.contrib("one", "import shop_one")
    assert shop.patched == []  # it may be about to instrument it
    shop.registry.look_again()
    assert shop.patched == ["one"]  # it was not


def test_every_library_of_ours_says_what_it_needs_to() -> None:
    assert len({library.name for library in LIBRARIES}) == len(LIBRARIES)
    for library in LIBRARIES:
        assert library.name == library.name.lower()
        assert library.supported.startswith(">=")
