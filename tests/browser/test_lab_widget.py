"""The paper in a real JupyterLab: a model in memory draws, the reader's strokes come to Python, and Python's to the paper."""

import json

import pytest
from lab import lab_server, open_notebook, run_cell

from sketchlib.files import PROJECT

CELLS = [
    "import torch\nfrom sketchlib.models.single import ConditionalDecoder\nfrom sketchlib.pictures import widget\n"
    "torch.manual_seed(0)\nmodel = ConditionalDecoder(['cat', 'sun'], 30, 20.0, 12, 4, 3).eval()\npaper = widget.panel(model)\npaper",
    "drawing = paper.drawing\n'drawn', type(drawing).__name__, len(drawing.strokes), drawing.n_points > 2",
    "paper.strokes = [[[10, 10], [60, 200], [200, 30]], [[5, 5], [9, 9]]]\n'given', len(paper.drawing.strokes)",
    "'completed', paper.word, paper.completed.n_points > 5",
]
WAIT = 180_000
pytestmark = pytest.mark.slow


def notebook(cells):
    code = dict(cell_type="code", execution_count=None, metadata={}, outputs=[])
    kernel = dict(name="python3", display_name="Python 3", language="python")
    return dict(cells=[{**code, "source": one, "id": f"cell-{i}"} for i, one in enumerate(cells)], metadata=dict(kernelspec=kernel)) | dict(
        nbformat=4, nbformat_minor=5
    )


@pytest.fixture(scope="module")
def tab(browser, tmp_path_factory):
    home, folder = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("notebooks")
    (folder / "paper.ipynb").write_text(json.dumps(notebook(CELLS)), encoding="utf-8")
    with lab_server(folder, home, {"PYTHONPATH": str(PROJECT)}) as url:
        tab = browser.new_page(viewport={"width": 1280, "height": 1600})
        tab.set_default_timeout(WAIT)
        open_notebook(tab, url, "paper.ipynb")
        yield tab
        tab.close()


def test_strokes_go_to_python_and_back_and_a_model_in_memory_draws(tab):
    paper = run_cell(tab, 0).locator(".sketchlib svg").first
    paper.wait_for()
    tab.wait_for_function("document.querySelector('.sketchlib .sk-network path')?.getAttribute('d')?.length > 5", timeout=WAIT)
    box = paper.bounding_box()
    tab.mouse.move(box["x"] + 60, box["y"] + 60)
    tab.mouse.down()
    for k in range(1, 9):
        tab.mouse.move(box["x"] + 60 + 20 * k, box["y"] + 60 + 9 * k * (k % 3))
    tab.mouse.up()
    tab.wait_for_timeout(1000)
    assert "('drawn', 'Drawing', 1, True)" in run_cell(tab, 1).locator(".jp-OutputArea").inner_text()
    assert "('given', 2)" in run_cell(tab, 2).locator(".jp-OutputArea").inner_text()
    tab.wait_for_function("document.querySelectorAll('.sketchlib .sk-reader path').length === 1")
    assert tab.locator(".sketchlib .sk-reader path").get_attribute("d").count("M") == 2
    tab.locator(".sketchlib").get_by_label("class").select_option("cat")
    tab.locator(".sketchlib").get_by_role("button", name="Go on").click()
    tab.wait_for_function("document.querySelector('.sketchlib .sk-status').textContent.includes('Done')", timeout=WAIT)
    tab.wait_for_timeout(1000)
    assert "('completed', 'cat', True)" in run_cell(tab, 3).locator(".jp-OutputArea").inner_text()
