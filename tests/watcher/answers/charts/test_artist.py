"""The worker lives, dies, hangs and lies, and whoever asked for a chart always hears of it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from importlib import util
from pathlib import Path
from typing import Any

import psutil
import pytest
import pytest_asyncio

from whisperwatch.watcher.answers.charts import artist as artists
from whisperwatch.watcher.answers.charts import process
from whisperwatch.watcher.answers.charts.artist import Artist
from whisperwatch.watcher.answers.charts.chart import Chart
from whisperwatch.watcher.answers.charts.frames import HEAD, LARGEST, PICTURE
from whisperwatch.watcher.answers.charts.process import ChartError, environment

from .samples import AT, forecast, history, size

Make = Callable[..., Artist]


@pytest.fixture(scope="session")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for all, so that fonts are looked for once."""
    return tmp_path_factory.mktemp("state")


@pytest_asyncio.fixture
async def make(state: Path) -> AsyncIterator[Make]:
    made: list[Artist] = []

    def one(**how: Any) -> Artist:
        made.append(Artist(how.pop("state", state), **how))
        return made[-1]

    yield one
    for artist in made:
        await artist.close()
    assert not psutil.Process().children()


async def until(condition: Callable[[], object], within_s: float = 20) -> None:
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 - what is waited for is another process
            await asyncio.sleep(0.005)


async def stopped(artist: Artist) -> int:
    """A worker that draws something which never ends."""
    await artist.draw(history())
    assert artist.pid is not None
    os.kill(artist.pid, signal.SIGSTOP)
    return artist.pid


async def raises(drawing: Awaitable[bytes], message: str) -> None:
    with pytest.raises(ChartError, match=message):
        await drawing


def script(code: str) -> dict[str, Any]:
    return {"command": (sys.executable, "-c", f"import sys, time; out = sys.stdout.buffer; {code}")}


async def test_one_worker_draws_one_after_the_other(make: Make) -> None:
    artist = make()
    assert artist.pid is None
    pictures = await asyncio.gather(*[artist.draw(chart) for chart in (history(), forecast(), history())])
    assert [size(one)[0] for one in pictures] == [1152] * 3
    assert pictures[0] == pictures[2] != pictures[1]
    assert len(psutil.Process().children()) == 1
    assert "matplotlib" not in vars(artists)


async def test_it_gives_way_and_knows_no_secrets(
    make: Make, monkeypatch: pytest.MonkeyPatch, state: Path
) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", "secret")
    artist = make()
    await artist.draw(history())
    worker = psutil.Process(artist.pid)
    assert worker.nice() >= min(19, os.nice(0) + 10)
    assert worker.cwd() == str(state / "matplotlib")
    given = worker.environ()
    assert "secret" not in given.values()
    assert set(given) <= set(environment(os.environ, state)) | {"LC_CTYPE"}  # which Python itself sets
    assert oct((state / "matplotlib").stat().st_mode)[-3:] == "700"


async def test_no_font_is_looked_for_but_its_own(make: Make, tmp_path: Path) -> None:
    """A machine may have thousands."""
    await make(state=tmp_path).draw(history())
    (listed,) = (tmp_path / "matplotlib").glob("fontlist*.json")
    found = json.loads(listed.read_text())
    assert found["afmlist"] == []
    assert {Path(one["fname"]).name[:10] for one in found["ttflist"]} == {"DejaVuSans"}


async def test_it_is_started_before_there_is_a_chart(make: Make) -> None:
    artist = make()
    artist.prepare()
    artist.prepare()
    await until(lambda: artist.pid)
    pid = artist.pid
    artist.prepare()
    assert size(await artist.draw(history()))
    assert artist.pid == pid
    assert len(psutil.Process().children()) == 1
    await artist.close()
    artist.prepare()
    assert artist.pid is None


async def test_nobody_asks_after_it_was_started(make: Make) -> None:
    artist = make(keep_s=0.02)
    artist.prepare()
    await until(lambda: artist.pid)
    await until(lambda: artist.pid is None and not psutil.Process().children())


async def test_what_cannot_be_started_is_told_when_it_is_asked(make: Make) -> None:
    artist = make(command=("/no/such/python",))
    artist.prepare()
    await raises(artist.draw(history()), "can't be started")


async def test_killed_while_it_draws(make: Make) -> None:
    artist = make()
    pid = await stopped(artist)
    drawing = asyncio.create_task(artist.draw(forecast()))
    await asyncio.sleep(0)
    os.kill(pid, signal.SIGKILL)
    await raises(drawing, "ended before it was drawn")
    assert size(await artist.draw(history()))
    assert artist.pid not in (None, pid)


async def test_killed_while_it_idles(make: Make) -> None:
    artist = make()
    pid = await stopped(artist)
    os.kill(pid, signal.SIGKILL)
    await until(lambda: artist.pid is None)
    assert size(await artist.draw(history()))


async def test_hangs(make: Make) -> None:
    artist = make()
    pid = await stopped(artist)
    artist._limit_s = 0.05
    await raises(artist.draw(history()), "took longer than 0.05 s")
    assert not psutil.pid_exists(pid)
    artist._limit_s = 20
    assert size(await artist.draw(history()))


async def test_nobody_waits_any_more(make: Make) -> None:
    artist = make()
    pid = await stopped(artist)
    drawing = asyncio.create_task(artist.draw(forecast()))
    await asyncio.sleep(0)
    drawing.cancel()
    await asyncio.wait([drawing])
    assert drawing.cancelled()
    assert not psutil.pid_exists(pid)
    assert await artist.draw(forecast()) != await artist.draw(history())


@pytest.mark.parametrize(
    "code",
    [
        "out.write(b'rubbish' * 99999)",
        f"out.write({HEAD.pack(PICTURE, LARGEST + 1)!r})",
        f"out.write({HEAD.pack(PICTURE, 9) + b'no picture'!r})",
        f"out.write({HEAD.pack(PICTURE, 9) + b'n'!r})",
        "time.sleep(0)",
        "raise SystemExit(3)",
    ],
)
async def test_answers_rubbish(make: Make, code: str) -> None:
    artist = make(**script(f"{code}; out.close()"))
    for _ in range(2):
        await raises(artist.draw(history()), "answered rubbish|ended before it was drawn")
        assert artist.pid is None


async def test_says_rubbish_for_ever(make: Make) -> None:
    artist = make(**script("[out.write(b'x' * 9999) for _ in iter(int, 1)]"))
    await raises(artist.draw(history()), "answered rubbish")


async def test_a_chart_that_cannot_be_drawn_ends_no_worker(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    artist = make()
    await artist.draw(history())
    pid = artist.pid
    with monkeypatch.context() as patch:
        patch.setattr(artists, "packed", lambda chart: b'{"panels": [], "marks": []}')
        await raises(artist.draw(history()), "No chart: TypeError: .*title")
    await raises(artist.draw(Chart("", AT, float("inf"), history().panels)), "No chart: .*JSON")
    assert size(await artist.draw(history()))
    assert artist.pid == pid


async def test_closed_while_it_draws(make: Make) -> None:
    artist = make()
    pid = await stopped(artist)
    drawings = [asyncio.create_task(artist.draw(history())) for _ in range(3)]
    await asyncio.sleep(0)
    await artist.close()
    for drawing in drawings:
        await raises(drawing, "the watcher ends|ended before")
    assert not psutil.pid_exists(pid)
    await raises(artist.draw(history()), "the watcher ends")


async def test_closed_while_it_starts(make: Make) -> None:
    artist = make(state=None)
    drawing = asyncio.create_task(artist.draw(history()))
    await until(lambda: artist._turn.locked())
    await artist.close()
    await raises(drawing, "the watcher ends|ended before")
    await artist.close()


async def test_an_idle_worker_ends(make: Make) -> None:
    artist = make(keep_s=0.02)
    await artist.draw(history())
    pid = artist.pid
    assert pid is not None
    await until(lambda: artist.pid is None and not psutil.pid_exists(pid))
    assert size(await artist.draw(history()))


async def test_too_many_are_refused(make: Make) -> None:
    artist = make(most=2)
    drawings = [asyncio.create_task(artist.draw(history())) for _ in range(2)]
    await asyncio.sleep(0)
    await raises(artist.draw(history()), "too many")
    assert all(map(size, await asyncio.gather(*drawings)))


async def test_the_lock_of_a_killed_worker_is_no_hindrance(make: Make, tmp_path: Path) -> None:
    folder = tmp_path / "matplotlib"
    await make(state=tmp_path).draw(history())
    (fonts,) = folder.glob("fontlist*.json")
    fonts.unlink()
    fonts.with_name(f"{fonts.name}.matplotlib-lock").touch()
    assert size(await make(state=tmp_path).draw(history()))
    assert fonts.exists()  # matplotlib waits five seconds for a lock, and then does without the list


async def test_without_a_state_directory(make: Make, tmp_path: Path) -> None:
    artist = make(state=tmp_path / "no" / "such")
    assert size(await artist.draw(history()))
    folder = psutil.Process(artist.pid).cwd()
    await artist.close()
    with pytest.raises(FileNotFoundError):
        os.listdir(folder)


async def test_without_matplotlib(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        artists, "find_spec", lambda name: None if name == "matplotlib" else util.find_spec(name)
    )
    artist = make()
    assert not artist.available()
    await raises(artist.draw(history()), r"whisperwatch\[charts\]")
    assert artist.pid is None


async def test_in_a_frozen_program_nothing_is_started(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    assert make().available()
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert not make().available()


async def test_what_cannot_be_started_is_told(make: Make) -> None:
    await raises(make(command=("/no/such/python",)).draw(history()), "can't be started")


def test_the_bots_folder_is_not_handed_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    given = environment({"PATH": "/bin", "OPENAI_API_KEY": "sk"}, tmp_path)
    assert str(tmp_path) not in given["PYTHONPATH"].split(os.pathsep)
    assert process._PACKAGE_ROOT in given["PYTHONPATH"].split(os.pathsep)
    assert "OPENAI_API_KEY" not in given


@pytest.mark.parametrize(
    ("imports", "not_there"),
    [
        ("artist, from_reports", ["matplotlib", "numpy", "PIL"]),
        ("drawing, worker", ["matplotlib.pyplot", "asyncio", "whisperwatch.watcher.store", "discord"]),
    ],
)
def test_what_each_process_imports(imports: str, not_there: list[str]) -> None:
    code = f"import sys; from whisperwatch.watcher.answers.charts import {imports}; print(*sys.modules)"
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not set(not_there) & set(found)
