"""Template loader: our templates without the indentation of their lines, which is a tenth and more of a live update.

Lines keep their numbers, so that the error page still points at the right one. Text whose blanks count (`<pre>`, the
value of a `<textarea>`) must stand behind its tag, not indented on a line of its own.
"""

import re

from django.template.base import Origin
from django.template.loaders import filesystem

INDENTATION = re.compile(r"^[ \t]+", re.MULTILINE)


class Loader(filesystem.Loader):
    """Reads templates of the project's own folder."""

    def get_contents(self, origin: Origin) -> str:
        """Return a template's source without indentation.

        Raises:
            TemplateDoesNotExist: there is no such file.
        """
        return INDENTATION.sub("", super().get_contents(origin))
