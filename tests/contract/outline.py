"""What of a page is compared: its title, the ids that scripts and styles go by, and the fields of its forms."""

from html.parser import HTMLParser

FIELDS = {"input", "select", "textarea", "button"}


class Outline(HTMLParser):
    """Title, ids and fields of a page or of a part of one."""

    def __init__(self, html):
        """Read a page."""
        super().__init__()
        self.title, self.ids, self.fields, self.actions = "", set(), set(), set()
        self._is_title = self._is_drawing = False
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        """Take down ids and names."""
        told = dict(attrs)
        self._is_drawing = self._is_drawing or tag == "svg"
        self._is_title = tag == "title" and not self._is_drawing
        if told.get("id"):
            self.ids.add(told["id"])
        if tag in FIELDS and told.get("name"):
            self.fields.add(told["name"])
        if tag == "form":
            self.actions.add(f"{told.get('method', 'get').upper()} {told.get('action', '')}".strip())

    def handle_endtag(self, tag):
        """End the title, or a drawing, whose titles are tooltips."""
        self._is_title = self._is_title and tag != "title"
        self._is_drawing = self._is_drawing and tag != "svg"

    def handle_data(self, data):
        """Take down the title."""
        if self._is_title:
            self.title += data


def outline(html):
    """Return title, ids, fields and the addresses of forms."""
    page = Outline(html)
    told = {"title": " ".join(page.title.split()), "ids": page.ids, "fields": page.fields, "forms": page.actions}
    return {name: found if isinstance(found, str) else sorted(found) for name, found in told.items()}
