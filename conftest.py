"""The examples in docstrings write their files into a folder of their own."""

import pytest


@pytest.fixture(autouse=True)
def folder_of_an_example(request):
    if isinstance(request.node, pytest.DoctestItem):
        request.getfixturevalue("monkeypatch").chdir(request.getfixturevalue("tmp_path"))
