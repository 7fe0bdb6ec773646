"""Validation of titles, notes and tags, for pages and programs alike."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from algotrade.errors import SpecError
from runs.models.note import LONGEST_NOTES, LONGEST_TAG, LONGEST_TITLE, MOST_TAGS

FIELDS = ("title", "notes", "tags")
TAG = re.compile(r"\w[\w.+/-]*")
BETWEEN_TAGS = re.compile(r"[\s,]+")
NEVER_PRINTED = ("Cc", "Cs", "Cf")
"""Unicode categories of what is not seen: control characters, lone surrogates, and format characters, which hide in a
text or turn the reading direction of all that stands behind it."""
JOINERS = "\u200c\u200d"
"""Format characters that some scripts, and emoji, are put together with."""
BLANKS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters and signs that show nothing."""


@dataclass(frozen=True, slots=True)
class NoteText:
    """What somebody writes about a run, checked.

    Attributes:
        title: one line.
        notes: lines, separated by newlines.
        tags: distinct, lower case, in the order that they were given in.
    """

    title: str
    notes: str
    tags: tuple[str, ...]


def checked(sent: dict[str, Any]) -> NoteText:
    """Return the note that somebody sent.

    Args:
        sent: `title` and `notes` as text, `tags` as a list of texts or as one text with blanks or commas between.

    Raises:
        SpecError: something is unknown, of another kind, too long, or no tag; `fields` says what and why.
    """
    fields = {name: f"Unknown field. Known: {', '.join(FIELDS)}." for name in sent if name not in FIELDS}
    sent = {name: "" if value is None else value for name, value in sent.items()}
    title, notes = sent.get("title", ""), sent.get("notes", "")
    for name, text, most, is_line in (("title", title, LONGEST_TITLE, True), ("notes", notes, LONGEST_NOTES, False)):
        if message := _wrong_text(text, most, is_line=is_line):
            fields[name] = message
    try:
        tags = _tags(sent.get("tags", ""))
    except ValueError as error:
        fields["tags"] = str(error)
    if fields:
        raise SpecError(fields)
    return NoteText(title.strip(), notes.replace("\r\n", "\n").replace("\r", "\n").strip(), tags)


def _wrong_text(text: Any, most: int, *, is_line: bool) -> str:
    """Return what is wrong with a text; an empty one when nothing is."""
    if not isinstance(text, str):
        return f"Must be text; it is {type(text).__name__}."
    if len(text.strip()) > most:
        return f"At most {most:,} characters; there are {len(text.strip()):,}."
    allowed = "" if is_line else "\r\n\t"
    allowed += JOINERS
    strange = [sign for sign in text.strip() if sign not in allowed and unicodedata.category(sign) in NEVER_PRINTED]
    if strange:
        lines = "one line " if is_line else ""
        return f"Must be {lines}without control characters or invisible ones; it has {strange[0]!r}."
    if text.strip() and not any(_is_seen(sign) for sign in text):
        return "Must have a visible character, or be empty."
    return ""


def _is_seen(sign: str) -> bool:
    category = unicodedata.category(sign)
    return sign not in BLANKS and category not in NEVER_PRINTED and category[0] not in "MZ"


def _tags(sent: Any) -> tuple[str, ...]:
    """Return the tags of a list or of one text.

    Raises:
        ValueError: one of them is no tag, or there are too many.
    """
    given: Iterable[Any] = BETWEEN_TAGS.split(sent.strip()) if isinstance(sent, str) else sent
    if not isinstance(given, list) or not all(isinstance(tag, str) for tag in given):
        raise ValueError(f"Must be a list of texts; it is {sent!r:.100}.")
    tags = tuple(dict.fromkeys(tag.strip().removeprefix("#").lower() for tag in given if tag.strip()))
    for tag in tags:
        if not TAG.fullmatch(tag) or BLANKS & set(tag):
            raise ValueError(f"A tag must be letters and digits, with . + / - _ between them; it is {tag!r:.60}.")
        if len(tag) > LONGEST_TAG:
            raise ValueError(f"A tag has at most {LONGEST_TAG} characters; {tag!r:.60} has {len(tag)}.")
    if len(tags) > MOST_TAGS:
        raise ValueError(f"At most {MOST_TAGS} tags; there are {len(tags)}.")
    return tags
