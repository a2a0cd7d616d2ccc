"""What the book's pages may do: a content security policy in each, which lets a page load what lies beside it and nothing else.

With it goes what the theme writes into its pages that a policy, or a screen reader, has to object to.
"""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

SCRIPT = re.compile(r"<script(?P<attributes>[^>]*)>(?P<text>.*?)</script>", re.S)
SEARCH = '<button class="btn search-button-field search-button__button pst-js-only" title="Search"'
UNFOLD = '<span class="toctree-toggle" role="presentation">'
MENDED = {  # what the theme writes -> what a page says instead
    ' onclick="toggleFullScreen()"': "",  # book/_static/page.js does what the handlers did
    ' onclick="window.print()"': "",
    f'{SEARCH} aria-label="Search"': SEARCH,  # its text is its name
    'data-mode="light" title="Light"': 'data-mode="light"',  # an icon's; the button has a name
    'data-mode="dark"  title="Dark"': 'data-mode="dark"',
    'data-mode="auto"  title="System Settings"': 'data-mode="auto"',
    '<summary aria-label="Toggle hidden content">': "<summary>",  # of a folded cell, whose words are its name
    '<div role="list" class="citation-list">': '<div class="citation-list">',  # its entries are no items of a list
    f"<summary>{UNFOLD}": f'<summary aria-label="pages below">{UNFOLD}',
}
CHARSET = '<meta charset="utf-8" />'
# `file:`: for some browsers a page that is opened from disk has no origin, so that 'self' is nothing.
# Styles: formulas, icons and the theme set styles on elements as they go, which no list of hashes can name.
# Pictures: a drawing is saved through a data or blob address. connect-src: the search reads the pages that it found, on a server.
RULES = (
    "default-src 'none'",
    "script-src 'self' file:{hashes}",
    "style-src 'self' file: 'unsafe-inline'",
    "img-src 'self' file: data: blob:",
    "font-src 'self' file: data:",
    "connect-src 'self'",
    "form-action 'self' file:",
    "base-uri 'none'",
)


def policy(page: str) -> str:
    """The policy of a page of HTML: scripts beside it, those in it by their hashes; no text becomes code, nothing is from elsewhere."""
    inline = [one["text"] for one in SCRIPT.finditer(page) if not re.search(r"\bsrc=|application/json", one["attributes"])]
    hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in dict.fromkeys(inline)]
    return "; ".join(RULES).format(hashes="".join(f" 'sha256-{one}'" for one in hashes))


def protected(page: str) -> str:
    """A page with its policy before all that it rules, and `MENDED`."""
    for found, instead in MENDED.items():
        page = page.replace(found, instead)
    return page.replace(CHARSET, f'{CHARSET}\n    <meta http-equiv="Content-Security-Policy" content="{policy(page)}">', 1)


def protect(folder: Path) -> None:
    """Give each page of a built book its policy; the theme's own templates among its static files are no pages."""
    for path in sorted(folder.rglob("*.html")):
        if "_static" not in path.relative_to(folder).parts:
            path.write_text(protected(path.read_text(encoding="utf-8")), encoding="utf-8")
