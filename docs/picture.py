"""Takes the README's picture, `docs/demo.svg`, of a real run of the demo: `make picture`."""

from __future__ import annotations

import asyncio
import io
import re
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI

try:
    from rich._export_format import CONSOLE_SVG_FORMAT
except ImportError as error:
    raise SystemExit(f"this rich keeps its SVG template elsewhere: {error}") from error

from whisperwatch.demo.display import ROOTS, Board
from whisperwatch.demo.show import Options, Show
from whisperwatch.demo.stage import Stage

PICTURE = Path(__file__).with_name("demo.svg")
_WIDTH, _HEIGHT = 128, 40
_AFTER_S = 25.0
_PORT = 9091


async def main() -> None:
    camera = Console(record=True, force_terminal=True, file=io.StringIO(), width=_WIDTH, height=_HEIGHT)
    async with Stage(print, _PORT) as stage:
        show = Show(stage, Options(port=_PORT), Console(file=io.StringIO(), width=_WIDTH))
        running = asyncio.create_task(show.run())
        await asyncio.sleep(_AFTER_S)
        while not _talk(show) and not running.done():  # noqa: ASYNC110 - nothing tells of a new trace
            await asyncio.sleep(0.01)
        camera.print(Board(show.scene))
        show.leaving.set()
        await running
    svg = camera.export_svg(
        title="make demo", theme=MONOKAI, code_format=_without_web_fonts(CONSOLE_SVG_FORMAT)
    )
    PICTURE.write_text(svg, encoding="utf-8")


def _talk(show: Show) -> bool:
    """Whether the last trace is a telling one: a message that the language model answers."""
    return any(span.name.startswith("chat ") for span in show.scene.traces.latest(ROOTS))


def _without_web_fonts(template: str) -> str:
    """A picture that asks no other server for its letters."""
    return re.sub(r"@font-face \{\{.*?\}\}\s*", "", template, flags=re.DOTALL).replace(
        "Fira Code", "ui-monospace"
    )


if __name__ == "__main__":
    asyncio.run(main())
