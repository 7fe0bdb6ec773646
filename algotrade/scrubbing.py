"""Secrets taken out of texts: what a child tells, and what is logged, goes through here before anybody keeps it.

A text loses what looks like a credential, and the values that this process knows to be secret: those of its environment
that are no harmless ones, and those that it was told of (`hide`). Words and numbers that stand in any traceback are
taken for no secret, whatever variable has them as its value: to hide "postgres" everywhere would hide the error.
"""

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, unquote

HIDDEN = "[hidden]"
SECRET_NAMES = (
    "password",
    "passwd",
    "secret",
    "token",
    "key",
    "credential",
    "auth",
    "cookie",
    "private",
    "dsn",
    "salt",
)
"""Words in the names of environment variables whose values are secret."""
HARMLESS_NAMES = re.compile(
    r"(ALGOTRADE|PYTHON|LC|XDG|NUMBA|OMP|OPENBLAS|MKL|TERM|CONDA|VIRTUAL_ENV|SSH)(_|$|[A-Z])"
    r"|(PATH|HOME|LANG|LANGUAGE|PWD|OLDPWD|USER|LOGNAME|SHELL|HOST|HOSTNAME|TZ|TMPDIR|DISPLAY|EDITOR|PAGER|LS_COLORS)$"
)
"""Environment variables that hold no secret, unless their names say so."""
SHORTEST_NAMED, SHORTEST_FOUND = 6, 12
"""Characters that a value must have, where its variable's name calls it secret, and where only its looks do."""
SHORTEST_PIECE = 8
"""Characters of a secret at which a text that was cut there still shows it."""
CUT = re.compile(r"(\n…[^\n]*\n)")
"""What stands in long texts for what was left out of their middle."""

_PATTERNS = (
    # What must be in the lower-cased text for the pattern to be worth a search; no pattern can go back far.
    ("bearer", re.compile(r"(?i)\b(bearer\s{1,9})[^\s\"',;]+"), r"\1" + HIDDEN),
    ("at_", re.compile(r"\bat_[A-Za-z0-9_-]{20,}"), HIDDEN),
    ("/login/", re.compile(r"(/login/)[A-Za-z0-9_-]{8,}"), r"\1" + HIDDEN),
    ("://", re.compile(r"(://[^\s:/@\"'<>]{0,256}):[^\s/\"'<>]{1,512}@"), r"\1:" + HIDDEN + "@"),
    (
        "=",
        re.compile(r"(?i)([?&](?:password|passwd|secret|token|access_token|api_?key|sig|signature)=)[^\s&\"'<>]+"),
        r"\1" + HIDDEN,
    ),
)
_URL_PASSWORD = re.compile(r"://[^\s:/@]{0,256}:([^\s/]{1,512})@")
_HOST_OR_VERSION = re.compile(r"[\w-]+(\.[\w-]+)+(:\d+)?")


def secrets_of(environment: Mapping[str, str]) -> set[str]:
    """Return the values of an environment that must be shown nowhere, in every spelling that a text may have them in.

    These are passwords in URLs; the values of variables whose names call them secret; and long values of others that
    look as if somebody had drawn them: letters and digits in one word, no path, no address, no version.
    """
    found: set[str] = set()
    for name, value in environment.items():
        found.update(match.group(1) for match in _URL_PASSWORD.finditer(value))
        is_named = any(word in name.lower() for word in SECRET_NAMES)
        if is_named and not os.path.exists(value):  # a file, or a socket, is no secret; what is in it may be
            found.update((value.strip(), *value.split("\n")))
        elif not HARMLESS_NAMES.match(name) and "://" not in value and _looks_drawn(value):
            found.add(value.strip())
    return set(_spellings(found))


def _looks_drawn(value: str) -> bool:
    value = value.strip()
    has_both = any(c.isalpha() for c in value) and any(c.isdigit() for c in value)
    is_word = not any(c.isspace() for c in value) and "/" not in value and not _HOST_OR_VERSION.fullmatch(value)
    return len(value) >= SHORTEST_FOUND and has_both and is_word


def _spellings(values: Iterable[str]) -> Iterator[str]:
    """Yield values as they are and as JSON, Python and URLs write them; what texts have in them anyway stays out."""
    for value in values:
        if len(value) < SHORTEST_NAMED or _is_ordinary(value):
            continue
        yield value
        yield json.dumps(value)[1:-1]
        yield repr(value)[1:-1]
        yield quote(value, safe="")
        if len(plain := unquote(value)) >= SHORTEST_NAMED:
            yield plain


def _is_ordinary(value: str) -> bool:
    """Whether a value is a word or a number that texts have in them anyway."""
    is_word = value.isalpha() and (value.islower() or value.isupper() or value.istitle()) and len(value) < 16
    return is_word or (value.replace(".", "").isdigit() and len(value) < 12)


class _Known:
    """The secret values of this process, the longest first: one may hold another."""

    def __init__(self, values: Iterable[str]) -> None:
        self._found: set[str] = set()
        self.values: tuple[str, ...] = ()
        self.add(values)

    def add(self, values: Iterable[str]) -> None:
        self._found.update(values)
        self.values = tuple(sorted(self._found, key=lambda value: (-len(value), value)))


_known = _Known(secrets_of(os.environ))


def hide(*values: str) -> None:
    """Let these values be shown nowhere from here on."""
    _known.add(_spellings(values))


def scrub(text: str) -> str:
    """Return `text` without secrets; takes a time that grows with its length only."""
    lowered = text.lower()
    for sign, pattern, replacement in _PATTERNS:
        if sign in lowered:
            text = pattern.sub(replacement, text)
    for value in _known.values:
        if value in text:
            text = text.replace(value, HIDDEN)
    if len(text) < 1_000:  # nothing short was cut
        return text
    return "".join(_without_pieces(piece) for piece in CUT.split(text))


def _without_pieces(text: str) -> str:
    """Return `text` without the part of a secret that is left where the text was cut."""
    for value in _known.values:
        for n in range(len(value) - 1, SHORTEST_PIECE - 1, -1):
            if text.endswith(value[:n]):
                text = text[:-n] + HIDDEN
            if text.startswith(value[-n:]):
                text = HIDDEN + text[n:]
    return text


def scrub_all(value: Any) -> Any:
    """Return JSON types with all their texts scrubbed, and without what no database and no page takes.

    That is null characters and halves of surrogate pairs.
    """
    if isinstance(value, str):
        return scrub(value.encode("utf-8", "replace").decode().replace("\0", "\ufffd"))
    if isinstance(value, dict):
        return {scrub_all(name): scrub_all(inner) for name, inner in value.items()}
    return [scrub_all(inner) for inner in value] if isinstance(value, list) else value
