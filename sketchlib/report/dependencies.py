"""What a chapter depends on, read from its code: library modules, profile sections, stages. Nothing is imported to find out."""

from __future__ import annotations

import ast
import hashlib
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent
LEAVES = {"report.stages", "report.recipes", "report.store"}  # what a stage does for a chapter is in the stage's own key


def _tree(source: str) -> ast.Module:
    lines = (line for line in source.splitlines() if not line.lstrip().startswith(("%", "!")))
    return ast.parse("\n".join(lines))


@cache
def public_names(package: Path = PACKAGE) -> dict[str, str]:
    """Public name -> module, from the lazy table in __init__.py."""
    tree = ast.parse((package / "__init__.py").read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "_HOME":
            return ast.literal_eval(node.value)
    return {}


def modules(package: Path = PACKAGE) -> set[str]:
    """All modules of the package, as dotted names below it: "strokes", "data.npz"."""
    paths = (path.relative_to(package).with_suffix("") for path in package.rglob("*.py"))
    return {".".join(path.parts) for path in paths if path.name != "__init__"}


def text_of(module: str, package: Path = PACKAGE) -> str:
    """The source of a module of the package."""
    return (package / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8")


def direct_modules(source: str, package: Path = PACKAGE, module: str = "") -> set[str]:
    """The modules of the package that `source`, the text of `module`, names: by import, or as an attribute of the package."""
    own, table, name, found = modules(package), public_names(package), package.name, set()

    def add(parts: list[str]) -> None:
        dotted = ".".join(parts)
        known = [".".join(parts[:n]) for n in range(len(parts), 0, -1) if ".".join(parts[:n]) in own]
        found.update(known[:1] or ([table[dotted]] if dotted in table else []))

    for node in ast.walk(_tree(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                add(alias.name.split(".")[1:] if alias.name.startswith(f"{name}.") else [])
        elif isinstance(node, ast.ImportFrom):
            parts = node.module.split(".") if node.module else []
            if node.level:
                parts = module.split(".")[: -node.level] + parts
            elif parts[:1] == [name]:
                parts = parts[1:]
            else:
                continue
            for alias in node.names:
                add([*parts, alias.name])
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == name:
            add([node.attr])
    return found


def closure(modules: set[str], package: Path = PACKAGE) -> set[str]:
    """These modules and all that they import within the package, lazy imports in functions included."""
    seen, todo = set(), set(modules)
    while todo:
        module = todo.pop()
        seen.add(module)
        if module not in LEAVES:
            todo |= direct_modules(text_of(module, package), package, module) - seen
    return seen


def modules_of(source: str, package: Path = PACKAGE) -> set[str]:
    """The library modules that a chapter's code depends on."""
    return closure(direct_modules(source, package), package)


def stripped(source: str) -> str:
    """The code without comments and docstrings: what can change a result."""
    tree = _tree(source)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            first = body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
                node.body = body[1:] or [ast.Pass()]
    return ast.unparse(tree)


def code_hash(modules: set[str], package: Path = PACKAGE) -> str:
    """A hash of the code of these modules and of all that they import."""
    digest = hashlib.sha256()
    for module in sorted(closure(modules, package)):
        digest.update(module.encode() + b"\0" + stripped(text_of(module, package)).encode() + b"\0")
    return digest.hexdigest()


def _calls(source: str, name: str) -> list[list]:
    # The constants among the arguments of every call of a function or method of this name.
    calls = [node for node in ast.walk(_tree(source)) if isinstance(node, ast.Call)]
    named = [call for call in calls if getattr(call.func, "attr", getattr(call.func, "id", "")) == name]
    return [[argument.value for argument in call.args if isinstance(argument, ast.Constant)] for call in named]


def profile_sections(source: str) -> set[str]:
    """The sections of the profile that code reads: every X of `profile.X` and of `report.origins(profile, "X", ...)`."""
    nodes = (node for node in ast.walk(_tree(source)) if isinstance(node, ast.Attribute))
    named = {node.attr for node in nodes if isinstance(node.value, ast.Name) and node.value.id == "profile"}
    return named - {"name", "seed"} | {constants[0] for constants in _calls(source, "origins") if constants}


def stages_of(source: str) -> set[str]:
    """The stages that code calls: every X of `stages.X`."""
    nodes = (node for node in ast.walk(_tree(source)) if isinstance(node, ast.Attribute))
    return {node.attr for node in nodes if isinstance(node.value, ast.Name) and node.value.id == "stages"}


def profiles_named(source: str) -> set[str]:
    """The profiles that code loads by name: every "X" of `load_profile("X")`, and "full", which `report.origins` loads."""
    named = {constants[0] for constants in _calls(source, "load_profile") if constants}
    return named | ({"full"} if _calls(source, "origins") else set())
