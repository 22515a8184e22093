"""Reading a page as a tree, with what Python brings; for tests of the report."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

_VOID = {"meta", "link", "img", "br", "hr", "input", "base", "source", "embed", "col", "area", "track", "wbr"}


@dataclass
class Element:
    """An element: its attributes, children, and all text inside it."""

    tag: str
    attributes: dict[str, str | None]
    children: list = field(default_factory=list)

    def __getitem__(self, name: str) -> str:
        return self.attributes[name]

    def get(self, name: str, default: str = "") -> str:
        return self.attributes.get(name) or default

    @property
    def text(self) -> str:
        parts = [child if isinstance(child, str) else child.text for child in self.children]
        return re.sub(r"\s+", " ", "".join(parts)).strip()

    @property
    def raw(self) -> str:
        return "".join(child for child in self.children if isinstance(child, str))

    def all(self, *tags: str, **attributes: str) -> list[Element]:
        """Elements below this one, in the order of the page."""
        found = []
        for child in self.children:
            if isinstance(child, Element):
                if (not tags or child.tag in tags) and all(child.get(k) == v for k, v in attributes.items()):
                    found.append(child)
                found += child.all(*tags, **attributes)
        return found

    def one(self, *tags: str, **attributes: str) -> Element:
        (found,) = self.all(*tags, **attributes)
        return found


class _Builder(HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.root = Element("", {})
        self.open = [self.root]

    def handle_starttag(self, tag, attrs):
        element = Element(tag, dict(attrs))
        self.open[-1].children.append(element)
        if tag not in _VOID:
            self.open.append(element)

    def handle_startendtag(self, tag, attrs):
        self.open[-1].children.append(Element(tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open[-1].tag == tag, f"</{tag}> closes <{self.open[-1].tag}>"
        self.open.pop()

    def handle_data(self, data):
        self.open[-1].children.append(data)


def read_page(text: str) -> Element:
    """The tree of a page whose elements are all closed in order."""
    builder = _Builder()
    builder.feed(text)
    builder.close()
    assert len(builder.open) == 1, f"<{builder.open[-1].tag}> is not closed"
    return builder.root


def outside_requests(page: Element) -> list[str]:
    """Whatever on a page would make a browser ask for something beyond the page itself."""
    found = []
    loading = ("src", "srcset", "data", "poster", "background", "xlink:href", "action", "formaction", "ping", "manifest")
    for element in page.all():
        for name in loading:
            value = element.attributes.get(name)
            if value and not value.startswith("data:"):
                found.append(f"<{element.tag} {name}={value[:60]}>")
        if element.tag in ("link", "base", "iframe", "object", "embed"):
            found.append(f"<{element.tag}>")
        if element.tag in ("image", "use") and not element.get("href").startswith(("#", "data:")):
            found.append(f"<{element.tag} href>")
        if element.get("http-equiv").lower() == "refresh":
            found.append("<meta refresh>")
        style = element.raw if element.tag == "style" else element.get("style")
        found += re.findall(r"@import[^;]*|url\((?!['\"]?(?:data:|#))[^)]*\)", style)
    return found
