"""The markup of a page with the white space taken out that shows nowhere, so that tests do not read its line breaks."""

import re

_KEPT = re.compile(r'(<(pre|textarea)\b.*?</\2>|<p class="note-notes">.*?</p>)', re.S)
"""What shows white space as it is."""
_BLANKS = re.compile(r"[ \t\r\n]+")
_TAG = re.compile(r"""(<[a-zA-Z/!](?:"[^"]*"|'[^']*'|[^'">])*>)""")
_VALUE = re.compile(r"""("[^"]*"|'[^']*')""")
_APART = "a|b|code|i|kbd|small|span"
_INSIDE = re.compile(rf"(<(?:{_APART})(?: [^<>]*)?>) | (</(?:{_APART})>)")
_AROUND = re.compile(rf" ?(<(?!/?(?:{_APART})[ >])[^<>]*>) ?")


def close_up(html: str) -> str:
    """Return markup with one blank between attributes and words, and none beside a tag that begins a line or a box.

    The text of `pre`, `textarea` and notes stays as it is, and so do blanks between words and the tags that stand among
    them.
    """
    parts = _KEPT.split(html)
    return "".join(part if at % 3 == 1 else _close_up(part) for at, part in enumerate(parts) if at % 3 != 2)


def _close_up(html: str) -> str:
    parts = _TAG.split(html)
    closed = "".join(_close_tag(part) if at % 2 else _BLANKS.sub(" ", part) for at, part in enumerate(parts))
    return _INSIDE.sub(r"\1\2", _AROUND.sub(r"\1", closed))


def _close_tag(tag: str) -> str:
    """Return a tag with one blank between its attributes; their values stay as they are."""
    parts = _VALUE.split(tag)
    closed = "".join(part if at % 2 else _BLANKS.sub(" ", part) for at, part in enumerate(parts))
    return closed.removesuffix(" >") + ">" if closed.endswith(" >") else closed
