"""The library's reference in the book: a page a wing, names in prose that lead there, and chapters named there that lead back.

A Sphinx extension, which `_config.yml` names. A line `% modules: train, data` of a page stands for the reference of the module train and of
all modules in the folder data. Code in prose that names a thing of the library, as in `strokes.to_stroke3` or `make_batch(...)`, becomes a
link to it. On pages of the reference, "Chapter 4" becomes a link to that chapter.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.nodes import make_refnode

from .dependencies import PACKAGE, defined_at
from .page import number_of

MARK = re.compile(r"^% modules: (.+)$", re.M)
ENTRY = "## {title}\n\n```{{eval-rst}}\n.. automodule:: {path}\n   :members:\n```\n"
CODE = re.compile(r"([A-Za-z_]\w*(?:\.\w+)*)(\(.*\))?", re.S)
CHAPTERS = re.compile(r"\b[Cc]hapters? \d+[a-z]?\b(?:(?:, | and | to )\d+[a-z]?\b)*")
CHAPTER = re.compile(r"(?:[Cc]hapters? )?(\d+[a-z]?)\b")
PAGES = "api"  # what the names of the reference's pages begin with
APART = (nodes.reference, nodes.title, nodes.literal_block)  # no links in these


def modules_of(names: str) -> list[str]:
    """Dotted paths below the package of what a mark names: modules, and folders for all modules in them."""
    found = []
    for name in names.split(", "):
        inside = sorted(path for path in (PACKAGE / name).rglob("[!.]*.py") if path.stem != "__init__")
        found += [".".join(path.relative_to(PACKAGE).with_suffix("").parts) for path in inside] or [name]
    return found


def expanded(text: str) -> str:
    """A page with the reference of the modules that its marks name."""
    return MARK.sub(lambda mark: "\n".join(map(_entry, modules_of(mark[1]))), text)


def _entry(module: str) -> str:
    return ENTRY.format(title=module.replace(".", "/"), path=f"{PACKAGE.name}.{module}")


def meant(code: str, known: Mapping[str, str]) -> str | None:
    """The one thing that a piece of code names, among `known` (dotted path -> its kind); None for none and for several.

    A call's arguments do not matter. A plain word, without dot, underscore, capital or call, can only be a function of the library proper.
    """
    match = CODE.fullmatch(code)
    if not match:
        return None
    name, called = match.groups()
    if name.startswith(f"{PACKAGE.name}."):
        path = _defined_at(name)
        return path if path in known else None
    plain = not (called or "." in name or "_" in name or name != name.lower())
    homes = {path for path in _ending(name, known) if not plain or _can_be_plain(path, known[path])} or set(_led_to(name, known))
    return homes.pop() if len(homes) == 1 else None


@cache
def _defined_at(path: str) -> str:
    return defined_at(path)  # which reads the whole package; pages name the same things again and again


def _can_be_plain(path: str, kind: str) -> bool:
    return kind == "function" and not path.startswith(f"{PACKAGE.name}.report.")


def _ending(name: str, known: Iterable[str]) -> list[str]:
    return [path for path in known if path.endswith(f".{name}")]


def _led_to(name: str, known: Mapping[str, str]) -> Iterator[str]:
    # What an import brought to a module: quickdraw.read_npz is defined in another file.
    module, _, rest = name.rpartition(".")
    if module:
        yield from {_defined_at(f"{home}.{rest}") for home in _ending(module, known)} & known.keys()


def link_names(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Let code in a page's prose lead to the reference of what it names."""
    objects = app.env.get_domain("py").objects
    kinds = {path: entry.objtype for path, entry in objects.items()}
    for node in list(doctree.findall(nodes.literal)):
        if not _within(node, APART) and (path := meant(node.astext(), kinds)):
            entry = objects[path]
            node.replace_self(make_refnode(app.builder, docname, entry.docname, entry.node_id, node.deepcopy(), path))


def link_chapters(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Let the chapters that a page of the reference names lead to them."""
    chapters = chapters_of(app.env.found_docs)
    for node in list(doctree.findall(nodes.Text)) if docname.startswith(PAGES) else []:
        if not _within(node, (*APART, nodes.literal)):
            pieces = list(linked(str(node), chapters, lambda to: app.builder.get_relative_uri(docname, to)))
            if len(pieces) > 1:
                node.parent.replace(node, pieces)


def chapters_of(docnames: Iterable[str]) -> dict[str, str]:
    """The number of each chapter, as "8" and "8b", -> its page."""
    return {number_of(Path(name).name): name for name in docnames if re.match(r"notebooks/\d\d[a-z]?_", name)}


def linked(text: str, chapters: Mapping[str, str], uri) -> Iterator[nodes.Node]:
    """A text in pieces: the chapters that it names are references to `uri(page)`; a chapter that is not there stays text."""
    end = 0
    for phrase in CHAPTERS.finditer(text):
        for one in CHAPTER.finditer(text, *phrase.span()):
            if page := chapters.get(one[1]):
                yield nodes.Text(text[end : one.start()])
                yield nodes.reference("", one[0], internal=True, refuri=uri(page))
                end = one.end()
    yield nodes.Text(text[end:])


def _within(node: nodes.Node, kinds: tuple[type, ...]) -> bool:
    while node := node.parent:
        if isinstance(node, kinds):
            return True
    return False


def _expand(app: Sphinx, docname: str, source: list[str]) -> None:
    source[0] = expanded(source[0])


def without_aliases(app: Sphinx, what: str, name: str, of: object, options: object, lines: list[str]) -> None:
    """Leave out what Python says of a named tuple's field by itself, "Alias for field number 0"."""
    if lines and lines[0].startswith("Alias for field number"):
        lines.clear()


def setup(app: Sphinx) -> dict:
    """Called by Sphinx."""
    app.connect("source-read", _expand)
    app.connect("autodoc-process-docstring", without_aliases)
    app.connect("doctree-resolved", link_names)
    app.connect("doctree-resolved", link_chapters)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
