"""The router: class name to the model that draws it. Chapter 6."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from torch import nn

from ..arguments import checked
from ..errors import DataError, known


class Router:
    """Class name to the model that draws it; a model is loaded when it is first asked for. Chapter 6.

    `models`: class name -> a model, or the path of its file, which `read` then loads.
    """

    def __init__(self, models: Mapping[str, nn.Module | Path | str], read: Callable[[Path], nn.Module] | None = None):
        self._models, self._read = dict(models), read
        self.classes = tuple(self._models)

    @checked
    def for_class(self, name: str) -> nn.Module:
        """The model of a class, also as `router[name]`; raises `DataError` naming the nearest classes for an unknown one."""
        found = self._models[known(name, self.classes)]
        if not isinstance(found, nn.Module):
            found = self._models[name] = self._read(Path(found))
        return found

    __getitem__ = for_class

    def for_new_class(self, word: str) -> nn.Module:
        """Raises `DataError`: a new model begins as one other."""
        raise DataError(f"a router is a model for each class, and a model of {word!r} begins as one: give one of them, or 'single'")

    @property
    def loaded(self) -> tuple[str, ...]:
        """The classes whose model is in memory."""
        return tuple(name for name, model in self._models.items() if isinstance(model, nn.Module))
