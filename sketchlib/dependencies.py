"""What a chapter depends on, read from its code: library modules, profile sections, stages. Nothing is imported to find out."""

from __future__ import annotations

import ast
import hashlib
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
LEAVES = {"stages", "trainings", "artefacts"}  # what a stage does for a chapter is in the stage's own key


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


def direct_modules(source: str, package: Path = PACKAGE) -> set[str]:
    """The modules of the package that `source` names: by import, relative import, or as an attribute of the package."""
    own = {path.stem for path in package.glob("*.py")} - {"__init__"}
    table, name, found = public_names(package), package.name, set()

    def add(member: str) -> None:
        found.update({member} & own or {table[member]} if member in own or member in table else set())

    for node in ast.walk(_tree(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith(f"{name}."):
                    add(alias.name.split(".")[1])
        elif isinstance(node, ast.ImportFrom):
            parts = (node.module or "").split(".") if node.module else []
            if not node.level and parts[:1] == [name]:
                parts = parts[1:]
            elif not node.level:
                continue
            for member in parts[:1] or [alias.name for alias in node.names]:
                add(member)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == name:
            add(node.attr)
    return found


def closure(modules: set[str], package: Path = PACKAGE) -> set[str]:
    """These modules and all that they import within the package, lazy imports in functions included."""
    seen, todo = set(), set(modules)
    while todo:
        module = todo.pop()
        seen.add(module)
        if module not in LEAVES:
            todo |= direct_modules((package / f"{module}.py").read_text(encoding="utf-8"), package) - seen
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
        digest.update(module.encode() + b"\0" + stripped((package / f"{module}.py").read_text(encoding="utf-8")).encode() + b"\0")
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
