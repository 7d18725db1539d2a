"""What a worker of a cluster does: it checks that it may work for a run, opens the run's study once, and does tasks."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from platform import python_version
from threading import Lock

import torch

from ..base.code import code
from ..base.errors import UserError
from ..base.files import digest, digest_of
from ..base.graph import DATA_SUFFIXES
from ..base.paths import data_dir
from ..base.tensors import read_tensors, save_tensors
from ..study import Study, open_study
from ..vision.load import check_device
from .tasks import Task

STARTED = "clipaction-started"  # the topic under which workers tell which task they begin
LIBRARIES = ("torch", "torchvision", "open_clip_torch", "timm", "numpy", "scipy", "scikit-learn", "pandas", "av")


@dataclass(frozen=True)
class Terms:
    """What a worker is told: the run, and what it must have in common with the machine that asks.

    overrides: with the device and precision of that machine. environment: CLIPACTION_...; folders are absolute.
    versions: see `versions`. file: in the results folder; it holds the class prototypes, which are in every key, as
    that machine computed them. frames: the frame store's folder."""

    profile: str
    overrides: dict
    environment: dict[str, str]
    versions: dict[str, str]
    file: Path
    frames: Path


@contextmanager
def agreed(study: Study, profile: str, overrides: dict) -> Iterator[Terms]:
    """The terms of a run whose study is `study`; their file is there until the block ends."""
    for source_only in (True, False):
        study.head(source_only)
    file = study.results / f".cluster-{secrets.token_hex(8)}.safetensors"
    tensors = {str(number): head for number, head in enumerate(study._heads.values())}
    save_tensors(file, tensors, sentences=json.dumps(list(study._heads)))
    folders = {"CLIPACTION_RESULTS": str(study.results.parent), "CLIPACTION_DATA": str(data_dir())}
    environment = {name: value for name, value in os.environ.items() if name == "CLIPACTION_CHECKPOINT"} | folders
    precision = {torch.float32: "fp32", torch.float16: "fp16", torch.bfloat16: "bf16"}[study.clip.dtype]
    model = {"model.device": study.clip.device.type, "model.precision": precision}
    try:
        yield Terms(profile, overrides | model, environment, versions(), file, study.store.folder)
    finally:
        file.unlink(missing_ok=True)


@cache
def versions() -> dict[str, str]:
    """What decides whether two machines compute the same: the package's code and data files, Python and libraries."""
    package = code()
    texts = {path.relative_to(package.folder).as_posix(): text for path, text in package.texts.items()}
    files = [path for path in package.folder.rglob("*") if path.suffix in DATA_SUFFIXES]
    data = {path.relative_to(package.folder).as_posix(): digest_of(path) for path in files}
    own = {"clipaction": digest(texts, data)[:12], "Python": python_version()}
    return own | {name: metadata.version(name) for name in LIBRARIES}


def problem(terms: Terms) -> str:
    """Why this process cannot work under these terms, and what to do; '' where it can."""
    for name, there in terms.versions.items():
        if (here := versions().get(name)) != there:
            return f"it has {name} {here}, not {there} as this machine; install the same there and start it again"
    for path in (terms.file, terms.frames):
        if not path.exists():
            return (
                f"it does not see {path.parent}; let all machines share that folder under the same path, or move "
                "it with CLIPACTION_RESULTS and CLIPACTION_DATA"
            )
    device = terms.overrides["model.device"]
    try:
        check_device(device)
    except UserError:
        return f"it has no {device} free, on which this machine computes; give it one, or add --set model.device=cpu"
    return ""


def perform(terms: Terms, task: Task) -> None:
    """Does a task under these terms, on a CPU in one thread. Raises UserError where this process cannot."""
    if told := problem(terms):
        raise UserError(told)
    if terms.overrides["model.device"] == "cpu":
        torch.set_num_threads(1)  # as `base.parallel` computes; other tasks are on other cores
    task.run(study_of(terms))


def begin(terms: Terms, task: Task) -> None:
    """In a worker of Dask: tells that it begins with a task, and does it."""
    from distributed import get_worker

    worker = get_worker()
    worker.log_event(STARTED, task.title)
    try:
        perform(terms, task)
    except UserError as error:
        raise UserError(f"worker {worker.address}: {error}") from None


LOCK = Lock()
_open: dict[str, Study] = {}  # the study that was asked for last


def study_of(terms: Terms) -> Study:
    """The study of these terms, opened when it is asked for first, with the class prototypes of the terms' file."""
    name = digest(terms.profile, terms.overrides, terms.environment, terms.frames)
    with LOCK:
        if name not in _open:
            os.environ.update(terms.environment)
            study = open_study(terms.profile, terms.overrides)
            if study.store.folder != terms.frames:
                raise UserError(f"its frames are {study.store.folder}, not {terms.frames}; give it the same videos")
            tensors, facts = read_tensors(terms.file)
            for number, (phrases, templates) in enumerate(json.loads(facts["sentences"])):
                study._heads[tuple(phrases), tuple(templates)] = tensors[str(number)].to(study.clip.device)
            _open.clear()
            _open[name] = study
        return _open[name]
