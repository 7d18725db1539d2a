"""What was made of which results. An item whose record is up to date is not made again.

Beside the results, results/<profile>/paper/<item>.json holds a key (the code of the item and of what saves it, the
registered looks, the facts of the run), digests of the results that the item read and of the files that it became,
and what the report shows. So a changed plot repeats only its plot, and a changed result only the items that read it;
another profile repeats all of them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path

import pandas as pd

from ..base.cache import Step
from ..base.files import digests_of, read_json, write_json
from .items import FigureItem, Table, TableItem
from .looks import registered_looks
from .results import Results

FIGURE, TABLE = Step("figure", FigureItem), Step("table", TableItem)


@dataclass(frozen=True)
class Record:
    """An item as it was made.

    read, files: digests of results and of files in the figures folder, by name; '' where there is no such file.
    columns, rows: a table as printed.
    """

    name: str
    title: str
    caption: str
    key: str
    read: dict[str, str]
    files: dict[str, str]
    columns: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)

    @property
    def view(self) -> pd.DataFrame:
        """A table as printed, all text."""
        return pd.DataFrame(self.rows, columns=self.columns)


def up_to_date(item: FigureItem | TableItem, results: Results, folder: Path) -> tuple[Record, bool]:
    """The record of an item whose files lie in `folder`, and whether it had to be made for that.

    Raises UserError where a result is missing.
    """
    path = results.folder / "paper" / f"{item.name}.json"
    step = FIGURE if isinstance(item, FigureItem) else TABLE
    key = step.key(item.title, registered_looks(), results.run, also=[item.function])
    old = load(path)
    if old and old.key == key and old == with_digests(old, results, folder):
        return old, False
    with results.recording() as read:
        made = item(results)
    files = item.save(made, folder / item.name)  # type: ignore[arg-type]
    view = made.view if isinstance(made, Table) else pd.DataFrame()
    columns, rows = list(map(str, view.columns)), view.astype(str).to_numpy().tolist()
    names = dict.fromkeys(sorted(read), ""), {file.name: "" for file in files}
    record = with_digests(Record(item.name, item.title, made.caption, key, *names, columns, rows), results, folder)
    write_json(path, asdict(record))
    return record, True


def load(path: Path) -> Record | None:
    """The record at `path`; None where there is none that can be read."""
    try:
        return Record(**(read_json(path) or {}))
    except TypeError:
        return None


def with_digests(record: Record, results: Results, folder: Path) -> Record:
    """The record with the digests that its files have now."""
    memory = results.folder / "paper"
    read = digests_of([results.folder / name for name in record.read], memory)
    files = digests_of([folder / name for name in record.files], memory)
    return Record(
        **vars(record)
        | {"read": dict(zip(record.read, read.values())), "files": dict(zip(record.files, files.values()))}
    )
