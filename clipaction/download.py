"""Fetch UCF-101 verified: a few clips out of the remote zip by range requests, or the whole zip, resumed where it stopped.

Certificates are always checked; a proxy or a private certificate is configured by requests' own variables (HTTPS_PROXY,
REQUESTS_CA_BUNDLE). Every file is written aside and renamed once it is whole and its checksum agrees. UCF101_URL names a mirror,
UCF101_SPLITS_URL another copy of the official lists; UCF101_SHA256 is the checksum of a zip that is not the original.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import re
import shutil
import ssl
import time
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pandas as pd
import requests
import urllib3
from remotezip import RangeNotSupported, RemoteIOError, RemoteZip, RemoteZipError
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential
from tqdm.auto import tqdm

from .errors import UserError

VIDEOS_URL = "https://storage.googleapis.com/thumos14_files/UCF101_videos.zip"
VIDEOS_SHA256 = "dabf56f573cd19c79e096563529fec8126a2a34e18e10c72eb621dd687532b0d"
SPLITS_URL = "https://www.crcv.ucf.edu/data/UCF101/UCF101TrainTestSplits-RecognitionTask.zip"
SPLITS_SHA256 = "5c0d1a53b8ed364a2ac830a73f405e51bece7d98ce1254fd19ed4a36b224bd27"
MEMBER = re.compile(r"v_[A-Za-z]+_g\d\d_c\d\d\.avi")  # the only names that are ever taken out of an archive, without their folders
OWN_COPY = "or give your own copy with --profile ucf101 --data DIR"
TIMEOUT = (10, 60)  # seconds to connect, and between bytes
ATTEMPTS = 6  # without a byte of progress
CHUNK = 1 << 18


def videos_url() -> str:
    return os.environ.get("UCF101_URL") or VIDEOS_URL


def videos_sha256() -> str:
    return os.environ.get("UCF101_SHA256") or VIDEOS_SHA256


def passing(error: BaseException) -> bool:
    """Is it worth trying again: a cut connection, a timeout, a server's passing trouble, bytes that arrived broken?"""
    if isinstance(error, RemoteIOError) and error.__context__ is not None:
        return passing(error.__context__)
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return error.response.status_code in (408, 429, 500, 502, 503, 504)
    if isinstance(error, requests.exceptions.SSLError):
        return False
    cut = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError, urllib3.exceptions.HTTPError, EOFError, zlib.error, ConnectionError)
    return isinstance(error, cut) or (isinstance(error, zipfile.BadZipFile) and "CRC" in str(error))


def retrying(attempts: int = ATTEMPTS) -> Retrying:
    return Retrying(retry=retry_if_exception(passing), stop=stop_after_attempt(attempts), wait=wait_exponential(0.5, max=20), reraise=True)


@contextlib.contextmanager
def one_line(url: str) -> Iterator[None]:
    """Turn what a download can die of into one UserError that names the address and the remedy."""
    host = urlsplit(url).netloc or url
    try:
        yield
    except RangeNotSupported:
        raise UserError(f"{host} does not answer range requests, so single clips cannot be fetched; take the whole archive (--profile ucf101), {OWN_COPY}") from None
    except zipfile.BadZipFile as error:
        raise UserError(f"what {url} sent is no sound zip file ({error}; a proxy's page?); check the address, {OWN_COPY}") from None
    except (requests.RequestException, urllib3.exceptions.HTTPError, RemoteZipError, EOFError, zlib.error, ConnectionError) as error:
        raise UserError(f"cannot fetch {url}: {_reason(error)}; {_remedy(error)}, {OWN_COPY}") from None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        inner = [a for a in error.args if isinstance(a, BaseException)] + [getattr(error, "reason", None)]
        error = next((e for e in inner if isinstance(e, BaseException)), error.__context__)


def _reason(error: BaseException) -> str:
    causes = list(_chain(error))
    answered = next((e.response for e in causes if isinstance(e, requests.HTTPError) and e.response is not None), None)
    if answered is not None:
        return f"the server answered {answered.status_code} {answered.reason}"
    if any(isinstance(e, (ssl.SSLError, requests.exceptions.SSLError)) for e in causes):
        return "its certificate is not trusted"
    if any(isinstance(e, (requests.Timeout, TimeoutError)) for e in causes):
        return "no answer in time"
    return re.sub(r"<[^>]*>:? ?", "", str(causes[-1])).splitlines()[0][:120] or type(causes[-1]).__name__


def _remedy(error: BaseException) -> str:
    if "certificate" in _reason(error):
        return "name your organisation's certificates with REQUESTS_CA_BUNDLE"
    return "check the network (HTTPS_PROXY for a proxy) and run again to go on, set UCF101_URL to a mirror"


# --- single clips ---------------------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def remote(url: str) -> Iterator[RemoteZip]:
    """A remote zip opened for reading by range requests; what goes wrong inside becomes one line."""
    with one_line(url), requests.Session() as session:
        for attempt in retrying():
            with attempt:
                archive = RemoteZip(url, session=session, timeout=TIMEOUT)
        with archive:
            yield archive


def members_of(archive: zipfile.ZipFile, where: object) -> pd.DataFrame:
    """The clips a zip holds: name (without folder), member, size, crc. UserError when there are none."""
    rows = [(Path(info.filename).name, info.filename, info.file_size, info.CRC) for info in archive.infolist() if MEMBER.fullmatch(Path(info.filename).name)]
    if not rows:
        raise UserError(f"{where} holds no UCF-101 clips (v_<Class>_g<group>_c<clip>.avi); check that it is the videos' archive")
    return pd.DataFrame(rows, columns=["name", "member", "size", "crc"]).drop_duplicates("name").sort_values("name", ignore_index=True)


def fetch_members(archive: zipfile.ZipFile, members: pd.DataFrame, folder: Path, what: str = "fetching clips") -> None:
    """Take these clips (rows of `members_of`) out of a zip, remote or on disk, into `folder`; those there with the right size stay.

    zipfile checks each one's CRC on reading; a transfer that breaks is tried again.
    """
    todo = missing(members, folder)
    check_space(folder, int(todo["size"].sum()))
    with bar(todo["size"].sum(), what) as progress:
        for row in todo.itertuples():
            for attempt in retrying():
                with attempt:
                    before = progress.n
                    try:
                        _extract(archive, row, folder, progress)
                    except BaseException:
                        progress.update(before - progress.n)
                        raise


def missing(members: pd.DataFrame, folder: Path) -> pd.DataFrame:
    """The rows whose file is not in `folder` with its size (files are only ever renamed into place whole and checked)."""
    there = {entry.name: entry.stat().st_size for entry in os.scandir(folder)} if folder.exists() else {}
    return members[[there.get(name) != size for name, size in zip(members["name"], members["size"])]]


def _extract(archive: zipfile.ZipFile, row, folder: Path, progress: tqdm) -> None:
    aside = folder / f"{row.name}.part"
    with archive.open(row.member) as source, open(aside, "wb") as target:
        while chunk := source.read(CHUNK):
            progress.update(target.write(chunk))
    if aside.stat().st_size != row.size:
        raise EOFError(f"{row.name} ended after {aside.stat().st_size} of {row.size} bytes")
    os.replace(aside, folder / row.name)


# --- the whole archive ----------------------------------------------------------------------------------------------------------------


def fetch_archive(url: str, path: Path, sha256: str) -> Path:
    """The whole file at `path`, fetched unless it is there; a killed or cut transfer goes on from its last byte.

    Raises UserError when the server cannot be had, the disk is too small, or the bytes are not those of `sha256` (they are deleted).
    """
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    with one_line(url), requests.Session() as session:
        attempts, reached = 0, -1
        while True:
            have = part.stat().st_size if part.exists() else 0
            attempts, reached = (attempts + 1, reached) if have <= reached else (0, have)
            try:
                if _transfer(session, url, part):
                    break
            except Exception as error:
                if not passing(error) or attempts >= ATTEMPTS:
                    raise
                tqdm.write(f"{_reason(error)}; going on from {part.stat().st_size / 1e6 if part.exists() else 0:.0f} MB")
                time.sleep(min(20, 0.5 * 2**attempts))
    found = file_hash(part)
    if found != sha256:
        part.unlink()
        raise UserError(f"what {url} sent has sha256 {found[:12]}..., not {sha256[:12]}...; it is deleted: try again, set UCF101_URL to a mirror, {OWN_COPY}")
    os.replace(part, path)
    return path


def _transfer(session: requests.Session, url: str, part: Path) -> bool:
    """Append to `part` what is missing of the file at url; True when it is whole. Starts anew where the server knows no ranges."""
    have = part.stat().st_size if part.exists() else 0
    headers = {"Range": f"bytes={have}-", "Accept-Encoding": "identity"} if have else {"Accept-Encoding": "identity"}
    with session.get(url, stream=True, headers=headers, timeout=TIMEOUT) as answer:
        if answer.status_code == 416:  # nothing lies beyond what we have: whole, or another file; the hash will tell
            return True
        answer.raise_for_status()
        if "text/html" in answer.headers.get("Content-Type", ""):
            raise zipfile.BadZipFile("an HTML page")
        resumed = answer.status_code == 206
        have = have if resumed else 0
        total = have + int(answer.headers["Content-Length"]) if "Content-Length" in answer.headers else None
        check_space(part.parent, (total or have) - have)
        with open(part, "ab" if resumed else "wb") as target, bar(total, f"fetching {urlsplit(url).path.rsplit('/', 1)[-1]}", have) as progress:
            for chunk in answer.iter_content(CHUNK):
                target.write(chunk)
                progress.update(len(chunk))
        if total is not None and part.stat().st_size < total:
            raise EOFError("the connection ended early")
    return True


def file_hash(path: Path) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file, bar(path.stat().st_size, "checking sha256") as progress:
        while chunk := file.read(1 << 22):
            digest.update(chunk)
            progress.update(len(chunk))
    return digest.hexdigest()


def official_lists() -> dict[int, dict[str, set[str]]]:
    """{1: {'train': {clip names}, 'test': {...}}, 2: ..., 3: ...} from the official archive of splits (114 kB), checked."""
    url = os.environ.get("UCF101_SPLITS_URL") or SPLITS_URL
    with one_line(url):
        for attempt in retrying(3):
            with attempt:
                answer = requests.get(url, timeout=TIMEOUT)
                answer.raise_for_status()
        if hashlib.sha256(answer.content).hexdigest() != SPLITS_SHA256:
            raise zipfile.BadZipFile("not the official lists")
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            names = {Path(name).name: name for name in archive.namelist()}
            read = lambda name: {Path(line.split()[0]).stem for line in archive.read(names[name]).decode().splitlines() if line.strip()}  # noqa: E731
            return {k: {split: read(f"{split}list{k:02d}.txt") for split in ("train", "test")} for k in (1, 2, 3)}


def bar(total: int | None, what: str, done: int = 0) -> tqdm:
    """A progress bar in bytes, with speed and estimate."""
    return tqdm(total=None if total is None else int(total), initial=done, desc=what, unit="B", unit_scale=True, unit_divisor=1000, leave=False)


def check_space(folder: Path, needed: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise UserError(f"{folder} has {free / 1e9:.1f} GB free, {needed / 1e9:.1f} GB are needed; free some or point CLIPACTION_DATA elsewhere")
