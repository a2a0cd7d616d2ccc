"""Exercises check themselves: open ones stop nothing, right answers pass, wrong ones fail with their hint, in every chapter."""

import ast
import json
import re

import numpy as np
import pytest
import torch

from sketchlib.errors import DataError
from sketchlib.files import PROJECT
from sketchlib.report.exercises import WrongAnswer, check

NOTEBOOKS = sorted((PROJECT / "notebooks").glob("*.ipynb"))
EXERCISE = "from sketchlib.report.exercises import check"

# A mistake that a reader of each chapter is likely to make, and words of the hint that it earns.
MISTAKES = {
    "01_strokes": ("def pen_places(rows, start):\n    return start + rows[:, :2]", "start comes first"),
    "02_preprocessing": (
        "def two_masks(lengths, n_steps):\n    mask = np.arange(n_steps) < lengths[:, None]\n    return mask, mask",
        "an end row",
    ),
    "03_mixture_density": ("def log_mixture(a, b):\n    return np.log((np.exp(a) * np.exp(b)).sum())", "largest a_j out"),
    "04_single_model": (
        "def pen_loss(q, states, lengths):\n    return -np.log(np.take_along_axis(q, states[..., None], 2)).sum() / lengths.sum()",
        "padding",
    ),
    "05_vae": ("def code_price(mu, s):\n    return -0.5 * (1 + s - mu**2 - np.exp(s)).sum()", "Divide by N_z"),
    "06_router": ("def likeliest(nats, scales, n_points):\n    return min(nats, key=nats.get)", "2 log s"),
    "07_sampling": ("def at_temperature(pi, sigma, tau):\n    return np.append(pi, sigma * tau)", "variance"),
    "08_evaluation": (
        "def read_as(asked, read, n):\n    counts = np.zeros((n, n))\n    np.add.at(counts, (asked, read), 1)\n"
        "    return counts / len(asked)",
        "A row sums to one",
    ),
    "08c_likelihood": (
        "def cost_of(log_p, log_prior, log_q):\n    return -(log_p + log_prior - log_q).mean()",
        "Average the probabilities",
    ),
    "08b_likeness": (
        "def share_inside(real, made, radii):\n    return (np.linalg.norm(made[:, None] - real, axis=2) <= radii).all(1).mean()",
        "One ball is enough",
    ),
    "09_several_sketches_1": ("def lines_at(t, n, counts):\n    return [t * count // n for count in counts]", "Round up"),
    "10_several_sketches_2": ("def overlap(a, b):\n    return a[0] < b[2] and b[0] < a[2]", "along x and along y"),
    "11_scaling": ("def operations(h, e, m, n):\n    return 6 * (4 * h * (5 + e + h) + 8 * h + h * (6 * m + 3)) * n", "biases"),
    "12_claims": (
        "def number_of_cuts(losses, patience):\n    return int(sum(loss > losses[0] for loss in losses) > patience)",
        "new best sets",
    ),
    "15_finish_my_drawing": ("def chances(nats):\n    return np.exp(nats) / np.exp(nats).sum()", "costs less"),
    "16_your_own_drawings": (
        "def copied(distances, honest, quantile):\n    return np.mean(distances <= np.quantile(distances, quantile))",
        "drawings held out",
    ),
    "13_which_architecture": (
        "def who_is_ahead(a, b):\n    apart, error = np.mean(b) - np.mean(a), np.sqrt((np.var(a) + np.var(b)) / len(a))\n"
        "    return 'neither' if abs(apart) <= 1.96 * error else 'first' if apart > 0 else 'second'",
        "drawing by drawing",
    ),
    "13b_attention": (
        "def attend(q, k, v):\n    shares = np.exp(q @ k.T / np.sqrt(q.shape[1]))\n    return shares / shares.sum(1, keepdims=True) @ v",
        "later rows get no share",
    ),
    "14_gallery": ("def at_least(m, n, p):\n    return comb(n, m) * p**m * (1 - p) ** (n - m)", "None or more"),
}


def double(answer):
    check(answer, [((1,), 2, "twice"), ((2,), 4, "once more")])


def test_an_exercise_that_nobody_answered_stops_nothing(capsys):
    def twice(value): ...

    double(twice)
    assert capsys.readouterr().out.startswith("Not answered yet: twice returns nothing.")


def test_a_right_answer_is_called_right(capsys):
    double(lambda value: 2.0 * value)
    assert capsys.readouterr().out == "Right: <lambda> passes its check.\n"


def test_a_wrong_answer_fails_with_the_hint_of_the_case_that_it_fails():
    with pytest.raises(WrongAnswer, match=r"^Given\n2\n<lambda> returned\n3\nwhere this was expected:\n4\nHint: once more"):
        double(lambda value: value + 1)


@pytest.mark.parametrize(
    ("found", "expected", "agree"),
    [(np.ones(2), [1.0, 1.0], True), (np.ones(2), np.ones(3), False), (torch.ones(2), np.ones(2), True), (1 + 1e-9, 1, True)]
    + [
        (torch.ones(2, requires_grad=True), np.ones(2), False),
        (1.01, 1, False),
        (float("nan"), 1, False),
        (np.ones((1, 2)), np.ones(2), False),
    ]
    + [("cat", "cat", True), ("cat", "sun", False), ("1", 1, False), (np.bool_(True), True, True), ([[1], [1, 2]], [[1], [1, 2]], True)]
    + [({"a": 1}, {"a": 1}, True), ((np.eye(2), np.eye(2)), (np.eye(2), np.eye(2)), True), (np.inf, np.inf, True)],
)
def test_what_agrees(found, expected, agree):
    if agree:
        return check(lambda: found, [((), expected, "hint")])
    with pytest.raises(WrongAnswer):
        check(lambda: found, [((), expected, "hint")])


def test_an_answer_that_spoils_what_it_is_given_spoils_no_other_cell():
    given = np.ones(3)

    def spoil(values):
        values += 1
        return values

    check(spoil, [((given,), np.full(3, 2), "")])
    assert given.tolist() == [1, 1, 1]


def test_a_check_without_cases_is_refused():
    with pytest.raises(DataError, match="no cases"):
        check(abs, [])


def test_jupyterlab_shows_the_hint_and_none_of_the_checks_lines():
    assert WrongAnswer("Hint: once more")._render_traceback_() == ["Not yet right. Hint: once more"]


def exercises_of(path):
    """(exercise cell, solution cell) of each exercise of a notebook that checks itself, as code."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    for place, cell in enumerate(cells):
        if cell["cell_type"] == "code" and EXERCISE in "".join(cell["source"]):
            asked, told, solution = cells[place - 1], cells[place + 1], cells[place + 2]
            assert "{exercise}" in "".join(asked["source"]) and "{solution}" in "".join(told["source"])
            assert ":class: dropdown" in "".join(told["source"]) and solution["metadata"]["tags"] == ["hide-cell"]
            yield "".join(cell["source"]), "".join(solution["source"])


def ends_of(code):
    """A cell of an exercise: what stands before its last line, which checks, and that line."""
    before, _, last = code.rpartition("\n")
    assert last.startswith("check(")
    return before, last


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_chapter_has_an_exercise_that_checks_itself_and_its_solution_is_right(path, capsys):
    found = list(exercises_of(path))
    assert found
    for exercise, solution in found:
        names = {}
        exec(exercise, names)
        assert capsys.readouterr().out.startswith("Not answered yet")
        exec(solution, names)
        assert capsys.readouterr().out.startswith("Right") and ends_of(solution)[1] == ends_of(exercise)[1]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_likely_mistake_fails_with_a_hint_that_helps(path):
    (exercise, _), *_ = exercises_of(path)
    before, last = ends_of(exercise)
    mistake, hint = MISTAKES[path.stem]
    with pytest.raises(WrongAnswer, match=hint):
        exec("\n".join([before, mistake, last]), {})


def stored(code):
    """The variables and functions that a cell binds."""
    nodes = list(ast.walk(ast.parse(code)))
    bound = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    return bound | {node.name for node in nodes if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_an_exercise_binds_no_name_of_another_cell(path):
    """Else a cell above could not be run again after it."""
    pairs = list(exercises_of(path))
    sources = ["".join(cell["source"]) for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]
    others = set().union(*(stored(one) for one in sources if one not in sum(pairs, ())))
    assert not set().union(*(stored(exercise) for exercise, _ in pairs)) & others


def test_the_example_for_teachers_is_an_exercise_that_is_not_answered_yet(capsys):
    (example,) = re.findall(r"```python\n(.*?)```", (PROJECT / "book" / "teachers.md").read_text(encoding="utf-8"), re.S)
    exec(example, {})
    assert capsys.readouterr().out.startswith("Not answered yet: number_of_lifts")
