"""Note: title, notes and tags of a run. A run of which nobody wrote anything has no row here."""

from collections.abc import Sequence

from django.db import models, transaction
from django.db.models import F
from django.utils import timezone

from runs import notify
from runs.models.run import Run

LONGEST_TITLE = 120
LONGEST_NOTES = 10_000
LONGEST_TAG = 32
MOST_TAGS = 10


class NoteQuerySet(models.QuerySet["Note"]):
    """Writing notes, and finding runs by them."""

    def write(self, run: Run, *, title: str, notes: str, tags: Sequence[str]) -> "Note":
        """Put these words in the place of what was written about `run`; no words at all leave no row.

        Readers of the run are told by a new revision, in the same transaction.

        Raises:
            Run.DoesNotExist: somebody has deleted the run meanwhile.
        """
        note = Note(run=run, title=title, notes=notes, tags=joined(tags))
        with transaction.atomic():
            # The run first: its row is then locked against a delete.
            if not Run.objects.filter(pk=run.pk).update(rev=F("rev") + 1, updated_at=timezone.now()):
                raise Run.DoesNotExist(f"{run} was deleted meanwhile.")
            if note.is_empty:
                self.filter(run=run).delete()
            else:
                words = {"title": note.title, "notes": note.notes, "tags": note.tags}
                self.update_or_create(run=run, defaults=words)
            transaction.on_commit(notify.ring, robust=True)
        return note

    def with_tag(self, tag: str) -> "NoteQuerySet":
        """Return the notes that have this very tag."""
        return self.filter(tags__contains=f" {tag} ")

    def with_word(self, word: str) -> "NoteQuerySet":
        """Return the notes in which a word occurs."""
        hit = models.Q(title__icontains=word) | models.Q(notes__icontains=word) | models.Q(tags__icontains=word)
        return self.filter(hit)

    def all_tags(self) -> list[str]:
        """Return every tag that a run has, in order."""
        rows = self.exclude(tags="").order_by().values_list("tags", flat=True).distinct()
        return sorted({tag for tags in rows for tag in tags.split()})


class Note(models.Model):
    """Title, notes and tags of one run.

    A table of its own, because a search reads it whole: the rows of runs carry curves and results, these are short.
    """

    run = models.OneToOneField(Run, on_delete=models.CASCADE, primary_key=True, related_name="note")
    title = models.CharField(max_length=LONGEST_TITLE, blank=True)
    notes = models.TextField(max_length=LONGEST_NOTES, blank=True)
    tags = models.CharField(
        max_length=MOST_TAGS * (LONGEST_TAG + 1) + 1, blank=True, help_text="Each tag stands between two blanks."
    )

    objects = NoteQuerySet.as_manager()

    def __str__(self) -> str:
        """Return the title, or whose note it is."""
        return self.title or f"Note of run {self.run_id}"

    @property
    def tag_list(self) -> list[str]:
        """The tags, as they were given."""
        return self.tags.split()

    @property
    def is_empty(self) -> bool:
        return not (self.title or self.notes or self.tags)


def joined(tags: Sequence[str]) -> str:
    """Return tags as the column holds them: a blank on both sides of each, so that one is found whole."""
    return f" {' '.join(tags)} " if tags else ""
