"""The book as one PDF: its pages on one HTML page, printed by headless Chromium, with the solutions at the end."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from ..errors import DataError, needing
from ..files import write_atomically

LONGEST = 300_000  # milliseconds that formulas and pictures may take
MARGINS = {"top": "18mm", "bottom": "18mm", "left": "16mm", "right": "16mm"}
SMALL = "font: 8px sans-serif; width: 100%; text-align: center; color: #555"
HEAD = f'<div style="{SMALL}">How a network draws</div>'
FOOT = f'<div style="{SMALL}"><span class="pageNumber"></span> / <span class="totalPages"></span></div>'
# What a page shows that paper cannot: what is clicked, what moves, what says how a folded cell was made.
LEFT_OUT = (
    "button, input, select, canvas, iframe, video, audio, noscript, script:not([type^=math]), #study, .widget, details.hide, .headerlink"
)
STYLE = """
article { max-width: none !important; }
h1 { break-before: page; }
h1, h2, h3, h4, figcaption { break-after: avoid; }
figure, table, .cell_output img, .cell_output svg, .admonition { break-inside: avoid; }
pre { white-space: pre-wrap; }
img, svg { max-width: 100% !important; height: auto; }
"""
# Only the article stays. Solutions go to the end, each under its chapter; animations stand as who asks for less motion sees them.
PREPARE = """([leftOut, style]) => {
  const article = document.querySelector('article');
  document.body.replaceChildren(article);
  document.documentElement.dataset.theme = 'light';
  const solutions = document.createElement('section');
  solutions.innerHTML = '<h1>Solutions</h1>';
  let chapter = '';
  for (const one of [...article.querySelectorAll('h1, .solution')]) {
    if (one.matches('h1')) { chapter = one.cloneNode(true); continue; }
    if (chapter) {
      const head = document.createElement('h2');
      head.textContent = chapter.textContent.replace(/#$/, '');
      solutions.append(head);
      chapter = '';
    }
    one.classList.remove('dropdown', 'toggle', 'toggle-hidden');
    solutions.append(one);
  }
  if (solutions.children.length > 1) article.append(solutions);
  document.querySelectorAll(leftOut).forEach(one => one.remove());
  document.querySelectorAll('details').forEach(one => { one.open = true; });
  document.querySelectorAll('img').forEach(one => { one.loading = 'eager'; });
  document.head.append(Object.assign(document.createElement('style'), {textContent: style}));
}"""
READY = "() => [...document.images].every(one => one.complete) && (!window.MathJax || window.mathsIsSet)"
MATHS = "() => { if (window.MathJax) window.MathJax.startup.promise.then(() => { window.mathsIsSet = true; }); }"


def one_page(site: Path, folder: Path) -> Path:
    """Build a staged site as one HTML page below `folder`; raises `DataError` with what Jupyter Book said where that fails."""
    command = [
        str(Path(sys.executable).parent / "jupyter-book"),
        "build",
        str(site),
        "--builder",
        "singlehtml",
        "--path-output",
        str(folder),
    ]
    done = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    )
    (page, *_) = [*folder.glob("_build/singlehtml/index.html"), None]
    if done.returncode or page is None:
        raise DataError(f"the book could not be made one page; Jupyter Book said: {(done.stdout + done.stderr)[-3000:]}")
    return page


def stand_still(folder: Path) -> None:
    """Let each GIF below a folder show its last frame, which has the whole picture, and that only: paper shows the first."""
    from PIL import Image

    for path in sorted(folder.rglob("*.gif")):
        with Image.open(path) as film:
            film.seek(film.n_frames - 1)
            last = film.convert("RGB")
        write_atomically(path, lambda to, last=last: last.save(to, format="GIF"))


def print_page(page: Path, to: Path) -> None:
    """Print an HTML page of the book to a PDF; raises `DataError` where there is no Chromium."""
    with needing("test"):
        from playwright.sync_api import sync_playwright
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if not found:
        raise DataError("no Chromium was found, which prints the book: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"])
        pdf = printed(browser, page)
        browser.close()
    write_atomically(to, lambda path: path.write_bytes(pdf))


def printed(browser, page: Path) -> bytes:
    """An HTML page of the book as a PDF on A4, with page numbers and an outline; `browser`: Playwright's."""
    tab = browser.new_page(reduced_motion="reduce")
    tab.goto(page.as_uri(), wait_until="load")
    tab.evaluate(MATHS)
    tab.wait_for_function(READY, timeout=LONGEST)
    tab.evaluate(PREPARE, [LEFT_OUT, STYLE])
    tab.wait_for_function(READY, timeout=LONGEST)
    how = dict(format="A4", margin=MARGINS, display_header_footer=True, header_template=HEAD, footer_template=FOOT)
    pdf = tab.pdf(**how, print_background=True, outline=True, tagged=True)
    tab.close()
    return pdf


def make_pdf(site: Path, folder: Path, to: Path) -> None:
    """Print the book of a staged site to a PDF; `folder` takes what comes between."""
    shutil.rmtree(folder, ignore_errors=True)
    page = one_page(site, folder)
    stand_still(page.parent)
    print_page(page, to)


def show_link(index: Path) -> None:
    """Let the first page show its link to the PDF, which it hides where there is none."""
    text = index.read_text(encoding="utf-8").replace('class="book-pdf" hidden', 'class="book-pdf"')
    write_atomically(index, lambda to: to.write_text(text, encoding="utf-8"))
