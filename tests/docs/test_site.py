"""The documentation site: one command without a warning, nothing from elsewhere, every link of its own resolves."""

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from urllib.parse import unquote, urldefrag

import pytest
from docs.pages import DOCS, ROOT

pytestmark = pytest.mark.slow

#: Attributes by which a page makes a browser fetch something.
LOADED = {
    "script": ("src",),
    "img": ("src", "srcset"),
    "iframe": ("src",),
    "source": ("src", "srcset"),
    "audio": ("src",),
    "video": ("src", "poster"),
    "object": ("data",),
    "embed": ("src",),
    "input": ("src",),
    "use": ("href",),
    "image": ("href",),
    "form": ("action",),
}
#: Kinds of ``<link>`` that are fetched.
FETCHED = {"stylesheet", "preload", "prefetch", "icon", "manifest", "modulepreload", "preconnect", "dns-prefetch"}


class Page(HTMLParser):
    """What a page loads, links to and can be linked at."""

    def __init__(self, text):
        super().__init__()
        self.loads, self.links, self.ids, self.styles, self.unnamed = [], [], set(), [], []
        self.in_style = False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.ids |= {given[key] for key in ("id", "name") if given.get(key)}
        self.loads += [given[key] for key in LOADED.get(tag, ()) if given.get(key)]
        if tag == "link" and FETCHED & set((given.get("rel") or "").split()):
            self.loads.append(given["href"])
        if tag == "a" and given.get("href"):
            self.links.append(given["href"])
        if tag == "img" and not given.get("alt"):
            self.unnamed.append(given.get("src"))
        self.styles.append(given.get("style") or "")
        self.in_style = tag == "style"

    def handle_data(self, data):
        if self.in_style:
            self.styles.append(data)

    @property
    def addresses(self):
        return [*self.loads, *(url for style in self.styles for url in re.findall(r"url\(['\"]?([^'\")]+)", style))]


def is_elsewhere(address):
    return re.match(r"(?:[a-z][a-z0-9+.-]*:)?//", address) is not None


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the built site."""
    folder = tmp_path_factory.mktemp("site")
    options = ["-E", "-W", "--keep-going", "-q", "-b", "html", "-d", folder / "trees"]
    command = [sys.executable, "-m", "sphinx", *options, DOCS, folder / "html"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return folder / "html"


@pytest.fixture(scope="module")
def pages(site):
    found = {path: Page(path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html"))}
    assert len(found) > 35
    return found


def test_the_parser_sees_what_a_page_would_fetch():
    page = Page(
        '<link rel="stylesheet" href="https://a.org/x.css"><script src="//b.org/y.js"></script><img src="z.png">'
        "<style>@font-face {src: url('https://c.org/f.woff')}</style><a href='https://d.org'>d</a>"
    )
    assert [address for address in page.addresses if is_elsewhere(address)] == [
        "https://a.org/x.css",
        "//b.org/y.js",
        "https://c.org/f.woff",
    ]
    assert page.unnamed == ["z.png"] and page.links == ["https://d.org"]


def test_no_page_asks_for_anything_outside(site, pages):
    for path, page in pages.items():
        assert not [address for address in page.addresses if is_elsewhere(address)], path.name
    for path in site.rglob("*.css"):
        urls = re.findall(r"url\(['\"]?([^'\")]+)|@import\s+['\"]([^'\"]+)", path.read_text(encoding="utf-8"))
        assert not [url for found in urls for url in found if is_elsewhere(url)], path.name


def test_what_a_page_loads_and_where_it_leads_is_there(site, pages):
    for path, page in pages.items():
        for address in (*page.addresses, *page.links):
            if is_elsewhere(address) or address.startswith(("data:", "mailto:")):
                continue
            assert not re.match(r"[a-z]+:", address), f"{path.name}: {address}"
            file, anchor = urldefrag(address)
            place = (path.parent / unquote(file.split("?")[0])).resolve() if file else path
            assert place.exists(), f"{path.name}: {address}"
            if anchor and place in pages and path.name not in ("genindex.html", "search.html"):
                assert unquote(anchor) in pages[place].ids, f"{path.name}: {address}"


def test_every_page_of_the_source_is_in_the_site(site):
    for source in DOCS.rglob("*"):
        if source.suffix in (".md", ".rst", ".ipynb") and "_build" not in source.parts:
            assert (site / source.relative_to(DOCS)).with_suffix(".html").exists(), source


def test_equations_are_mathml_and_pictures_have_words(site, pages):
    cells = (site / "model" / "cells.html").read_text(encoding="utf-8")
    assert cells.count('<math xmlns="http://www.w3.org/1998/Math/MathML"') > 20 and "MathJax" not in cells
    for path, page in pages.items():
        assert not page.unnamed, f"{path.name}: {page.unnamed}"


def test_keys_of_files_and_public_names_are_there(site):
    from neurosim import _HOME
    from neurosim.spec import Experiment, Site

    interface = "".join((site / "api" / f"{name}.html").read_text(encoding="utf-8") for name in ("index", "analysis"))
    assert not [name for name in _HOME if f">{name}<" not in interface]
    for page, model in (("experiment_file", Experiment), ("circuit_file", Site)):
        text = (site / "guide" / f"{page}.html").read_text(encoding="utf-8")
        keys = [field.alias or name for name, field in model.model_fields.items()]
        assert not [key for key in keys if f">{key}<" not in text]


