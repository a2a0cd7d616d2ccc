"""The book's build: one task a chapter, then the pages. Run by `make book`; see https://pydoit.org for what a task is.

A chapter is executed again when its own text, the library code it uses, a profile section it reads, or a stage it takes changes, and
not otherwise. Executed notebooks, pages and HTML go to build/PROFILE; the last good book stays until the next one is whole.
"""

import json
import os
import runpy
import shutil
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import yaml
from doit import get_var
from doit.tools import config_changed

from sketchlib.data import source
from sketchlib.errors import DataError
from sketchlib.files import locked
from sketchlib.report import dependencies, stages
from sketchlib.report.folders import build_folder
from sketchlib.report.page import BANNER, BENCHMARKS, RESULTS, banner, merge_results
from sketchlib.report.profile import load_profile
from sketchlib.report.provenance import git, provenance
from sketchlib.report.tables import table

ROOT = Path(__file__).resolve().parent
PROFILE_NAME = get_var("profile", "quick")
try:
    PROFILE = load_profile(PROFILE_NAME)
    source.ensure(PROFILE.data.classes, PROFILE.data.per_class)  # before any key is computed: a download changes them
except DataError as error:
    sys.exit(str(error))
BUILD = build_folder(PROFILE_NAME)
WIDGET = "application/vnd.jupyter.widget-view+json"
DONE = BUILD / ".doit.json"  # what has been done: doit's own record
DOIT_CONFIG = {"default_tasks": ["book"], "dep_file": str(DONE), "backend": "json", "reporter": "executed-only"}
LOCK = ExitStack()  # held until this process ends


def begin() -> None:
    """Be the only build of this profile; begin anew where the record of what has been done is cut."""
    LOCK.enter_context(locked(BUILD / ".lock", f"builds the book of profile {PROFILE_NAME}"))
    try:
        json.loads(DONE.read_text(encoding="utf-8")) if DONE.exists() else None
    except (OSError, ValueError):
        DONE.unlink()


try:
    begin()
except (DataError, OSError) as error:
    sys.exit(str(error))


def toc_files() -> list[str]:
    """The pages of the book, in order, as _toc.yml names them."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    pages = [page for part in toc["parts"] for chapter in part["chapters"] for page in [chapter, *chapter.get("sections", [])]]
    return [toc["root"], *(page["file"] for page in pages)]


INLINE = "module://matplotlib_inline.backend_inline"
EXECUTED: set[str] = set()  # by this run; the others are kept from an earlier one
CHAPTERS = [Path(file).name for file in toc_files() if file.startswith("notebooks/")]


def code_of(notebook: Path) -> str:
    """The code cells of a notebook as one source."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")


def state_of(chapter: str) -> dict:
    """All that a chapter's execution depends on, beside its own file."""
    code = code_of(ROOT / "notebooks" / f"{chapter}.ipynb")
    library = dependencies.reached(dependencies.entries_of(code), stages.IN_STAGE_KEYS)
    every, read = "\n".join([code, *library.values()]), [chapter, *dependencies.chapters_read(code)]
    published = [path for name in read if (path := RESULTS / f"{name}.json").exists()]
    kept = [path for name in dependencies.benchmarks_read(code) if (path := BENCHMARKS / f"{name}.json").exists()]
    return {
        "code": library,
        "profile": {name: PROFILE.section(name) for name in sorted(dependencies.profile_sections(every) & PROFILE.values.keys())},
        "stages": {name: stages.KEYS[name](PROFILE) for name in sorted(dependencies.stages_of(every) & stages.KEYS.keys())},
        "seed": PROFILE.seed,
        "other profiles": {name: load_profile(name).values for name in sorted(dependencies.profiles_named(every))},
        "published": [path.read_text(encoding="utf-8") for path in published],  # shown where the profile says so
        "benchmarks": [path.read_text(encoding="utf-8") for path in kept],
    }


def numbers_read(chapter: str) -> list[str]:
    """The files of the earlier chapters' numbers that a chapter reads."""
    read = dependencies.chapters_read(code_of(ROOT / "notebooks" / f"{chapter}.ipynb"))
    return [str(BUILD / "results" / f"{name}.json") for name in read]


def own_kernel() -> None:
    """Let chapters run in this environment whatever kernels others installed, with no start-up file, backend or style of the user's."""
    home = BUILD / "jupyter"
    env = {"IPYTHONDIR": home / "ipython", "MATPLOTLIBRC": home / "matplotlibrc", "PYTHONSTARTUP": "", "MPLBACKEND": INLINE}
    command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}", "--log-level=ERROR"]
    spec = {"argv": command, "display_name": "Python 3 (ipykernel)", "language": "python", "env": {k: str(v) for k, v in env.items()}}
    (home / "kernels" / "python3").mkdir(parents=True, exist_ok=True)
    (home / "kernels" / "python3" / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")
    (home / "matplotlibrc").write_text("", encoding="utf-8")
    others = os.environ.get("JUPYTER_PATH", "").removeprefix(str(home)).strip(os.pathsep)
    os.environ["JUPYTER_PATH"] = os.pathsep.join(filter(None, [str(home), others]))  # the first that has a kernel of this name is taken


def without_picture(notebook: dict) -> list[int]:
    """The numbers of the cells with a figure that came out as its name alone, or in a format that no page shows."""
    found = []
    for number, cell in enumerate(notebook["cells"]):
        for data in (output.get("data", {}) for output in cell.get("outputs", [])):
            named = "".join(data.get("text/plain", "")).startswith("<Figure size")
            found += [number] * (named and not any(kind.startswith("image/") for kind in data))
    return found


def run_through(source: Path, target: Path) -> bool:
    """Run a notebook with the build's profile; whether it came to its end. Where it did not, its cell and traceback are printed."""
    import papermill

    how = dict(kernel_name="python3", cwd=str(ROOT), progress_bar=False, log_output=False)
    try:
        papermill.execute_notebook(str(source), str(target), {"PROFILE": PROFILE_NAME}, **how)
    except papermill.PapermillExecutionError as error:
        print(f"\n{source.stem}, cell {error.cell_index}:\n{error.source}\n\n" + "\n".join(error.traceback), file=sys.stderr)
        return False
    return True


def execute(chapter: str) -> bool:
    """Run a chapter, and put it and its numbers in place of the last ones; after an error they stay, and the build stops."""
    import papermill

    source, target = ROOT / "notebooks" / f"{chapter}.ipynb", BUILD / "notebooks" / f"{chapter}.ipynb"
    target.parent.mkdir(parents=True, exist_ok=True)
    if set(papermill.inspect_notebook(str(source))) != {"PROFILE"}:
        raise SystemExit(f"{chapter}: its parameters cell must hold PROFILE and nothing else")
    print(f"{chapter} ...", flush=True)
    began, partial, kept = time.perf_counter(), target.with_suffix(".partial.ipynb"), BUILD / "results" / f"{chapter}.json"
    numbers = kept.with_suffix(".partial.json")
    numbers.parent.mkdir(parents=True, exist_ok=True)
    numbers.write_text("{}", encoding="utf-8")  # a chapter need not record any
    own_kernel()
    os.environ["SKETCHLIB_RECORD"] = str(numbers)  # the chapter's kernel writes them there, a reader's own kernel nowhere
    if not run_through(source, partial):
        print(f"\n{chapter} failed; the last good book is as it was.", file=sys.stderr)
        return False
    if cells := without_picture(json.loads(partial.read_text(encoding="utf-8"))):
        print(f"\n{chapter}: the figures of cells {cells} are no pictures; the last good book is as it was.", file=sys.stderr)
        return False
    os.replace(numbers, kept)
    os.replace(partial, target)
    EXECUTED.add(chapter)
    print(f"{chapter} took {time.perf_counter() - began:.1f} s", flush=True)
    return True


def task_execute():
    """One task a chapter."""
    for number, chapter in enumerate(CHAPTERS):
        yield {
            "name": chapter,
            "actions": [(execute, [chapter])],
            "file_dep": [str(ROOT / "notebooks" / f"{chapter}.ipynb"), *numbers_read(chapter)],
            "targets": [str(BUILD / "notebooks" / f"{chapter}.ipynb"), str(BUILD / "results" / f"{chapter}.json")],
            "uptodate": [config_changed(state_of(chapter))],
            "task_dep": [f"execute:{earlier}" for earlier in CHAPTERS[:number]][-1:],
        }


def seconds_of(chapter: str) -> float:
    """How long the chapter's last execution took, from papermill's metadata."""
    notebook = json.loads((BUILD / "notebooks" / f"{chapter}.ipynb").read_text(encoding="utf-8"))
    return notebook["metadata"]["papermill"]["duration"]


def stage_notebook(chapter: str, folder: Path) -> None:
    """Copy an executed chapter for reading: no progress bars, no dead widgets, the injected cell hidden."""
    notebook = json.loads((BUILD / "notebooks" / f"{chapter}.ipynb").read_text(encoding="utf-8"))
    notebook["metadata"].pop("widgets", None)
    notebook["metadata"].pop("papermill", None)
    for cell in notebook["cells"]:
        cell["metadata"].pop("papermill", None)
        if {"injected-parameters", "parameters"} & set(cell["metadata"].get("tags", [])):
            cell["metadata"]["tags"] = ["remove-cell"]
        if cell["cell_type"] == "code":
            cell["outputs"] = joined([made_live(out) for out in cell["outputs"] if not is_noise(out)])
    first = notebook["cells"][0]
    first["source"] = with_banner("".join(first["source"]))
    (folder / "notebooks" / f"{chapter}.ipynb").write_text(json.dumps(notebook), encoding="utf-8")


def is_noise(output: dict) -> bool:
    """Progress bars, live widgets and the notebook's own banner (each page gets one) mean nothing on a page."""
    data = output.get("data", {})
    banner = BANNER in "".join(data.get("text/markdown", ""))
    dead = WIDGET in data and "text/html" not in data
    return output.get("name") == "stderr" or dead or banner


def made_live(output: dict) -> dict:
    """A widget that brings a still picture, as a page shows it: a script takes the picture's place, or it stays."""
    from sketchlib.pictures import interactives

    data = output.get("data", {})
    if WIDGET in data:
        still = "".join(data["text/html"])
        panel = f'<div data-sketch="landing">{still}</div><script src="../live/sketch.js"></script>'
        page = interactives.on_page(still) or panel
        output = {**output, "data": {"text/html": page, "text/plain": data.get("text/plain", "")}}
    return output


def joined(outputs: list[dict]) -> list[dict]:
    """Printed lines that follow each other as one output, as JupyterLab shows them."""
    together = []
    for output in outputs:
        if together and output["output_type"] == "stream" == together[-1]["output_type"]:
            together[-1]["text"] = "".join(together[-1]["text"]) + "".join(output["text"])
        else:
            together.append(output)
    return together


def with_banner(page: str) -> str:
    """A page of Markdown, warned of under its title where the drawings are doodles."""
    title, _, rest = page.partition("\n")
    text = banner(PROFILE_NAME)
    return f"{title}\n\n{text}\n{rest}" if text else page


def stage_site(folder: Path) -> None:
    """Gather pages, executed chapters, generated pages and MathJax in one folder for Sphinx."""
    from importlib.metadata import files

    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "book", folder)
    (folder / "notebooks").mkdir()
    for chapter in CHAPTERS:
        stage_notebook(chapter, folder)
    results = merge_results(PROFILE_NAME, CHAPTERS)
    write_results(folder / "results.md", results)
    write_how(folder / "how_this_was_made.md")
    write_speed(folder / "speed.md")
    write_tried(folder / "tried_to_break.md")
    write_study(folder / "real_or_generated.md")
    for page in folder.rglob("[!.]*.md"):
        page.write_text(with_banner(page.read_text(encoding="utf-8")), encoding="utf-8")
    write_live(folder / "extra" / "live")
    mathjax = next(f.locate() for f in files("sphinx-mathjax-offline") if str(f).endswith("mathjax/tex-svg.js"))
    (folder / "extra" / "mathjax").mkdir(parents=True)
    shutil.copy(mathjax, folder / "extra" / "mathjax" / "tex-svg.js")
    for name in ("_config.yml", "_toc.yml"):
        shutil.copy(ROOT / name, folder / name)


def write_live(folder: Path) -> None:
    """The scripts that draw on the pages, and the published models beside them, each loaded when a reader asks for it."""
    from sketchlib.models import weights
    from sketchlib.pictures import interactives, live

    router = weights.load("router")
    models = {"single": weights.load("single"), **{name: router.for_class(name) for name in router.classes}}
    interactives.write(folder, models, live.write_live(folder, models))


def write_results(path: Path, results: dict) -> None:
    """Append the table of every number of this run, beside those of the published one, to the results page."""
    from sketchlib.report import publish

    head = ["name", "this run", "published", "unit", "n", "chapter"]
    text = path.read_text(encoding="utf-8")
    text += f"\nThis run: profile `{PROFILE_NAME}`, seed {PROFILE.seed}. In brackets stand 95 % intervals; n is this run's.\n\n"
    text += table(head, publish.every_number(results, publish.published()))
    if runs := publish.about():
        text += "\n## The published run\n\nA chapter's numbers were made with the weights of its commit.\n\n"
        text += table(["chapters", "profile", "seed", "commit", "date", "machine"], runs)
    if weights := publish.shipped():
        head = ["weights", "MB", "steps", "step kept", "training drawings", "nats a point", "half precision costs"]
        text += "\n## The published weights\n\nNats a point are of validation drawings on the grid, with half precision; a VAE's are its "
        text += "$L_R$ with $z$ from its encoder.\n\n" + table(head, weights, numbers=6)
    path.write_text(text, encoding="utf-8")


def write_how(path: Path) -> None:
    """Append commit, versions, data, profile and seconds to the page on how this was made."""
    made = provenance()
    data = json.loads((BUILD / "data.json").read_text(encoding="utf-8"))
    text = path.read_text(encoding="utf-8")
    text += "\n## Commit, versions, machine\n\n" + table(["what", "value"], [[k, v] for k, v in made.items()])
    text += f"\n## Drawings\n\nSource: {data['where']}.\n\n"
    steps = list(data["counts"])
    rows = [
        [name, *(f"{data['counts'][step][name]:,}" for step in steps), f"`{(f['sha256'] or '-')[:16]}`"]
        for name, f in data["files"].items()
    ]
    text += table(["class", *steps, "SHA-256 (first 16)"], rows)
    text += f"\n## Profile {PROFILE_NAME}\n\n```yaml\n{yaml.safe_dump(PROFILE.values, sort_keys=False)}```\n"
    text += "\n## Seconds\n\n" + table(["chapter", "seconds"], [[c, f"{seconds_of(c):.1f}"] for c in CHAPTERS])
    path.write_text(text, encoding="utf-8")


def write_speed(path: Path) -> None:
    """Append the tables of the benchmarks' kept runs to the page on speed."""
    speed = runpy.run_path(str(ROOT / "benchmarks" / "table.py"))  # by its path: others have packages of that name
    text = path.read_text(encoding="utf-8")
    results = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(BENCHMARKS.glob("[!.]*.json"))}
    results = {name: result for name, result in results.items() if "rows" in result}  # of speed; chapter 13b shows that of quality
    text += "" if results else "\nNo run is kept yet, so there is no table here.\n"
    for name, result in results.items():
        text += f"\n## {name.replace('-', ' ').capitalize()}\n\n" + table(["what", "value"], speed["about"](result))
        text += "\n" + table(speed["HEAD"], speed["rows_of"](result))
    path.write_text(text, encoding="utf-8")


def write_tried(path: Path) -> None:
    """Append the tables of the recorded campaigns to the page on what was tried to break the project."""
    campaigns = runpy.run_path(str(ROOT / "tests" / "campaigns" / "table.py"))
    path.write_text(path.read_text(encoding="utf-8") + campaigns["text_of"](table), encoding="utf-8")


def write_study(path: Path) -> None:
    """Put real drawings, sketches by both architectures and the script that asks about them in their place on the page."""
    from sketchlib import sampling
    from sketchlib.pictures import study
    from sketchlib.report import stages

    test, temperature = stages.data(PROFILE).splits.test, PROFILE.sampling.temperature
    models = {"single": stages.single(PROFILE).model, "router": stages.router(PROFILE).model}
    real = {name: test.drawings(name) for name in test.classes}
    made = {by: {name: sampling.sample(one, name, 20, temperature, PROFILE.seed) for name in real} for by, one in models.items()}
    page = study.page(study.trials(real, made, seed=PROFILE.seed), path.with_suffix(".js").read_text(encoding="utf-8"))
    before, after = path.read_text(encoding="utf-8").split("% The study stands here.\n")
    path.write_text(f"{before}````{{raw}} html\n{page}````\n{after}\nThe temperature is {temperature}.\n", encoding="utf-8")


def build_html() -> bool:
    """Run Jupyter Book on the staged site, warnings being errors, and put the result in place of the last one."""
    from sketchlib.report import policy

    site = BUILD / "site"
    stage_site(site)
    command = [str(Path(sys.executable).parent / "jupyter-book"), "build", str(site), "-W", "--keep-going", "--all"]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    if done.returncode:
        print(done.stdout[-4000:], done.stderr[-8000:], file=sys.stderr)
        print("the pages could not be built; the last good book is as it was.", file=sys.stderr)
        return False
    policy.protect(site / "_build" / "html")
    html, old = BUILD / "html", BUILD / "html.old"
    shutil.rmtree(old, ignore_errors=True)
    if html.exists():
        html.rename(old)
    (site / "_build" / "html").rename(html)
    shutil.rmtree(old, ignore_errors=True)
    return True


def build_pdf() -> None:
    """Print the pages to html/book.pdf, and show the link to it on the first of them."""
    from sketchlib.report import pdf

    html = BUILD / "html"
    pdf.make_pdf(html, toc_files(), html / "book.pdf")
    pdf.show_link(html / "index.html")
    print(html / "book.pdf")


def task_pdf():
    """The pages as one PDF, with the solutions at its end."""
    return {"actions": [build_pdf], "task_dep": ["html"], "verbosity": 2}


def git_head() -> str:
    """The commit that the page on how this was made names."""
    return git("rev-parse", "HEAD")


def task_html():
    """The pages."""
    scripts = [path for path in (ROOT / "sketchlib" / "pictures" / "javascript").rglob("*") if path.is_file()]
    live = [*scripts, *(ROOT / "weights").rglob("*.safetensors")]
    shown = ("book", "benchmarks/results", "tests/campaigns/results")
    pages = [path for folder in shown for path in (ROOT / folder).rglob("*") if path.is_file()]
    return {
        "actions": [build_html],
        "file_dep": [str(p) for p in [*pages, ROOT / "_config.yml", ROOT / "_toc.yml", *(ROOT / "sketchlib").rglob("*.py"), *live]]
        + [str(BUILD / "notebooks" / f"{chapter}.ipynb") for chapter in CHAPTERS],
        "targets": [str(BUILD / "html" / "index.html")],
        "uptodate": [config_changed(git_head())],
    }


def summary() -> None:
    """Print where the book is and what each chapter took."""
    print(f"\n{'chapter':<28}seconds")
    for chapter in CHAPTERS:
        print(f"{chapter:<28}{seconds_of(chapter):7.1f}{'' if chapter in EXECUTED else '  kept from an earlier run'}")
    print(f"\n{BUILD / 'html' / 'index.html'}")


def agree() -> bool:
    """Compare this run with the published one where it must find the same, and say what differs."""
    from sketchlib.report import publish

    wrong = publish.check(PROFILE, merge_results(PROFILE_NAME, CHAPTERS))
    if wrong:
        print("\nThis run contradicts the published one (book/results/expected.yml):\n- " + "\n- ".join(wrong), file=sys.stderr)
    return not wrong


def task_agree():
    """Whether the run agrees with the published one."""
    return {"actions": [agree], "task_dep": ["html"]}


def task_book():
    """Everything, then the table of chapters."""
    return {"actions": [summary], "task_dep": ["html", "agree"], "verbosity": 2}
