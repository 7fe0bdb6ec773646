"""Title, notes and tags of a run by program."""

from typing import Any

from runs.api.bodies import words_body
from runs.models import Note, Run
from runs.notes import checked


def rewritten(run: Run, told: dict[str, Any]) -> Run:
    """Store what a body tells of a run, and return the run as it is then.

    Raises:
        SpecError: a field is unknown, of another kind, or too long.
    """
    kept = {name: value for name, value in words_body(run).items() if name not in told}
    words = checked({**kept, **told})
    Note.objects.write(run, title=words.title, notes=words.notes, tags=words.tags)
    return Run.objects.select_related("note").get(pk=run.pk)
