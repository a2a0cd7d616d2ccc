"""A web server on this machine for the tests of downloads, which can do without ranges, cut or hold connections, send
readers elsewhere and change its files.
"""

import hashlib
import io
import json
import re
import threading
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

import numpy as np


def lines(n, points=3, seed=0):
    rng = np.random.default_rng(seed)
    one = [json.dumps({"word": "cat", "key_id": str(i), "drawing": [rng.integers(0, 255, (2, points)).tolist()]}) for i in range(n)]
    return "".join(f"{line}\n" for line in one).encode()


def npz_bytes():
    file = io.BytesIO()
    np.savez(file, **{part: np.zeros((3, 4, 3), np.int16) for part in ("train", "valid", "test")})
    return file.getvalue()


class Server:
    """What a test's server holds and does, and what it was asked."""

    def __init__(self):
        self.files, self.asked, self.sent = {}, [], 0
        self.ranges, self.status, self.cuts, self.etag = True, 200, [], True
        self.moved, self.too_much, self.holds, self.go_on = {}, b"", False, threading.Event()

    def version(self, body):
        return f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"' if self.etag else None

    def reply(self, handler):
        path, span = unquote(handler.path).lstrip("/"), handler.headers.get("Range")
        self.asked.append((path, span))
        if path in self.moved:
            handler.send_response(302)
            handler.send_header("Location", self.moved[path])
            return handler.end_headers()
        body = self.files.get(path)
        if body is None or self.status != 200:
            return handler.send_error(404 if body is None else self.status)
        total, part, begins = len(body), body, 0
        if self.ranges and span:
            begins, last = re.fullmatch(r"bytes=(\d+)-(\d*)", span).groups()
            begins, last = int(begins), min(int(last or total), total - 1)
            if begins >= total:
                return handler.send_error(416)
            part = body[begins : last + 1]
        handler.send_response(206 if self.ranges and span else 200)
        if self.ranges and span:
            handler.send_header("Content-Range", f"bytes {begins}-{begins + len(part) - 1}/{total}")
        handler.send_header("Content-Length", str(len(part)))
        if self.etag:
            handler.send_header("ETag", self.version(body))
        handler.end_headers()
        if self.cuts:
            part = part[: self.cuts.pop(0)]
            held = self.holds
        else:
            held = False
        self.sent += len(part)  # before it goes: a client that has it all may look at once
        with suppress(OSError):  # a client that ignored ranges has had enough
            handler.wfile.write(part + self.too_much)
            if held:
                self.go_on.wait(20)


@contextmanager
def running():
    """A `Server` that listens, with its address in `url`."""
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            state.reply(self)

        def do_HEAD(self):
            self.send_error(403)  # as the real one does for its root

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        state.url = f"http://127.0.0.1:{httpd.server_port}/"
        yield state
        httpd.shutdown()
        thread.join()
