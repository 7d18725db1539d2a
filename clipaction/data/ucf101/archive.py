"""The whole zip of UCF-101's videos: fetched, continued where it stopped, and verified by its checksum."""

from __future__ import annotations

import hashlib
import os
import time
import zipfile
from pathlib import Path
from urllib.parse import urlsplit

import requests
from tqdm.auto import tqdm

from ...base.errors import UserError
from ...base.files import digests_of
from ...base.paths import data_dir
from .failures import (
    ATTEMPTS,
    OWN_COPY,
    TIMEOUT,
    as_user_error,
    check_space,
    is_temporary_failure,
    progress_bar,
    reason,
)
from .members import CHUNK


def fetch_archive(url: str, path: Path, sha256: str) -> Path:
    """The whole file at `path`, fetched unless it is there; a killed or cut transfer goes on from its last byte.

    Raises UserError when the server does not answer, the disk is too small, or the bytes are not those of `sha256`
    (they are then deleted).
    """
    if path.exists():
        if digests_of([path], data_dir(), file_hash)[path] == sha256:
            return path
        print(f"{path} is damaged; it is fetched again", flush=True)
        path.unlink()
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")  # not base.files.replacing: a killed transfer has to be found again
    with as_user_error(url), requests.Session() as session:
        attempts, reached = 0, -1
        while True:
            have = size_of(part)
            attempts, reached = (attempts + 1, reached) if have <= reached else (0, have)
            try:
                if transfer(session, url, part):
                    break
            except Exception as error:
                if not is_temporary_failure(error) or attempts >= ATTEMPTS:
                    raise
                tqdm.write(f"{reason(error)}; going on from {size_of(part) / 1e6:.0f} MB")
                time.sleep(min(20, 0.5 * 2**attempts))
    found = file_hash(part)
    if found != sha256:
        part.unlink()
        wrong = f"what {url} sent has sha256 {found[:12]}..., not {sha256[:12]}...; it is deleted"
        raise UserError(f"{wrong}: try again, set UCF101_URL to a mirror, {OWN_COPY}")
    os.replace(part, path)
    return path


def transfer(session: requests.Session, url: str, part: Path) -> bool:
    """Append to `part` what is missing of the file at url; True when it is whole.

    Where the server knows no ranges, the transfer starts anew.
    """
    have = size_of(part)
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with session.get(url, stream=True, headers=headers, timeout=TIMEOUT) as answer:
        if (
            answer.status_code == 416
        ):  # nothing lies beyond what we have: whole, or another file; the checksum will tell
            return True
        answer.raise_for_status()
        if "text/html" in answer.headers.get("Content-Type", ""):
            raise zipfile.BadZipFile("an HTML page")
        resumed = answer.status_code == 206
        have = have if resumed else 0
        total = have + int(answer.headers["Content-Length"]) if "Content-Length" in answer.headers else None
        check_space(part.parent, (total or have) - have)
        what = f"fetching {urlsplit(url).path.rsplit('/', 1)[-1]}"
        with open(part, "ab" if resumed else "wb") as target, progress_bar(total, what, have) as bar:
            for chunk in answer.iter_content(CHUNK):
                target.write(chunk)
                bar.update(len(chunk))
        if total is not None and size_of(part) < total:
            raise EOFError("the connection ended early")
    return True


def size_of(path: Path) -> int:
    """Bytes of a file; 0 where there is none."""
    return path.stat().st_size if path.exists() else 0


def file_hash(path: Path) -> str:
    """SHA-256 of a file in hex, with a progress bar."""
    digest = hashlib.sha256()
    with open(path, "rb") as file, progress_bar(path.stat().st_size, "checking sha256") as bar:
        while chunk := file.read(1 << 22):
            digest.update(chunk)
            bar.update(len(chunk))
    return digest.hexdigest()
