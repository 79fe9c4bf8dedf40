"""One HTTP transfer into a file that may hold the beginning already. Only https; no byte beyond the limit."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from asap.datasets.progress import show_progress
from asap.datasets.types import DataError

__all__ = ["CutError", "Transfer"]

TIMEOUT_SECONDS = 15.0  # without any byte
_CHUNK_BYTES = 1 << 16
_RANGE_NOT_SATISFIABLE = 416


class CutError(DataError):
    """The transfer ended too early; another attempt may get the rest."""


class Transfer:
    """Receives the contents of an address into `part`, after what `part` holds already."""

    def __init__(
        self, part: Path, max_bytes: int, *, label: str, progress: bool, allow_loopback_http: bool = False
    ) -> None:
        self.part = part
        self._max_bytes = max_bytes
        self._label = label
        self._progress = progress
        self._check = _check_loopback if allow_loopback_http else _check_https
        # Loopback is never reached through a proxy.
        proxies = [urllib.request.ProxyHandler({})] if allow_loopback_http else []
        self._opener = urllib.request.build_opener(_CheckedRedirects(self._check), *proxies)

    def receive(self, url: str) -> int:
        """Complete `part` from the address; return how many of its bytes were there before.

        Raises:
            CutError: the connection ended before the contents did; what came is kept.
            DataError: the address cannot be reached, refuses, or has too much.
        """
        self._check(url)
        held = self.part.stat().st_size if self.part.exists() else 0
        try:
            response = self._open(url, held)
        except urllib.error.HTTPError as error:
            with error:
                if held and error.code == _RANGE_NOT_SATISFIABLE:  # nothing follows: `part` is whole, or wrong
                    return held
                raise DataError(f"HTTP {error.code} {error.reason}") from error
        except (OSError, http.client.HTTPException) as error:
            raise DataError(f"no connection ({_reason(error)})") from error
        with response:
            start = held if response.status == http.client.PARTIAL_CONTENT else 0
            self._copy(response, start)
        return start

    def _open(self, url: str, held: int) -> Any:
        headers = {"User-Agent": "asap-datasets", "Accept-Encoding": "identity"}
        if held:
            headers["Range"] = f"bytes={held}-"
        request = urllib.request.Request(url, headers=headers)  # noqa: S310 (the caller and redirects were checked)
        return self._opener.open(request, timeout=TIMEOUT_SECONDS)

    def _copy(self, response: Any, start: int) -> None:
        length = response.headers.get("Content-Length", "")
        total = start + int(length) if length.isdigit() else None
        self._check_size(total or 0)
        with (
            self.part.open("ab" if start else "wb") as file,
            show_progress(self._label, start, total, enabled=self._progress) as advance,
        ):
            received = self._copy_chunks(response, file, start, advance)
        if total is not None and received < total:
            raise CutError(f"the connection ended after {received} of {total} bytes")

    def _copy_chunks(self, response: Any, file: IO[bytes], received: int, advance: Callable[[int], object]) -> int:
        while chunk := _read_chunk(response):
            received += len(chunk)
            self._check_size(received)
            file.write(chunk)
            advance(len(chunk))
        return received

    def _check_size(self, num_bytes: int) -> None:
        if num_bytes > self._max_bytes:
            self.part.unlink(missing_ok=True)
            raise DataError(f"expected at most {self._max_bytes} bytes; found {num_bytes} or more")


class _CheckedRedirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects only to addresses that pass the check."""

    def __init__(self, check: Callable[[str], None]) -> None:
        self._check = check

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        self._check(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _check_https(url: str) -> None:
    if urlsplit(url).scheme != "https":
        raise DataError(f"only https is followed; got {url}")


def _check_loopback(url: str) -> None:
    if urlsplit(url).hostname != "127.0.0.1":
        _check_https(url)


def _read_chunk(response: Any) -> bytes:
    try:
        chunk: bytes = response.read(_CHUNK_BYTES)
    except (OSError, http.client.HTTPException) as error:
        raise CutError(f"the connection broke ({_reason(error)})") from error
    return chunk


def _reason(error: Exception) -> str:
    reason = getattr(error, "reason", error)  # URLError wraps what happened
    return str(reason) or type(reason).__name__
