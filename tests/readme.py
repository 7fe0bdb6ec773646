"""The README and the blocks of code in it, for the tests that hold it to its word."""

import re
import textwrap

from tests.environment import ROOT

README = (ROOT / "README.md").read_text()


def blocks(language):
    """Return the contents of the README's blocks of a language; "" are the plain ones."""
    fence = re.compile(r"^( *)```(\w*)\n(.*?)^\1```", re.M | re.S)
    return [textwrap.dedent(text) for _, name, text in fence.findall(README) if name == language]
