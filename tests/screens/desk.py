"""Desk of the pictures: submit, wait, cancel."""

from collections.abc import Callable
from typing import Any

from algotrade.ports import Json
from tests.bench.product import Product, wait_for

RUN_SECONDS = 300.0
"""How long a run may take to get where it is wanted on a busy machine; the first ones wait for the compiler."""
SECONDS_BETWEEN_LOOKS = 0.2
ACTIVE = ("pending", "running")


class Desk:
    """Asks one product, which has one worker, over its API; a run is named by the path of its page."""

    def __init__(self, product: Product) -> None:
        self.product = product
        self._active: dict[str, str] = {}

    def submit(self, kind: str, **fields: Any) -> str:
        """Submit a run: backtests, optimizations or downloads.

        Raises:
            RuntimeError: it was refused.
        """
        return f"/{kind}/{self.post(f'/api/{kind}/', fields)['id']}"

    def ended(self, kind: str, **fields: Any) -> str:
        """Submit a run, and wait for its end; nothing else may keep the worker from it."""
        self.clear()
        path = self.submit(kind, **fields)
        self.until(path, lambda body: body["status"] in ("completed", "failed"))
        return path

    def active(self, name: str, make: Callable[[], str]) -> str:
        """Return a run that is active; it is made again once it is not any more."""
        path = self._active.get(name)
        if path is None or self.get(f"/api{path}/status")["status"] not in ACTIVE:
            path = self._active[name] = make()
        return path

    def cancelled(self, path: str) -> str:
        """Cancel a run."""
        self.product.call("POST", f"/api{path}/cancel")
        return path

    def clear(self) -> None:
        """Cancel whatever is active."""
        for kind in ("backtests", "optimizations", "downloads"):
            for status in ACTIVE:
                for item in self.get(f"/api/{kind}/?status={status}")["items"]:
                    self.cancelled(f"/{kind}/{item['id']}")

    def until(self, path: str, is_so: Callable[[Json], bool]) -> None:
        """Wait until it is so of a run's status.

        Raises:
            RuntimeError: the run has ended before; it never will be.
        """

        def look() -> bool:
            body = self.get(f"/api{path}/status")
            if is_so(body):
                return True
            if body["status"] not in ACTIVE:
                raise RuntimeError(f"{path} is {body['status']} too soon: {body['error_message']}")
            return False

        wait_for(look, RUN_SECONDS, f"what a picture of {path} is to show", SECONDS_BETWEEN_LOOKS)

    def get(self, path: str) -> Any:
        """Return what the API answers."""
        return self.product.call("GET", path)[1]

    def post(self, path: str, body: Any) -> Any:
        """Have something done.

        Raises:
            RuntimeError: it was refused.
        """
        return self._taken(self.product.call("POST", path, body))

    def describe(self, path: str, **words: Any) -> str:
        """Give a run a title, notes or tags."""
        self._taken(self.product.call("PATCH", f"/api{path}", words))
        return path

    def send(self, path: str, name: str, text: str, **fields: str) -> Any:
        """Send a file.

        Raises:
            RuntimeError: it was refused.
        """
        return self._taken(self.product.send_file(path, name, text.encode(), **fields))

    @staticmethod
    def _taken(answered: tuple[int, Any]) -> Any:
        status, body = answered
        if status >= 400:
            raise RuntimeError(f"Content for the pictures was refused: {status} {body}")
        return body
