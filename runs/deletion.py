"""Deleting runs: the row first, guarded by its state, then the files that only it named."""

from runs import artifacts, notify
from runs.models import TERMINAL, Run


def delete_run(run: Run) -> bool:
    """Delete a run that has ended, with its files; False when it is active, or gone already."""
    deleted, _ = Run.objects.filter(pk=run.pk, state__in=TERMINAL).delete()
    if not deleted:
        return False
    if run.artifact:
        artifacts.discard(artifacts.folder(run))
    if run.is_download:
        artifacts.discard(artifacts.download_folder(run))
    notify.ring()
    return True
