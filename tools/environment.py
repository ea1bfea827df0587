"""Makes a virtual environment with this project installed in it; does nothing where it is there already.

    python tools/environment.py .venv --group dev
    python tools/environment.py .venv-old --group test --with 'discord.py==2.4.*' --python ~/python3.12

Needs Python 3.11 and its standard library. Uses uv where it is on the PATH (quicker), else venv and pip. A stamp in
the environment remembers what `pyproject.toml`, which interpreter and which arguments it was made of.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import subprocess
import sys
import time
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
_VERSION = "import sys; print(sys.version)"


def main() -> int:
    wish = _arguments()
    python = wish.directory / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    version = _answer(wish.python, _VERSION)
    if not version:
        print(f"{wish.python} is no Python that runs", file=sys.stderr)
        return 1
    digest = hashlib.sha256()
    for part in ((PROJECT / "pyproject.toml").read_text(), str(PROJECT), version):
        digest.update(f"{part}\0".encode())
    for requirement in [*wish.extra, *wish.group, *wish.requirement]:
        digest.update(f"{requirement}\0".encode())
    stamp = wish.directory / f".made-{digest.hexdigest()[:16]}"
    if stamp.exists() and _answer(python, "print('ok')"):
        return 0

    print(
        f"making the environment in {wish.directory} (the first time this takes a minute or two)", flush=True
    )
    began = time.monotonic()
    target = str(PROJECT) + (f"[{','.join(wish.extra)}]" if wish.extra else "")
    groups = [word for name in wish.group for word in ("--group", f"{PROJECT / 'pyproject.toml'}:{name}")]
    for command in _commands(wish, python, ["-e", target, *groups, *wish.requirement]):
        if (status := subprocess.call(command)) != 0:
            print(f"{' '.join(map(str, command))}\nfailed with status {status}", file=sys.stderr)
            return 1
    stamp.touch()
    print(f"made in {time.monotonic() - began:.0f} s", flush=True)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("directory", type=Path)
    parser.add_argument("--python", default=sys.executable, help="the interpreter that it is made of")
    parser.add_argument("--extra", action="append", default=[], help="an extra of the project")
    parser.add_argument("--group", action="append", default=[], help="a dependency group of the project")
    parser.add_argument(
        "--with", dest="requirement", action="append", default=[], help="a further requirement"
    )
    return parser.parse_args()


def _commands(wish: argparse.Namespace, python: Path, what: list[str]) -> list[list[str | Path]]:
    """What makes the environment: by uv, or by the standard library's venv and pip."""
    other_python = _answer(python, _VERSION) != _answer(wish.python, _VERSION)
    clear = ["--clear"] if wish.directory.exists() and other_python else []
    if uv := shutil.which("uv"):
        make = [uv, "venv", "-q", "--python", wish.python, *(clear or ["--allow-existing"]), wish.directory]
        return [make, [uv, "pip", "install", "-q", "--python", python, *what]]
    pip = [python, "-m", "pip", "--disable-pip-version-check", "install", "-q"]
    return [
        [wish.python, "-m", "venv", *clear, wish.directory],
        [*pip, "pip>=25.1"],  # the first that knows --group
        [*pip, *what],
    ]


def _answer(python: Path | str, code: str) -> str:
    """What an interpreter prints; nothing if it isn't there or doesn't run."""
    try:
        return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return ""


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("stopped; the next time goes on from here")
