"""A page that is open while something is measured: its socket is read, its charts are asked for."""

import base64
import secrets
import socket
import threading
import time
from types import TracebackType
from typing import Self
from urllib.error import URLError
from urllib.parse import urlsplit

from tests.bench.product import Browser, Product

SECONDS_BETWEEN_CHARTS = 1.0


def upgrade_request(base_url: str, browser: Browser, path: str) -> bytes:
    """Return the request that opens a websocket, as a page of the product sends it."""
    key = base64.b64encode(secrets.token_bytes(16)).decode()
    return (
        f"GET {path} HTTP/1.1\r\nHost: {urlsplit(base_url).netloc}\r\n"
        f"Origin: {base_url}\r\nCookie: {browser.cookie}\r\n"
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Key: {key}\r\n\r\n"
    ).encode()


class OpenPage:
    """The page of one optimization, as a browser keeps it open."""

    def __init__(self, product: Product, run_id: str) -> None:
        self._product, self._run_id = product, run_id
        self._browser: Browser = product.browser()
        self._is_over = threading.Event()
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._read_socket, self._ask_charts)]
        self.n_frame_bytes = self.n_charts = 0
        self.paint_seconds = 0.0
        self.paint_bytes = 0

    def __enter__(self) -> Self:
        """Load the page, then follow it."""
        began = time.perf_counter()
        self.paint_bytes = len(self._browser.get(f"/optimizations/{self._run_id}"))
        self.paint_seconds = time.perf_counter() - began
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join(5.0)

    def _read_socket(self) -> None:
        """Open the websocket and count what comes; frames need not be understood for that."""
        where = urlsplit(self._product.base_url)
        request = upgrade_request(self._product.base_url, self._browser, f"/ws/optimizations/{self._run_id}")
        with socket.create_connection((where.hostname or "", where.port or 80), timeout=1.0) as connection:
            connection.sendall(request)
            while not self._is_over.is_set():
                try:
                    data = connection.recv(1 << 16)
                except TimeoutError:
                    continue
                except ConnectionResetError:  # the run has ended, and with it the socket
                    return
                if not data:
                    return
                self.n_frame_bytes += len(data)

    def _ask_charts(self) -> None:
        """Ask for the charts once a second, as the page's script does."""
        while not self._is_over.wait(SECONDS_BETWEEN_CHARTS):
            try:
                for chart in ("objective.json", "grid.json"):
                    self._browser.get(f"/optimizations/{self._run_id}/{chart}")
            except URLError:
                return
            self.n_charts += 1
