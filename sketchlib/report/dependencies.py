"""What code depends on, read from the code: the definitions that it reaches, profile sections, stages. Nothing is imported to find out."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from ..errors import DataError

PACKAGE = Path(__file__).resolve().parent.parent
DEFINITION = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
IMPORT = (ast.Import, ast.ImportFrom)


class Module(NamedTuple):
    """What stands at the top of a module: statements by the names that they define, what imports bind, and all other statements."""

    defined: dict[str, list[ast.stmt]]
    bound: dict[str, str]
    others: list[ast.stmt]


class Library:
    """A package as text. Paths are dotted: "sketchlib.data.dataset.cap" is a definition, "numpy.linalg" of another package."""

    def __init__(self, name: str, texts: dict[str, str], folders: set[str]):
        self.name, self.texts, self.folders = name, texts, folders
        self._modules, self._looked_into = {}, {}

    def module(self, path: str) -> Module:
        """A module, parsed; a folder's is its __init__."""
        if path not in self._modules:
            body = _without_docstrings(self.texts[path]).body
            names = {name for node in body for name in _defines(node)}
            defined = {name: [node for node in body if name in _defines(node)] for name in sorted(names)}
            others = [node for node in body if not _defines(node) and not isinstance(node, (*IMPORT, ast.Pass))]
            bound = self.bound([node for node in body if not isinstance(node, DEFINITION)], path)
            self._modules[path] = Module(defined, bound, others)
        return self._modules[path]

    def bound(self, nodes: Iterable[ast.AST], module: str) -> dict[str, str]:
        """Name -> path, by every import in a piece of code of a module ("": of none)."""
        out, levels = {}, module.split(".") + [""] * (module in self.folders)
        for node in (part for one in nodes for part in ast.walk(one)):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    out[alias.asname or alias.name.split(".")[0]] = alias.name if alias.asname else alias.name.split(".")[0]
            elif isinstance(node, ast.ImportFrom):
                base = [*(levels[: -node.level] if node.level else []), *([node.module] if node.module else [])]
                out |= {alias.asname or alias.name: ".".join([*base, alias.name]) for alias in node.names}
        return out

    def uses(self, nodes: Iterable[ast.AST], module: str = "") -> dict[str, str]:
        """Name -> path, of the names (with the attributes that follow) by which a piece of code means definitions and imports."""
        around = self.module(module) if module else Module({}, {}, [])
        bound = {**{name: f"{module}.{name}" for name in around.defined}, **around.bound, **self.bound(nodes, module)}
        names = {name: name.partition(".") for node in nodes for name in _names(node)}
        return {name: self.target(bound[first] + dot + rest) for name, (first, dot, rest) in names.items() if first in bound}

    def target(self, path: str) -> str:
        """The path by which a thing is defined, for one that imports lead to."""
        module, name, rest = self.parts(path)
        if not module or not name or name in self.module(module).defined:
            return path
        home = self.public_names().get(name) if module == self.name else None
        leads = self.module(module).bound.get(name) or (home and f"{self.name}.{home}.{name}")
        return self.target(f"{leads}.{rest}".rstrip(".")) if leads else path

    def parts(self, path: str) -> tuple[str, str, str]:
        """The module in a path ("": of another package), the name in it, and the attributes after that."""
        module = path
        while module and module not in self.texts:
            module = module.rpartition(".")[0]
        name, _, rest = path[len(module) :].removeprefix(".").partition(".")
        return module, name, rest

    def places(self, path: str) -> list[tuple[str, str]]:
        """(module, name) of what a path means: a definition, everything in a module that is used as a whole, nothing elsewhere."""
        module, name, _ = self.parts(self.target(path))
        defined = self.module(module).defined if module else {}
        return [(module, one) for one in ("", *defined)] if module and not name else [(module, name)] * (name in defined)

    def public_names(self) -> dict[str, str]:
        """Public name -> module, from the lazy table in the package's __init__.py."""
        tables = self.module(self.name).defined.get("_HOME", [])
        return ast.literal_eval(tables[0].value) if tables else {}

    def reached(self, entries: Iterable[str], leaves: Iterable[str]) -> dict[str, str]:
        """Path -> code of all definitions that the entries reach, and of what else their modules do; `leaves` are not looked into."""
        todo, found, leaves = [place for entry in entries for place in self.places(entry)], {}, set(leaves)
        while todo:
            place = todo.pop()
            path = ".".join(place)
            if path not in found and path not in leaves:
                if path not in self._looked_into:
                    self._looked_into[path] = self.look_into(*place)
                found[path], more = self._looked_into[path]
                todo += more
        return found

    def look_into(self, module: str, name: str) -> tuple[str, list[tuple[str, str]]]:
        """The code of a definition ("": of all other statements), with what its imports mean, and the places of what it uses."""
        nodes = self.module(module).defined[name] if name else self.module(module).others
        used = self.uses(nodes, module)
        code = "\n".join([*(f"# {used[one]} as {one}" for one in sorted(used)), *map(ast.unparse, nodes)])
        return code, [(module, ""), *(place for one in used.values() for place in self.places(one))]


def _defines(node: ast.stmt) -> list[str]:
    # The names that a definition or a plain assignment defines.
    if isinstance(node, DEFINITION):
        return [node.name]
    targets = getattr(node, "targets", [getattr(node, "target", None)]) if isinstance(node, ast.Assign | ast.AnnAssign) else []
    parts = [part for target in targets for part in getattr(target, "elts", [target])]
    return [part.id for part in parts] if all(isinstance(part, ast.Name) for part in parts) else []


def _names(node: ast.AST, hidden: frozenset[str] = frozenset()) -> set[str]:
    # Every name that a piece of code reads, with the attributes that follow it: "dataset.cap"; but for parameters, in their functions.
    chain = _chain(node)
    if chain or isinstance(node, ast.Name):
        return {chain} - {""} if chain.partition(".")[0] not in hidden else set()
    inside, body = hidden, []
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
        inside, body = hidden | {part.arg for part in ast.walk(node.args) if isinstance(part, ast.arg)}, node.body
    within = body if isinstance(body, list) else [body]
    return set().union(*(_names(child, inside if child in within else hidden) for child in ast.iter_child_nodes(node)))


def _chain(node: ast.AST) -> str:
    # "a.b.c" for attributes of a name that is read, or the name; "" for anything else.
    if isinstance(node, ast.Attribute):
        return f"{chain}.{node.attr}" if (chain := _chain(node.value)) else ""
    return node.id if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) else ""


@lru_cache(maxsize=256)
def _without_docstrings(source: str) -> ast.Module:
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, *DEFINITION)) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return tree


def _library(package: Path) -> Library:
    texts, folders = {}, set()
    for path in sorted(package.rglob("[!.]*.py")):
        parts = [package.name, *path.relative_to(package).with_suffix("").parts]
        folders |= {".".join(parts[:n]) for n in range(1, len(parts))}
        texts[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path.read_text(encoding="utf-8")
    return _parsed(package.name, tuple(({**dict.fromkeys(folders, ""), **texts}).items()), frozenset(folders))


@lru_cache(maxsize=8)
def _parsed(name: str, texts: tuple[tuple[str, str], ...], folders: frozenset[str]) -> Library:
    return Library(name, dict(texts), set(folders))


def reached(entries: Iterable[str], leaves: Iterable[str] = (), package: Path | None = None) -> dict[str, str]:
    """Every definition that code named by `entries` may run: path -> code without comments and docstrings.

    `entries`: functions, classes or constants below the package, "train.fit". Each name in a reached definition is followed, through
    imports in functions too, to its definition; a class counts as a whole, and with a module all its statements that define nothing.
    `leaves` are not looked into. Raises `DataError` for an entry that is not defined.
    """
    library = _library(package or PACKAGE)
    entries, leaves = ([f"{library.name}.{name}" for name in names] for names in (entries, leaves))
    if missing := sorted(entry for entry in entries if not library.places(entry)):
        raise DataError(f"{', '.join(missing)}: not defined; give functions, classes or constants of the library")
    return library.reached(entries, leaves)


def defined_at(path: str, package: Path | None = None) -> str:
    """The dotted path by which a thing is defined, for one by which imports bring it: "sketchlib.sample" is "sketchlib.sampling.sample"."""
    return _library(package or PACKAGE).target(path)


def code_hash(entries: Iterable[str], leaves: Iterable[str] = (), package: Path | None = None) -> str:
    """A hash of the code that `reached` finds."""
    return hashlib.sha256(repr(sorted(reached(entries, leaves, package).items())).encode()).hexdigest()


@lru_cache(maxsize=8)
def _tree(source: str) -> ast.Module:
    # The code of a chapter, without the lines that only a notebook understands.
    lines = (line for line in source.splitlines() if not line.lstrip().startswith(("%", "!")))
    return ast.parse("\n".join(lines))


def entries_of(source: str, package: Path | None = None) -> list[str]:
    """What of the package a chapter's code names, as entries for `reached`."""
    library = _library(package or PACKAGE)
    places = {place for path in library.uses([_tree(source)]).values() for place in library.places(path)}
    return sorted(".".join(place).partition(".")[2] for place in places if place[1])


def _calls(source: str, name: str) -> list[list]:
    # The constants among the arguments of every call of a function or method of this name.
    calls = [node for node in ast.walk(_tree(source)) if isinstance(node, ast.Call)]
    named = [call for call in calls if getattr(call.func, "attr", getattr(call.func, "id", "")) == name]
    return [[argument.value for argument in call.args if isinstance(argument, ast.Constant)] for call in named]


def _attributes_of(source: str, name: str) -> set[str]:
    nodes = (node for node in ast.walk(_tree(source)) if isinstance(node, ast.Attribute))
    return {node.attr for node in nodes if isinstance(node.value, ast.Name) and node.value.id == name}


def profile_sections(source: str) -> set[str]:
    """The sections of the profile that code reads: every X of `profile.X` and of `origins(profile, "X", ...)`."""
    named = _attributes_of(source, "profile")
    return named - {"name", "seed"} | {constants[0] for constants in _calls(source, "origins") if constants}


def stages_of(source: str) -> set[str]:
    """The stages that code calls: every X of `stages.X`."""
    return _attributes_of(source, "stages")


def profiles_named(source: str) -> set[str]:
    """The profiles that code loads by name: every "X" of `load_profile("X")`, and "full", which `origins` loads."""
    named = {constants[0] for constants in _calls(source, "load_profile") if constants}
    return named | ({"full"} if _calls(source, "origins") else set())


def chapters_read(source: str) -> list[str]:
    """The chapters whose numbers code reads: every "X" of `page.earlier("X")`."""
    return sorted({constants[0] for constants in _calls(source, "earlier") if constants})


def benchmarks_read(source: str) -> list[str]:
    """The benchmarks whose record code reads: every "X" of `page.benchmark("X")`."""
    return sorted({constants[0] for constants in _calls(source, "benchmark") if constants})
