"""The book as one PDF: the articles of its pages on one page, printed by headless Chromium, with the solutions at the end."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ..errors import DataError, needing
from ..files import write_atomically

LONGEST = 300_000  # milliseconds that a page, its formulas and its pictures may take
SCALE = 0.75  # of a screen's letters; at full size, cards and wide tables find no room beside each other
MARGINS = {"top": "18mm", "bottom": "18mm", "left": "16mm", "right": "16mm"}
SMALL = "font: 8px sans-serif; width: 100%; text-align: center; color: #555"
HEAD = f'<div style="{SMALL}">How a network draws</div>'
FOOT = f'<div style="{SMALL}"><span class="pageNumber"></span> / <span class="totalPages"></span></div>'
# What a page shows that paper cannot: what is clicked, what moves, what says how a folded cell was made.
LEFT_OUT = "button, input, select, canvas, iframe, video, audio, noscript, script, style[id^=study], #study, [data-sketch], .sk-live, "
LEFT_OUT += "details.hide, .headerlink, .book-pdf"
STYLE = """
article { max-width: none !important; }
section.page { break-before: page; }
h1, h2, h3, h4, figcaption { break-after: avoid; }
h1, h2, h3, h4 { padding-top: 0.25em; }  /* letters rise above their line: on top of a sheet, two would print them */
figure, table, .cell_output img, .cell_output svg, .admonition { break-inside: avoid; }
pre { white-space: pre-wrap; }
img, svg { max-width: 100% !important; height: auto; }
mjx-container svg [stroke-width] { stroke: none; }  /* on paper a line of width 0 is a thin one, and letters get bold */
"""
# A page's article, for one among others: its ids are its own, and links lead to places in the same document or nowhere.
COLLECT = """([number, pages]) => {
  const article = document.querySelector('article'), own = `page-${number}`;
  const outsideMaths = one => !one.closest('mjx-container');  // glyphs: an id names the same one on every page
  article.querySelectorAll('img').forEach(one => one.setAttribute('src', one.src));
  article.querySelectorAll('a[href]').forEach(one => {
    const to = new URL(one.href), page = pages.indexOf(to.href.split('#')[0]);
    if (page >= 0) one.setAttribute('href', `#page-${page}${to.hash ? '-' + to.hash.slice(1) : ''}`);
    else if (to.protocol === 'file:') one.removeAttribute('href');
  });
  [...article.querySelectorAll('[id]')].filter(outsideMaths).forEach(one => { one.id = `${own}-${one.id}`; });
  const styles = [...document.head.querySelectorAll('style[id^=MJX]')].map(one => one.outerHTML).join('');
  return `<section class="page" id="${own}">${styles}${article.innerHTML}</section>`;
}"""
# All articles as one. Solutions go to the end, each under its chapter; what is folded stands open.
JOIN = """([sections, leftOut, style]) => {
  document.body.innerHTML = `<article class="bd-article">${sections.join('')}</article>`;
  document.documentElement.dataset.theme = 'light';
  const article = document.querySelector('article'), solutions = document.createElement('section');
  solutions.className = 'page';
  solutions.innerHTML = '<h1>Solutions</h1>';
  article.querySelectorAll('section.page').forEach(page => {
    const found = [...page.querySelectorAll('.solution')];
    if (!found.length) return;
    const head = document.createElement('h2');
    head.textContent = page.querySelector('h1').textContent.replace(/#$/, '');
    found.forEach(one => one.classList.remove('dropdown', 'toggle', 'toggle-hidden'));
    solutions.append(head, ...found);
  });
  if (solutions.children.length > 1) article.append(solutions);
  article.querySelectorAll(leftOut).forEach(one => one.remove());
  article.querySelectorAll('details').forEach(one => { one.open = true; });
  article.querySelectorAll('img').forEach(one => { one.loading = 'eager'; });
  document.head.append(Object.assign(document.createElement('style'), {textContent: style}));
}"""
MATHS = "async () => { if (window.MathJax && window.MathJax.startup) await window.MathJax.startup.promise; }"
SHOWN = "() => [...document.images].every(one => one.complete)"


def stand_still(folder: Path) -> None:
    """Let each GIF below a folder show its last frame, which has the whole picture, and that only: paper shows the first."""
    from PIL import Image

    for path in sorted(folder.rglob("*.gif")):
        with Image.open(path) as film:
            film.seek(film.n_frames - 1)
            last = film.convert("RGB")
        write_atomically(path, lambda to, last=last: last.save(to, format="GIF"))


def join(tab, pages: Sequence[Path]) -> None:
    """Let a browser's tab (Playwright's) show what paper takes of pages of the book, one after the other."""
    sections, places = [], [page.resolve().as_uri() for page in pages]
    tab.set_default_timeout(LONGEST)
    tab.route("**/*", _without("script", "image", "media", "font"))  # menus, search, models that draw: most of what a page loads
    for number, place in enumerate(places):
        tab.goto(place, wait_until="load")
        tab.evaluate(MATHS)
        sections.append(tab.evaluate(COLLECT, [number, places]))
    tab.unroute("**/*")
    tab.route("**/*", _without("script"))
    tab.goto(places[0], wait_until="load")
    tab.evaluate(JOIN, [sections, LEFT_OUT, STYLE])
    tab.wait_for_function(SHOWN)


def _without(*kinds: str):
    # What a tab does with each request: some kinds of files are left out, but for what sets formulas.
    def decide(route) -> None:
        left_out = route.request.resource_type in kinds and "/mathjax/" not in route.request.url
        route.abort() if left_out else route.continue_()

    return decide


def printed(browser, pages: Sequence[Path]) -> bytes:
    """Pages of the book, in their order, as one PDF on A4 with page numbers and an outline; `browser`: Playwright's."""
    tab = browser.new_page(reduced_motion="reduce", bypass_csp=True)  # the pages' policy lets nobody wait for what a text says
    join(tab, pages)
    how = dict(format="A4", scale=SCALE, margin=MARGINS, display_header_footer=True, header_template=HEAD, footer_template=FOOT)
    pdf = tab.pdf(**how, print_background=True, outline=True, tagged=True)
    tab.close()
    return pdf


def make_pdf(html: Path, names: Sequence[str], to: Path) -> None:
    """Print those pages of a built book that `names` lists in their order; raises `DataError` for a missing one, and without Chromium."""
    with needing("test"):
        from playwright.sync_api import sync_playwright
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if not found:
        raise DataError("no Chromium was found, which prints the book: apt-get install chromium")
    if missing := [name for name in names if not (html / f"{name}.html").is_file()]:
        raise DataError(f"{html} has no page {missing[0]}: build the book first")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        copy = shutil.copytree(html, Path(folder) / "html")  # for its films are changed
        stand_still(copy)
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"])
        pdf = printed(browser, [copy / f"{name}.html" for name in names])
        browser.close()
    write_atomically(to, lambda path: path.write_bytes(pdf))


def show_link(index: Path) -> None:
    """Let the first page show its link to the PDF, which it hides where there is none."""
    text = index.read_text(encoding="utf-8").replace('class="book-pdf" hidden', 'class="book-pdf"')
    write_atomically(index, lambda to: to.write_text(text, encoding="utf-8"))
