"""Draw the pictures of docs/figures.md by its own code: python tools/figure_page.py FOLDER (with results/ and docs/)."""

import ast
import os
import re
import sys
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "figures.md"
WIDTH, COLORS = 1100, 128  # pixels at most, and colours, so that a picture is some 40 kB


def steps():
    """Each block of code, and the picture that follows it; None after the first block, which opens the results."""
    text = PAGE.read_text(encoding="utf-8")
    for code, rest in re.findall(r"```python\n(.*?)```(.*?)(?=```|\Z)", text, re.S):
        picture = re.search(r"\]\(([\w/]+\.png)\)", rest)
        yield code, picture[1] if picture else None


def run(code, names):
    """Run a block; the value of its last line if that is an expression."""
    lines = ast.parse(code).body
    last = lines.pop() if isinstance(lines[-1], ast.Expr) else None
    exec(compile(ast.Module(lines, []), str(PAGE), "exec"), names)
    return None if last is None else eval(compile(ast.Expression(last.value), str(PAGE), "eval"), names)


def shrink(path):
    """A picture of few pixels and colours."""
    with Image.open(path) as drawn:
        small = drawn.convert("RGB")
        small.thumbnail((WIDTH, 10 * WIDTH), Image.Resampling.LANCZOS)
        small.quantize(COLORS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(path, optimize=True)


def main(folder):
    os.chdir(folder)
    names = {}
    for code, picture in steps():
        if picture is not None and not picture.startswith("figures/"):
            continue  # a picture of a longer run, kept as it is
        figure = run(code, names)
        if picture is not None:
            path = ROOT / "docs" / picture
            path.parent.mkdir(exist_ok=True)
            figure.savefig(path, format="png", dpi=150)
            shrink(path)
            print(path.relative_to(ROOT), path.stat().st_size)


if __name__ == "__main__":
    main(sys.argv[1])
