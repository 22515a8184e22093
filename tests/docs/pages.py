"""Pages as tests see them: blocks, links and headings of Markdown, and the way to run what a page shows."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

__all__ = [
    "DOCS",
    "ROOT",
    "Block",
    "anchors",
    "blocks",
    "commands",
    "copy_of_source",
    "links",
    "page_commands",
    "page_paths",
    "prose",
    "run_page",
]

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
_INTO = re.compile(r"`([\w./-]+\.\w+)`:\s*$")


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, its line, and the file that the words before it send it to, if any."""

    language: str
    text: str
    line: int
    into: str | None


def page_paths() -> list[Path]:
    """Every page in Markdown that a reader meets."""
    own = [path for path in sorted(DOCS.rglob("*.md")) if "_build" not in path.parts]
    return [*own, ROOT / "README.md", ROOT / "CONTRIBUTING.md"]


def blocks(path: Path) -> list[Block]:
    """Fenced blocks of a page, in order; directives (in braces) are left out."""
    found, before = [], ""
    for token in MarkdownIt().parse(path.read_text(encoding="utf-8")):
        if token.type == "inline":
            before = token.content
        elif token.type == "fence":
            into = _INTO.search(before)
            if not token.info.startswith("{"):
                found.append(Block(token.info.strip(), token.content, token.map[0] + 1, into and into[1]))
            before = ""
        elif token.type == "heading_open":
            before = ""
    return found


def prose(path: Path) -> str:
    """A page without its code."""
    text = re.sub(r"^(`{3,}).*?^\1", "", path.read_text(encoding="utf-8"), flags=re.S | re.M)
    return re.sub(r"`[^`\n]*`", "", text)


def links(path: Path) -> Iterator[str]:
    """Targets of a page's links and pictures that are not addresses."""
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(path)):
        if not re.match(r"[a-z]+:", target):
            yield target


def anchors(path: Path) -> set[str]:
    """Anchors of a page's headings, as code hosts make them."""
    text = re.sub(r"^(`{3,}).*?^\1", "", path.read_text(encoding="utf-8"), flags=re.S | re.M)
    found: set[str] = set()
    for heading in re.findall(r"^#{1,6} (.+)$", text, re.M):
        slug = re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
        n = sum(1 for known in found if re.fullmatch(rf"{re.escape(slug)}(-\d+)?", known))
        found.add(slug if n == 0 else f"{slug}-{n}")
    return found


def commands(code: str) -> list[list[str]]:
    """The ``neurosim`` and ``python`` lines of a shell block, in words, without their remarks."""
    lines = re.findall(r"^(?:\.venv/bin/)?((?:neurosim|python) [^\n]+)", code, re.M)
    return [shlex.split(line, comments=True) for line in lines]


def page_commands(path: Path) -> list[list[str]]:
    """Those of all shell blocks of a page, fenced or indented, in lists too."""
    tokens = MarkdownIt().parse(path.read_text(encoding="utf-8"))
    shell = [t.content for t in tokens if t.type == "code_block" or (t.type == "fence" and t.info.strip() in ("bash", "sh"))]
    return [words for code in shell for words in commands(code)]


def copy_of_source(folder: Path) -> Path:
    """A copy of what an extension may touch, to be changed by it."""
    for name in ("neurosim", "circuits", "experiments", "tools"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def run_page(path: Path, folder: Path, apart: bool = False) -> str:
    """Do in a folder, the current one, what a page says, from the top to the bottom.

    Parameters
    ----------
    path : Path
    folder : Path
    apart : bool
        In processes of their own, with the copy of neurosim in the folder.

    Returns
    -------
    str
        What the commands and Python blocks that ran apart printed.
    """
    said = []
    for block in blocks(path):
        where = f"{path.name}:{block.line}"
        if block.into is not None:
            (folder / block.into).parent.mkdir(parents=True, exist_ok=True)
            (folder / block.into).write_text(block.text, encoding="utf-8")
        elif block.language == "python":
            if apart:
                said.append(_run([sys.executable, "-c", block.text], folder, where))
            else:
                exec(compile("\n" * block.line + block.text, str(path), "exec"), {"__name__": path.stem})
        elif block.language == "bash":
            for words in commands(block.text):
                if apart or words[0] != "neurosim":
                    start = [sys.executable, *(["-m", "neurosim"] if words[0] == "neurosim" else [])]
                    said.append(_run([*start, *words[1:]], folder, where))
                else:
                    _here(words[1:], where)
    return "\n".join(said)


def _here(arguments: list[str], where: str) -> None:
    from neurosim.cli import main

    try:
        main(arguments)
    except SystemExit as end:
        assert end.code in (0, None), f"{where}: neurosim {shlex.join(arguments)} ended with {end.code}"


def _run(command: list[str], folder: Path, where: str) -> str:
    environment = os.environ | {"PYTHONPATH": str(folder), "MPLBACKEND": "Agg", "PYTHONDONTWRITEBYTECODE": "1"}
    ended = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, f"{where}: {shlex.join(command[:6])}\n{ended.stdout}{ended.stderr}"
    return ended.stdout
