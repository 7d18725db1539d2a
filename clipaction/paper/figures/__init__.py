"""Figures, one file each. A module in this folder is found by itself; a figure is a function decorated with @figure."""

from importlib import import_module
from pkgutil import iter_modules

from ..items import FIGURES, Drawn, figure

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")

__all__ = ["FIGURES", "Drawn", "figure"]
