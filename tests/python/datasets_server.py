"""A mirror on loopback that can misbehave in the ways that mirrors do."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Answer:
    """How one request is answered; the last answer of a path is used again for all further requests."""

    contents: bytes = b""
    status: int = 200
    cut_after: int | None = None  # bytes of the body that are sent before the connection ends
    stall: bool = False  # the connection then stays open without a byte instead
    ranges: bool = True  # whether Range is honoured
    shifted_by: int = 0  # sends another range than the one asked for
    length: bool = True  # whether Content-Length is sent
    location: str = ""


@dataclass
class Mirror:
    """Answers by path, and the requests that came: (path, Range header)."""

    url: str
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)
    lost_patience: bool = False  # a stalled connection was ended here, not by the client

    def next_answer(self, path: str) -> Answer:
        answers = self.answers.get(path, [Answer(status=404)])
        return answers.pop(0) if len(answers) > 1 else answers[0]


@contextmanager
def serve(**answers: list[Answer]) -> Iterator[Mirror]:
    """Run a mirror; keywords are file names."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            mirror.requests.append((self.path, self.headers.get("Range")))
            self.answer(mirror.next_answer(self.path.lstrip("/")))

        def answer(self, answer: Answer) -> None:
            body, status = answer.contents, answer.status
            asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", "")) if answer.ranges else None
            if asked and status == 200:
                start = int(asked[1]) + answer.shifted_by
                status = 206 if start < len(body) else 416
            self.send_response(status)
            if status == 206:
                self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
                body = body[start:]
            if answer.location:
                self.send_header("Location", answer.location)
            if answer.length:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if status in (200, 206):
                self.wfile.write(body[: answer.cut_after])
                self.wfile.flush()
                if answer.stall and not mirror.closing.wait(10):
                    mirror.lost_patience = True

        def log_message(self, *arguments: object) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    mirror = Mirror(f"http://127.0.0.1:{server.server_port}/", dict(answers))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield mirror
    finally:
        mirror.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()
