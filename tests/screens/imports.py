"""Files that come in, and the datasets that they become."""

from functools import cached_property
from typing import Any

from tests.screens import files
from tests.screens.desk import Desk

NAMES = {"asset": "NOVA", "exchange": "XNYS", "timeframe": "1h"}
NAMED = "NOVA-XNYS-1h"
LOOKS = "/api/datasets/imports/"
LEFT_HALFWAY = """
from django.contrib.auth.models import User
from runs.models import Upload
upload = Upload.objects.create(
    user=User.objects.get(), name="BTCX-1m.csv", size_bytes=187_332_094, phase="Checking", done=3, total=7,
    owner="another machine:1:1:0",
)
print(upload.get_absolute_url())
"""
"""A file that is being looked through: real ones are done before a picture is taken. Nobody takes its owner for dead
within a minute, because it is of no process of this machine."""


class Imports:
    """Imports and datasets of one product, by what a screen shows of them; each is the path of a page."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    @cached_property
    def preview(self) -> str:
        """A file that can be imported once it has a name."""
        return self._looked_through("ORBIT_1h.csv", files.with_gaps())

    @cached_property
    def faulty(self) -> str:
        """A file with many faults."""
        return self._looked_through("ZENITH_1h.csv", files.faulty())

    @cached_property
    def unnamed(self) -> str:
        """A file whose columns are not known."""
        return self._looked_through("quotes.csv", files.unnamed())

    @cached_property
    def stored(self) -> str:
        """A dataset that was imported, and resampled, with its first version only."""
        self._desk.send("/api/datasets/", "NOVA_1h.csv", files.first_version(), **NAMES)
        self._desk.post(f"/api/datasets/{NAMED}/resample", {"timeframe": "1d"})
        return f"/data/{NAMED}"

    @cached_property
    def same(self) -> str:
        """A file with the very bars that are there."""
        _ = self.stored
        return self._checked("NOVA_1h-again.csv", files.first_version())

    @cached_property
    def changing(self) -> str:
        """A file that changes bars of a dataset."""
        _ = self.stored
        return self._checked("NOVA_1h-2024.csv", files.later_version())

    @cached_property
    def replaced(self) -> str:
        """The dataset after the import of that file."""
        upload = self.changing.rpartition("/")[2]
        self._desk.post(f"{LOOKS}{upload}/import", NAMES)
        return f"/data/{NAMED}?imported={upload}"

    @property
    def older(self) -> str:
        """The version that the dataset had before."""
        _ = self.replaced
        versions = self._desk.get(f"/api/datasets/{NAMED}")["versions"]
        return f"/data/{NAMED}?version={versions[-1]['version']}"

    @cached_property
    def resampled(self) -> str:
        """Days of the dataset's hours, whose source has a newer version since."""
        _ = self.replaced
        return f"/data/{NAMED.replace('1h', '1d')}"

    @cached_property
    def active(self) -> str:
        """A large file that is being looked through."""
        return self._desk.product.manage("shell", "--no-imports", "-c", LEFT_HALFWAY).strip()

    @property
    def waiting(self) -> str:
        """The list of datasets, with files that wait."""
        for name in ("preview", "faulty", "unnamed"):
            getattr(self, name)
        return "/data"

    def _looked_through(self, name: str, text: str) -> str:
        return str(self._desk.send(LOOKS, name, text)["url"])

    def _checked(self, name: str, text: str) -> str:
        """Have a file looked through as a version of the dataset."""
        body: dict[str, Any] = self._desk.send(LOOKS, name, text)
        self._desk.post(f"{LOOKS}{body['id']}/check", NAMES)
        return str(body["url"])
