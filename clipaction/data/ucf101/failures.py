"""What a failed download means: whether to try again, and what to tell the user in one line.

Certificates are always checked. A proxy or a private certificate is configured by requests' own variables (HTTPS_PROXY,
REQUESTS_CA_BUNDLE).
"""

from __future__ import annotations

import contextlib
import re
import shutil
import ssl
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import requests
import urllib3
from remotezip import RangeNotSupported, RemoteIOError, RemoteZipError
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential
from tqdm.auto import tqdm

from ...base.errors import UserError

OWN_COPY = "or give your own copy with --profile ucf101 --data DIR"
TIMEOUT = (10, 60)  # seconds to connect, and between bytes
ATTEMPTS = 6  # without a byte of progress
CUT = (
    EOFError,
    zlib.error,
    ConnectionError,
    urllib3.exceptions.HTTPError,
)  # a transfer that ended early or arrived broken


def is_temporary_failure(error: BaseException) -> bool:
    """Whether another attempt may succeed: a cut connection, a timeout, a busy server, bytes that arrived broken."""
    if isinstance(error, RemoteIOError) and error.__context__ is not None:
        return is_temporary_failure(error.__context__)
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return error.response.status_code in (408, 429, 500, 502, 503, 504)
    if isinstance(error, requests.exceptions.SSLError):
        return False
    network = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)
    return isinstance(error, (*network, *CUT)) or (isinstance(error, zipfile.BadZipFile) and "CRC" in str(error))


def retrying(attempts: int = ATTEMPTS) -> Retrying:
    """Attempts with growing pauses (0.5 to 20 s) that go on only after temporary failures."""
    stop, wait = stop_after_attempt(attempts), wait_exponential(0.5, max=20)
    return Retrying(retry=retry_if_exception(is_temporary_failure), stop=stop, wait=wait, reraise=True)


@contextlib.contextmanager
def as_user_error(url: str) -> Iterator[None]:
    """Turn any failure of a download into one UserError that names the address and the remedy."""
    host = urlsplit(url).netloc or url
    try:
        yield
    except RangeNotSupported:
        problem = f"{host} does not answer range requests, so single clips cannot be fetched"
        raise UserError(f"{problem}; take the whole archive (--profile ucf101), {OWN_COPY}") from None
    except zipfile.BadZipFile as error:
        problem = f"what {url} sent is no sound zip file ({error}; a proxy's page?)"
        raise UserError(f"{problem}; check the address, {OWN_COPY}") from None
    except (requests.RequestException, RemoteZipError, *CUT) as error:
        raise UserError(f"cannot fetch {url}: {reason(error)}; {remedy(error)}, {OWN_COPY}") from None


def causes_of(error: BaseException | None) -> Iterator[BaseException]:
    """An error and what caused it, outermost first."""
    while error is not None:
        yield error
        inner = [a for a in error.args if isinstance(a, BaseException)] + [getattr(error, "reason", None)]
        error = next((e for e in inner if isinstance(e, BaseException)), error.__context__)


def reason(error: BaseException) -> str:
    """Why a download failed, in a few words."""
    causes = list(causes_of(error))
    for cause in causes:
        if isinstance(cause, requests.HTTPError) and cause.response is not None:
            return f"the server answered {cause.response.status_code} {cause.response.reason}"
    if any(isinstance(cause, (ssl.SSLError, requests.exceptions.SSLError)) for cause in causes):
        return "its certificate is not trusted"
    if any(isinstance(cause, (requests.Timeout, TimeoutError)) for cause in causes):
        return "no answer in time"
    return re.sub(r"<[^>]*>:? ?", "", str(causes[-1])).splitlines()[0][:120] or type(causes[-1]).__name__


def remedy(error: BaseException) -> str:
    if "certificate" in reason(error):
        return "name your organisation's certificates with REQUESTS_CA_BUNDLE"
    return "check the network (HTTPS_PROXY for a proxy) and run again to go on, set UCF101_URL to a mirror"


def check_space(folder: Path, needed: int) -> None:
    """Make `folder`; UserError when its disk has fewer than `needed` bytes free."""
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if free < needed:
        sizes = f"{free / 1e9:.1f} GB free, {needed / 1e9:.1f} GB are needed"
        raise UserError(f"{folder} has {sizes}; free some or point CLIPACTION_DATA elsewhere")


def progress_bar(total: int | None, what: str, done: int = 0) -> tqdm:
    """A progress bar in bytes, with speed and estimate."""
    return tqdm(total=total, initial=done, desc=what, unit="B", unit_scale=True, unit_divisor=1000, leave=False)
