"""A web server on loopback for download tests: with or without range requests, with broken connections or pages."""

from __future__ import annotations

import re
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Site:
    """What is served (path -> file) and how.

    ranges: whether range requests are answered; cut: bytes after which the first `cuts` answers end; status: an error;
    html: a page instead of the file.
    """

    def __init__(
        self,
        files: dict[str, Path],
        ranges: bool = True,
        cut: int | None = None,
        cuts: int = 0,
        status: int = 200,
        html: bool = False,
    ):
        self.files, self.ranges, self.cut, self.cuts, self.status, self.html = files, ranges, cut, cuts, status, html
        self.sent = self.requests = 0


@contextmanager
def serving(site: Site):
    """The address at which `site` answers."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self):
            site.requests += 1
            file = site.files.get(self.path)
            if site.status != 200 or file is None:
                return self.send_error(site.status if site.status != 200 else 404)
            if site.html:
                page = b"<html>please log in to the proxy</html>"
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", str(len(page)))
                self.end_headers()
                self.wfile.write(page)
                return None
            size = file.stat().st_size
            start, end, wanted = (
                0,
                size - 1,
                re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", "")) if site.ranges else None,
            )
            if wanted:
                start, end = (
                    (size - int(wanted[2]), size - 1)
                    if not wanted[1]
                    else (int(wanted[1]), min(int(wanted[2] or size - 1), size - 1))
                )
                start = max(start, 0)
                if start >= size:
                    return self.send_error(416)
            self.send_response(206 if wanted else 200)
            if wanted:
                self.send_header("Content-Range", f"bytes {start}-{end}/{size}")
            self.send_header("Content-Type", "application/zip")
            self.send_header("Content-Length", str(end - start + 1))
            self.end_headers()
            left = end - start + 1
            with open(file, "rb") as source:
                source.seek(start)
                budget = left
                if site.cut is not None and site.cuts > 0 and left > site.cut:
                    site.cuts -= 1
                    budget = site.cut
                while budget:
                    chunk = source.read(min(1 << 16, budget))
                    self.wfile.write(chunk)
                    site.sent += len(chunk)
                    budget -= len(chunk)
                    left -= len(chunk)
            if left:
                self.close_connection = True
                self.connection.close()
            return None

        def log_message(self, *_):
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_):
            pass

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
