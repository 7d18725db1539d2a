"""The clips of a profile: rendered once, on all cores, and found again as long as plan and code are the same."""

from __future__ import annotations

import os
import shutil
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path

import pandas as pd
from tqdm.auto import tqdm

from ..base.alone import alone_in, end_with_parent
from ..base.cache import Step
from ..base.errors import StorageError, UserError
from ..base.files import CONTENT, checked_content, note_content, replacing
from ..base.paths import data_dir
from .plan import Group, plan_clips
from .render import render_group

CLIP_MB_A_FRAME = 0.027  # video, labels and plate on disk: 0.020 to 0.025 measured, and a margin
RENDERING = Step("rendered clips", render_group)


def rendered_clips(profile, workers: int | None = None) -> Path:
    """The folder that holds a profile's rendered clips and their clips.csv; renders what is missing.

    A killed run goes on where it stopped, and a damaged file is rendered again: content.json, which is written last,
    holds the digests of all files. `workers`: processes (default: one a core).
    Raises UserError for an unknown class and when the disk is too full.
    """
    config = profile.dataset
    planned = plan_clips(config, profile.seed)
    folder = data_dir() / f"demo-{rendering_key(planned, config.frames_per_clip)}"
    with alone_in(folder):  # a second run of the same clips waits, then finds them finished
        checked = checked_content(folder, data_dir())
        if checked is None and (note := folder / CONTENT).exists():  # without it, no file can be believed
            print(f"{note} is damaged; all clips are rendered again", flush=True)
            shutil.rmtree(folder)
        damaged = [path for path, sound in (checked or {}).items() if not sound]
        if checked is None or damaged:
            render(planned, config.frames_per_clip, folder, damaged, workers)
    return folder


def render(
    planned: list[tuple[Group, int]], frames: int, folder: Path, damaged: list[Path], workers: int | None
) -> None:
    """Renders the clips that are not in `folder`, and those whose files are damaged; notes the digests of all."""
    for path in damaged:
        print(f"{path} is damaged or missing; it is made again", flush=True)
        path.unlink(missing_ok=True)
    total = sum(clips for _, clips in planned)
    folder.mkdir(parents=True, exist_ok=True)
    absent = total - len(list(folder.rglob("*.avi")))  # a killed run has rendered some
    free, needed = shutil.disk_usage(folder).free / 1e6, absent * frames * CLIP_MB_A_FRAME
    if free < needed:
        sizes = f"{free:.0f} MB free, the demo videos need {needed:.0f} MB"
        raise StorageError(f"{folder} has {sizes}; free some or point CLIPACTION_DATA elsewhere")
    rows: list[dict] = []
    pool = ProcessPoolExecutor(workers or os.cpu_count(), get_context("spawn"), initializer=end_with_parent)
    with pool, tqdm(total=total, unit="clip", desc="rendering the demo clips") as bar:
        jobs = [pool.submit(render_group, group, clips, frames, folder) for group, clips in planned]
        try:
            for job in as_completed(jobs):
                rows += job.result()
                bar.update(len(job.result()))
        except BrokenProcessPool:
            why = "a process that renders was killed, most likely because memory ran out"
            raise UserError(f"{why}; close other programs and run again") from None
    with replacing(folder / "clips.csv") as temporary:
        pd.DataFrame(rows).sort_values("id").to_csv(temporary, index=False)
    clips = (folder / row["id"] for row in rows)
    files = [path.with_name(path.name + kind) for path in clips for kind in (".avi", ".truth.npz")]
    note_content(folder, [folder / "clips.csv", *files], data_dir())


def rendering_key(planned: list[tuple[Group, int]], frames: int) -> str:
    """12 hex digits of the plan, the frames a clip and the code that renders."""
    return RENDERING.key(planned, frames)[:12]
