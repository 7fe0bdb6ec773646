"""A product of its own for a measurement: `manage.py up` on a fresh home, and what is asked of it from outside."""

import json
import os
import re
import secrets
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from http.cookiejar import CookieJar
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from django.conf import settings

Found = TypeVar("Found")

START_SECONDS = 60.0
STOP_SECONDS = 30.0
COMMAND_SECONDS = 60.0
PAUSE_SECONDS = 0.05
_PART = "--{}\r\nContent-Disposition: form-data; {}\r\n\r\n{}"
SAYS_WHERE = re.compile(r"AlgoTrade runs at (http://\S+?)/\s")


def wait_for(
    find: Callable[[], Found | None], seconds: float = 20.0, what: str = "the condition", pause: float = PAUSE_SECONDS
) -> Found:
    """Return the first truthy value that `find` returns, asking again every `pause` seconds.

    Raises:
        TimeoutError: none came within `seconds`.
    """
    deadline = time.monotonic() + seconds
    while not (found := find()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not come true within {seconds:g} s.")
        time.sleep(pause)
    return found


class Product:
    """One `manage.py up` with a home of its own, stopped when the block ends."""

    def __init__(
        self,
        home: Path,
        *,
        sample: bool = False,
        workers: int = 2,
        database: str = "",
        redis: str = "",
        lease: int = 20,
    ) -> None:
        """Prepare a product in `home`; `database` and `redis` are addresses, none for what comes embedded."""
        self.home = Path(home)
        self.log = self.home / "up.log"
        self.base_url = self.token = ""
        self.process: subprocess.Popen[bytes] | None = None
        self._options = [] if sample else ["--no-sample"]
        self._workers = workers
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "ALGOTRADE_HOME": str(self.home),
            "ALGOTRADE_LEASE_SECONDS": str(lease),
            **({"DATABASE_URL": database} if database else {}),
            **({"REDIS_URL": redis} if redis else {}),
        }

    def __enter__(self) -> Self:
        self.home.mkdir(parents=True, exist_ok=True)
        try:
            self.start()
            self.token = self.new_token()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Run `up` until it says where the product is."""
        arguments = ["up", "--no-open", "--port", "0", "--workers", str(self._workers), *self._options]
        offset = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", *arguments],
                cwd=settings.BASE_DIR,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        said = wait_for(lambda: self._said_where(offset), START_SECONDS, f"start of up ({self.log})")
        self.base_url = said[1]

    def _said_where(self, offset: int) -> re.Match[str] | None:
        if self.process is None or self.process.poll() is not None:
            raise RuntimeError(f"up ended:\n{self.printed()}")
        return SAYS_WHERE.search(self.printed()[offset:])

    def printed(self) -> str:
        """Return what `up` printed so far."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def stop(self) -> int | None:
        """Press Ctrl-C; return the exit status."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise

    def manage(self, *arguments: str, seconds: float = COMMAND_SECONDS) -> str:
        """Run a command of manage.py, within so many seconds, and return what it printed."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=settings.BASE_DIR,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
        )
        if done.returncode:
            raise RuntimeError(f"manage.py {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")
        return done.stdout

    def new_token(self) -> str:
        """Return a fresh bearer token."""
        return self.manage("api_token").split()[-1]

    def login_url(self) -> str:
        """Return a fresh one-time URL."""
        return self.manage("login_url", "--base", self.base_url).strip()

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Return status and JSON body of a call of the API."""
        data = None if body is None else json.dumps(body).encode()
        return self._ask(method, path, data, "application/json")

    def send_file(self, path: str, name: str, content: bytes, **fields: str) -> tuple[int, Any]:
        """Return status and JSON body of a POST that sends a file called `name`, and what is said of it."""
        boundary = secrets.token_hex(16)
        told = "".join(_PART.format(boundary, f'name="{field}"', value + "\r\n") for field, value in fields.items())
        head = _PART.format(boundary, f'name="file"; filename="{name}"', "")
        data = (told + head).encode() + content + f"\r\n--{boundary}--\r\n".encode()
        return self._ask("POST", path, data, f"multipart/form-data; boundary={boundary}")

    def _ask(self, method: str, path: str, data: bytes | None, kind: str) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": kind}
        request = urllib.request.Request(self.base_url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    def browser(self) -> "Browser":
        """Return somebody who is logged in."""
        browser = Browser(self.base_url)
        browser.get(self.login_url().removeprefix(self.base_url))
        return browser


class Browser:
    """Somebody with a session, who asks for pages as a browser does."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url
        self._cookies = CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self._cookies))

    def get(self, path: str, **headers: str) -> bytes:
        """Return the body of a page or of a part of it."""
        request = urllib.request.Request(self._base_url + path, headers=headers)
        with self._opener.open(request, timeout=60) as answer:
            return bytes(answer.read())

    @property
    def cookie(self) -> str:
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in self._cookies)
