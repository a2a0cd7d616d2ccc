"""What the book's pages may do: a content security policy in each, which lets a page load what lies beside it and nothing else."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

SCRIPT = re.compile(r"<script(?P<attributes>[^>]*)>(?P<text>.*?)</script>", re.S)
HANDLERS = (' onclick="toggleFullScreen()"', ' onclick="window.print()"')  # the theme's; book/_static/page.js does what they did
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
    """The policy of a page of HTML: scripts beside it, and the scripts in it, by their hashes; nothing from text, nothing from elsewhere."""
    inline = [one["text"] for one in SCRIPT.finditer(page) if not re.search(r"\bsrc=|application/json", one["attributes"])]
    hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in dict.fromkeys(inline)]
    return "; ".join(RULES).format(hashes="".join(f" 'sha256-{one}'" for one in hashes))


def protected(page: str) -> str:
    """A page with its policy before all that it rules, and without the theme's handlers, which a policy could only let in unsafely."""
    for handler in HANDLERS:
        page = page.replace(handler, "")
    return page.replace(CHARSET, f'{CHARSET}\n    <meta http-equiv="Content-Security-Policy" content="{policy(page)}">', 1)


def protect(folder: Path) -> None:
    """Give each page of a built book its policy; the theme's own templates among its static files are no pages."""
    for path in sorted(folder.rglob("*.html")):
        if "_static" not in path.relative_to(folder).parts:
            path.write_text(protected(path.read_text(encoding="utf-8")), encoding="utf-8")
