"""Callers of the product: a program with a token, a person with a browser, a stranger; none follows a redirect."""

import json
import secrets
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from email.message import Message
from http.cookiejar import CookieJar
from urllib.parse import urlencode

SECONDS = 60
BUSY, ATTEMPTS, PAUSE_SECONDS = 503, 40, 0.25
HEADERS = (
    "Allow", "Cache-Control", "Content-Disposition", "Content-Type", "Location", "Retry-After", "Vary",
    "WWW-Authenticate",
)  # fmt: skip
"""Headers that callers act upon; X-Request-ID and Date are for people who read logs."""
PART = "--{}\r\nContent-Disposition: form-data; {}\r\n\r\n"


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect is an answer like any other."""

    def redirect_request(self, *_):
        """Follow nothing."""
        return


@dataclass(frozen=True)
class Answer:
    """What came back: `headers` are those that callers act upon, `every` has them all."""

    status: int
    headers: dict
    data: bytes
    every: Message

    @property
    def kind(self):
        """The content type, without its parameters."""
        return self.headers.get("Content-Type", "").split(";")[0]

    def json(self):
        """Return the body as JSON; None without a body."""
        return json.loads(self.data or b"null")


class Client:
    """Somebody who calls."""

    def __init__(self, base_url, headers=None):
        """Call a product, with these headers each time."""
        self.base_url, self.headers = base_url, dict(headers or {})
        self.cookies = CookieJar()
        self._opener = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(self.cookies), urllib.request.ProxyHandler({}), NoRedirect
        )

    def ask(self, method, path, data=None, **headers):
        """Return the answer; in a header's name `_` stands for `-`.

        A database that others keep busy, too, may have no connection left: 503 means to ask again.
        """
        for _ in range(ATTEMPTS):
            answer = self._ask_once(method, path, data, headers)
            if answer.status != BUSY:
                break
            time.sleep(PAUSE_SECONDS)
        return answer

    def _ask_once(self, method, path, data, headers):
        told = self.headers | {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(self.base_url + path, data, told, method=method)
        try:
            with self._opener.open(request, timeout=SECONDS) as answer:
                return _answer(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return _answer(error.code, error.headers, error.read())

    def ask_json(self, method, path, body=None, **headers):
        """Send JSON."""
        data = None if body is None else json.dumps(body).encode()
        return self.ask(method, path, data, **({"Content_Type": "application/json"} if data else {}), **headers)

    def ask_form(self, path, fields, **headers):
        """Send what a person typed into a form, as the page sends it, with the token against forgery."""
        token = next((cookie.value for cookie in self.cookies if cookie.name == "csrftoken"), "")
        data = urlencode({"csrfmiddlewaretoken": token, **fields}).encode()
        return self.ask("POST", path, data, Content_Type="application/x-www-form-urlencoded", **headers)

    def ask_file(self, path, name, content, **fields):
        """Send a file, and what is said of it."""
        boundary = secrets.token_hex(16)
        told = "".join(PART.format(boundary, f'name="{field}"') + f"{value}\r\n" for field, value in fields.items())
        head = PART.format(boundary, f'name="file"; filename="{name}"')
        data = (told + head).encode() + content + f"\r\n--{boundary}--\r\n".encode()
        return self.ask("POST", path, data, Content_Type=f"multipart/form-data; boundary={boundary}")


def program(base_url, token):
    """Return a program with a token."""
    return Client(base_url, {"Authorization": f"Bearer {token}"})


def person(product):
    """Return a person who opened a one-time login address and then a page."""
    client = Client(product.base_url)
    client.ask("GET", product.login_url().removeprefix(product.base_url))
    client.ask("GET", "/backtests/new")
    return client


def _answer(status, headers, data):
    return Answer(status, {name: headers[name] for name in HEADERS if headers[name] is not None}, data, headers)
