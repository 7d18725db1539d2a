"""The official lists of UCF-101's three splits, and whether our splits by group agree with them."""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
from pathlib import Path

import pandas as pd
import requests

from ...base.errors import UserError
from .failures import TIMEOUT, as_user_error, retrying
from .names import SHOWN

SPLITS_URL = "https://www.crcv.ucf.edu/data/UCF101/UCF101TrainTestSplits-RecognitionTask.zip"
SPLITS_SHA256 = "5c0d1a53b8ed364a2ac830a73f405e51bece7d98ce1254fd19ed4a36b224bd27"


def official_lists() -> dict[int, dict[str, set[str]]]:
    """{1: {'train': {clip names}, 'test': {...}}, 2: ..., 3: ...} from the official archive (114 kB).

    UCF101_SPLITS_URL names another copy of it. Raises UserError when it cannot be fetched or its checksum is wrong.
    """
    url = os.environ.get("UCF101_SPLITS_URL") or SPLITS_URL
    with as_user_error(url):
        for attempt in retrying(3):
            with attempt:
                answer = requests.get(url, timeout=TIMEOUT)
                answer.raise_for_status()
        if hashlib.sha256(answer.content).hexdigest() != SPLITS_SHA256:
            raise zipfile.BadZipFile("not the official lists")
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            members = {Path(name).name: name for name in archive.namelist()}

            def read(name: str) -> set[str]:
                lines = archive.read(members[name]).decode().splitlines()
                return {Path(line.split()[0]).stem for line in lines if line.strip()}

            return {k: {split: read(f"{split}list{k:02d}.txt") for split in ("train", "test")} for k in (1, 2, 3)}


def compare_with_lists(table: pd.DataFrame, split: int) -> str:
    """One line: are these clips (columns id, split) in the sets that the official lists say? Fetches the lists."""
    try:
        lists = official_lists()[split]
    except UserError as error:
        return f"the official lists were not compared: {error}"
    testing = table["split"] == "test"
    wrong = sorted(set(table["id"][testing]) - lists["test"]) + sorted(set(table["id"][~testing]) - lists["train"])
    if wrong:
        few = ", ".join(wrong[:SHOWN])
        return f"{len(wrong)} of {len(table)} clips differ from the official split {split}: {few}"
    return f"all {len(table)} clips are where the official lists of split {split} have them"
