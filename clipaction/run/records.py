"""Which notebooks are finished: one record a notebook, results/<profile>/notebooks/NN.json.

A record holds the notebook's key and the digest of every file that it wrote. The notebook is reused when its key is the
same and its files are as they were written. The key covers everything that decides what it would write: its cells, the
package code that they reach, the profile, the locked versions, the user's own files and the files that earlier
notebooks wrote, all by content. A notebook that was interrupted runs again; the package's own caches spare it most of
the work.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections import Counter
from functools import partial
from pathlib import Path

import nbformat
from IPython.core.inputtransformer2 import TransformerManager

from ..base.code import notebook_digest
from ..base.errors import UserError
from ..base.files import digest, digest_of, digests_of, is_temporary, read_json, write_json
from ..base.paths import PUBLISHED, ROOT, check_name, data_dir, figures_dir, results_dir
from ..masking.regions.boxes import annotation_file
from .whole import is_whole

# Every notebook adds times and facts of the machine to these; they differ in every run and decide nothing.
NOT_COMPARED = {"results/timing.parquet", "results/environment.json", "results/forecast.json"}
LEFT_OVER = re.compile(r"\..+\.[0-9a-f]{8}(\.\w+)?")  # of a writer that was killed (`base.files.replacing`)
# Folders of the results in which only runs write.
OWN_FOLDERS = ("predictions", "noise", "baselines", "doses", "masks", "paper")


def key(profile, book: Path, earlier: list[Path]) -> str:
    """64 hex digits of everything that decides what the notebook writes; `earlier`: the notebooks before it, in
    order."""
    cells = nbformat.read(book, as_version=4).cells
    return digest(
        [[cell.cell_type, cell.source] for cell in cells],
        code_of([cell.source for cell in cells if cell.cell_type == "code"]),
        profile.dump(),
        digest_of(ROOT / "requirements.lock"),
        own_files(profile),
        inputs(profile, earlier),
    )


def code_of(cells: list[str]) -> str:
    """base.code.notebook_digest of code cells that may hold IPython's magic lines; empty when one is not Python
    (running it says so)."""
    transform = TransformerManager().transform_cell
    try:
        return notebook_digest(transform(cell) for cell in cells)
    except SyntaxError:
        return ""


def own_files(profile) -> list[tuple[str, str]]:
    """(path below the one that was named, digest) of the user's own videos, boxes and weights."""
    named = (
        profile.dataset.root,
        annotation_file(profile.regions.boxes) if "boxes" in profile.regions.sources else None,
        profile.model.pretrained if Path(profile.model.pretrained).suffix else None,
        *profile.extensions,
        os.environ.get("CLIPACTION_CHECKPOINT"),
    )
    files: dict[Path, str] = {}
    for top in (Path(name) for name in named if name):
        below = (path for path in sorted(top.rglob("*")) if path.is_file() and not is_temporary(path))
        files |= {path: path.relative_to(top.parent).as_posix() for path in ([top] if top.is_file() else below)}
    digests = digests_of(files, data_dir())
    return [(name, digests[path]) for path, name in files.items()]


def inputs(profile, earlier: list[Path]) -> dict[str, str]:
    """{file: digest} of what earlier notebooks wrote, as each of them wrote it; a file edited since then counts as it
    is now."""
    written: dict[str, str] = {}
    for book in earlier:
        written |= read(profile, book)["outputs"]
    now, last = current(profile, written), last_written(profile)
    return {name: seen if now[name] == last.get(name) else now[name] for name, seen in sorted(written.items())}


def is_current(profile, book: Path, key: str) -> bool:
    """Whether the notebook finished with this key, and its files are as written (by it, or by one that finished
    later). Of those that tell times and machine, whether they are whole."""
    record = read(profile, book)
    executed = read_json(_path(profile, book).with_name(book.name))
    if record["key"] != key or not record["finished"] or executed is None:
        return False
    last = last_written(profile)
    same = all(seen == last[name] for name, seen in current(profile, record["outputs"]).items())
    return same and all(is_whole(_file(profile, name)) for name in record.get("not_compared", ()))


def last_written(profile) -> dict[str, str]:
    """{file: digest} of everything that finished notebooks wrote; where several wrote a file, by the one that finished
    last."""
    records = [_load(path) for path in (results_dir(profile) / "notebooks").glob("[0-9][0-9].json")]
    finished = sorted((record for record in records if record["finished"]), key=lambda record: record["finished"])
    return {name: seen for record in finished for name, seen in record["outputs"].items()}


def noted(profile) -> dict[Path, str]:
    """{file: digest} of everything that finished notebooks wrote, as `last_written`."""
    return {_file(profile, name): seen for name, seen in last_written(profile).items()}


def current(profile, names) -> dict[str, str]:
    """{file: digest} of the files as they are now; '' for one that is missing."""
    files = {_file(profile, name): name for name in names}
    return {files[path]: seen for path, seen in digests_of(files, data_dir()).items()}


def begin(profile, book: Path, key: str) -> None:
    """Notes the files as they are before the notebook runs, so that `finish` can tell which ones it wrote.

    After an interruption the older note stays, so what the interrupted attempt wrote counts, too.
    """
    record = {"before": snapshot(profile), **read(profile, book)}
    began = began_at(profile, book, key) or time.time()
    write_json(_path(profile, book), {**record, "key": key, "finished": None, "began": began})


def began_at(profile, book: Path, key: str) -> float | None:
    """When a notebook that was interrupted was first begun with this key: what it made since then will be reused. None
    for one that is finished or was not begun with this key."""
    record = read(profile, book)
    return record.get("began") if record["key"] == key and not record["finished"] else None


def finish(profile, book: Path, seconds: float) -> None:
    """Completes the record: when the notebook finished, how long it took, and the digests of the files that it
    wrote."""
    record, after = read(profile, book), snapshot(profile)
    before = record.pop("before", {})
    written = [name for name in after if after[name] != before.get(name) or name in record["outputs"]]
    outputs = current(profile, [name for name in written if name not in NOT_COMPARED])
    record |= {"finished": time.time(), "seconds": round(seconds, 1), "outputs": outputs}
    record["not_compared"] = sorted({*record.get("not_compared", ()), *written} & NOT_COMPARED)
    write_json(_path(profile, book), record)


def check_folder(profile) -> None:
    """UserError when the figures of a profile would be written among the published ones."""
    check_name(profile.name)
    if figures_dir(profile).is_relative_to(PUBLISHED):
        raise UserError(f"CLIPACTION_FIGURES leads into {PUBLISHED}, which is published; choose another folder")


def made(profile, books: list[Path], everything: bool) -> list[Path]:
    """The files that these notebooks wrote, with their records; everything: all that runs of the profile left, and
    nothing that the user put beside it, such as changed copies of the notebooks in results/<profile>/lab/."""
    results, figures = results_dir(profile), figures_dir(profile)
    found = {path for book in books for path in (results / "notebooks").glob(f"{book.stem}.*")}
    now = snapshot(profile)
    for book in books:
        record = read(profile, book)
        before = record.get("before", now)  # of a notebook that is not finished
        names = {*record["outputs"], *(name for name in now if now[name] != before.get(name))}
        found |= {_path(profile, book), *(_file(profile, name) for name in names)}
    if everything:
        found |= {path for name in OWN_FOLDERS for path in (results / name).rglob("*")}
        found |= {*map(partial(_file, profile), NOT_COMPARED), *figures.glob("pooled.*")}
        found |= {path for top in (results, figures) for path in top.rglob(".*") if LEFT_OVER.fullmatch(path.name)}
    return sorted(path for path in found if path.is_file())


def forget(profile, books: list[Path], everything: bool) -> None:
    """Deletes what `made` lists, and says so; videos and frames in the data folder stay.

    Raises UserError for a profile whose figures are the published ones.
    """
    check_folder(profile)
    files = made(profile, books, everything)
    print(listed(profile, files), flush=True)
    for path in files:
        path.unlink(missing_ok=True)
    for folder in sorted({path.parent for path in files}, reverse=True):  # those below come first
        with contextlib.suppress(OSError):  # not empty
            folder.rmdir()


def listed(profile, files: list[Path]) -> str:
    """What --fresh deletes, a line a folder, and what it leaves there."""
    lines = []
    for top in (results_dir(profile), figures_dir(profile)):
        names = [path.relative_to(top).parts for path in files if path.is_relative_to(top)]
        below = Counter(parts[0] for parts in names)
        shown = [f"{name}/ ({count})" if (top / name).is_dir() else name for name, count in sorted(below.items())]
        kept = sorted({path.relative_to(top).parts[0] for path in top.rglob("*") if path.is_file()} - set(below))
        stays = f"; kept: {', '.join(kept)}" if kept else ""
        lines.append(f"--fresh deletes {len(names)} files in {top}: {', '.join(shown) or 'none'}{stays}")
    return "\n".join(lines)


def snapshot(profile) -> dict[str, list[int]]:
    """{'results/clips.parquet': [size, time of change in ns], 'figures/...': ...} of the profile's files but executed
    notebooks."""
    files = {}
    for top in ("results", "figures"):
        folder = _file(profile, top)
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not is_temporary(path) and not path.is_relative_to(folder / "notebooks"):
                stat = path.stat()
                files[f"{top}/{path.relative_to(folder).as_posix()}"] = [stat.st_size, stat.st_mtime_ns]
    return files


def read(profile, book: Path) -> dict:
    """A notebook's record: 'key', 'finished' (time or None), 'outputs' ({file: digest}); an empty one where there is
    none."""
    return _load(_path(profile, book))


def _load(path: Path) -> dict:
    return {"key": "", "finished": None, "outputs": {}} | (read_json(path) or {})


def _file(profile, name: str) -> Path:
    top, _, rest = name.partition("/")
    return {"results": results_dir, "figures": figures_dir}[top](profile) / rest


def _path(profile, book: Path) -> Path:
    return results_dir(profile) / "notebooks" / f"{book.name[:2]}.json"
