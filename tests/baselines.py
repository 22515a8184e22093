"""Small pictures of every kind of figure, beside which the tests lay what is drawn today.

Renew them with ``python tests/baselines.py`` (or some: ``python tests/baselines.py raster circuit``), and look at them
before they are committed.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib
from matplotlib import ft2font
from PIL import Image

FOLDER = Path(__file__).resolve().parent / "baselines"
#: Low, so that the pictures are small, and so that letters are grey spots whose exact shape does not matter.
DPI, COLORS = 28, 64


def save(figure, path: Path) -> Path:
    """A figure as a small picture of few colours, as both sides of the comparison are written."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI)
    with Image.open(buffer) as drawn:
        drawn.convert("RGB").quantize(COLORS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(path, optimize=True)
    return path


def drawn_with() -> str:
    """What decides about every pixel of a letter; with others the pictures differ and are not compared."""
    return f"Matplotlib {'.'.join(matplotlib.__version__.split('.')[:2])}, FreeType {ft2font.__freetype_version__}"


def main(wanted: list[str]) -> None:
    from figures import KINDS, draw

    FOLDER.mkdir(exist_ok=True)
    (FOLDER / "drawn_with.txt").write_text(drawn_with() + "\n")
    with TemporaryDirectory() as folder:
        opened = {make: make(Path(folder) / make.__name__) for make in {make for make, _ in KINDS.values()}}
        for method, (make, _) in KINDS.items():
            if not wanted or method in wanted:
                print(save(draw(opened[make], method), FOLDER / f"{method}.png"))
        for results in opened.values():
            results.close()


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    main(sys.argv[1:])
