"""What a page may do: its policy stands before all that it rules, lets its own scripts in by their hashes, and no handler."""

import base64
import hashlib
import re

from sketchlib.report import policy

OWN, STUDY = "let own = 1 < 2;", "\n// one\n"
PAGE = f"""<html><head>
    <meta charset="utf-8" />
    <script>{OWN}</script><script src="a.js"></script><script type="application/json">{{"a": 1}}</script>
</head><body><button onclick="window.print()" class="a">print</button><script data-x="1">{STUDY}</script></body></html>"""


def hash_of(text):
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def rules_of(page):
    return dict(part.split(" ", 1) for part in re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)[1].split("; "))


def test_a_page_lets_in_what_lies_beside_it_and_its_own_scripts():
    found = policy.protected(PAGE)
    rules = rules_of(found)
    assert rules["default-src"] == rules["base-uri"] == "'none'"
    assert rules["script-src"].split() == ["'self'", "file:", hash_of(OWN), hash_of(STUDY)]
    assert found.index("Content-Security-Policy") < found.index("<script")
    assert "unsafe-eval" not in found and "http:" not in found and "https:" not in found and "*" not in found


def test_the_theme_s_handlers_are_left_out_and_nothing_else_changes():
    found = policy.protected(PAGE)
    meta = re.search(r'\n    <meta http-equiv="Content-Security-Policy"[^>]*>', found)[0]
    assert found.replace(meta, "") == PAGE.replace(' onclick="window.print()"', "")


def test_pages_of_a_folder_are_protected_and_the_theme_s_templates_are_not(tmp_path):
    places = [tmp_path / name for name in ("index.html", "api/one.html", "_static/part.html")]
    for place in places:
        place.parent.mkdir(exist_ok=True)
        place.write_text(PAGE)
    policy.protect(tmp_path)
    assert [one.read_text() == PAGE for one in places] == [False, False, True]
    assert policy.policy(PAGE) in places[1].read_text()
