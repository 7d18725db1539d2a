"""Every kind of cached file x {a bit flipped, cut to half, empty, gone, another version's}: what is used is what was
used before, and the file is made again."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

from test_ucf101 import hash_of
from web import Site, serving

from clipaction.base.errors import UserError
from clipaction.base.files import CONTENT
from clipaction.base.paths import data_dir
from clipaction.data.ucf101 import names
from clipaction.paper.results import Results
from clipaction.profiles import load_profile
from clipaction.run import deep

from . import Try, fault
from .damage import Kind, damages, flip, spoil
from .kinds import (
    FEW,
    checkpoints,
    clips_of_ucf101,
    detections,
    digests,
    few_results,
    methods,
    motions,
    networks,
    noises,
    notebooks,
    paper,
    pieces,
    rendered,
    stores,
    times,
)


@fault("a cached file has a flipped bit, is cut, empty, gone or another version's")
def cached_files(folder: Path, long: bool) -> Iterator[Try]:
    flips = 20 if long else 1
    learned, found = (pieces, noises, networks, checkpoints), (stores, digests, rendered, detections, motions)
    for make in (*learned, *found, paper, methods, times):
        yield from damages(make(), flips)
    yield from damages(notebooks(folder), flips)


@fault("a fetched clip, or the archive that it came from, is damaged or gone")
def fetched_files(folder: Path, long: bool) -> Iterator[Try]:
    archive = folder / "videos.zip"
    with zipfile.ZipFile(archive, "w") as out:
        for cls in load_profile("ucf101-mini").dataset.classes:
            for group in range(1, 26):
                out.writestr(f"UCF101/v_{names.ALIAS.get(cls, cls)}_g{group:02d}_c01.avi", os.urandom(300))
    with serving(Site({"/videos.zip": archive})) as url:
        where = {"UCF101_URL": f"{url}/videos.zip", "UCF101_SHA256": hash_of(archive)}
        with mock.patch.dict(os.environ, where):
            yield from damages(clips_of_ucf101("clips", "v_*.avi"), 5 if long else 2)
            yield from damages(clips_of_ucf101("clips", "members-*.csv"), 5 if long else 2)
            yield from damages(clips_of_ucf101("clips", "content.json"), 5 if long else 2)
            for file in ("v_*.avi", "members-*.csv"):
                yield from with_their_note(clips_of_ucf101("clips", file))
        with mock.patch.dict(os.environ, {**where, "CLIPACTION_DATA": str(folder / "whole")}):
            kind = clips_of_ucf101("archive", "UCF101_videos.zip")

            def use():  # clips that are there need no archive
                for clip in (data_dir() / "ucf101").glob("v_*.avi"):
                    clip.unlink()
                return kind.use()

            yield from damages(dataclasses.replace(kind, use=use), 5 if long else 2)


def with_their_note(kind: Kind) -> Iterator[Try]:
    """Files and the note of their digests are damaged together."""
    sound = kind.use()
    for file in kind.files():
        for way in ("flip", "half", "zero"):
            spoil(file, way, kind.other)
            spoil(file.with_name(CONTENT), way, kind.other)
            yield f"{kind.name}: {file.name} and its note: {way}", "" if kind.use() == sound else "believed"


@fault("one bit is flipped, and size and time are those of the sound file: verify --deep sees it")
def silent(folder: Path, long: bool) -> Iterator[Try]:
    profile = load_profile("quick", FEW)
    for make in (pieces, noises, networks, checkpoints, stores, rendered, motions, lambda: notebooks(folder)):
        kind = make()
        sound = kind.use()
        for file in kind.files():
            if file.suffix in (
                ".json",
                ".ipynb",
            ):  # records are read in full whenever they are used; copies decide nothing
                continue
            flip(file, 0.6, keep_time=True)
            what = f"{kind.name}: {file.name}"
            said, again = io.StringIO(), io.StringIO()
            with contextlib.redirect_stdout(said):
                code = deep.check_files(profile)
            used = kind.use()
            yield what, "" if used == sound else "the next run does not make it again"
            if code == 0 and file.suffix in (".parquet", ".safetensors"):
                continue  # a bit that decides nothing
            seen = code == 1 and str(file) in said.getvalue()
            yield f"{what}, seen", "" if seen else f"exit {code}: {said.getvalue()}"
            with contextlib.redirect_stdout(again):
                code = deep.check_files(profile)
            yield f"{what}, afterwards", "" if code == 0 else again.getvalue()


@fault("a result is damaged where only the figures are asked for: one line that names it")
def only_figures(folder: Path, long: bool) -> Iterator[Try]:
    top = few_results()
    reads = {
        "run.json": lambda results: results.run,
        "clips.parquet": lambda results: results.table("clips.parquet"),
        "masks/gallery.npz": lambda results: results.arrays("masks/gallery.npz"),
    }
    for name, read in reads.items():
        whole = (top / name).read_bytes()
        for cut in (whole[: len(whole) // 2], b"", b"\x80" + whole):
            (top / name).write_bytes(cut)
            try:
                read(Results(top))
                yield f"{name}: {len(cut)} bytes", "believed"
            except UserError as error:
                one_line = "\n" not in str(error) and str(top / name) in str(error)
                yield f"{name}: {len(cut)} bytes", "" if one_line else str(error)
        (top / name).write_bytes(whole)
