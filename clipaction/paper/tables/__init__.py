"""Tables, one file each. A module in this folder is found by itself; a table is a function decorated with @table."""

from importlib import import_module
from pkgutil import iter_modules

from ..items import TABLES, Table, table

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")

__all__ = ["TABLES", "Table", "table"]
