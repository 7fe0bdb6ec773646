"""The children that a worker process keeps: a warm one per version of a strategy, and a spare whose imports are done.

A spare is started as soon as the last one is at work, so a strategy that this worker has not run yet does not wait for
the imports of NumPy and the compiler either; not sooner, because two that import at once both take twice as long.
"""

from collections import OrderedDict

from django.conf import settings

from algotrade.child import Child
from runs import artifacts

WARM = 2
"""How many versions of strategies stay loaded in one worker; each holds about 150 MB."""


class Children:
    """The children of one worker process, started by its main thread (they die with the thread that started them)."""

    def __init__(self) -> None:
        """Start with none."""
        self._warm: OrderedDict[str, Child] = OrderedDict()
        self._spare: Child | None = None

    def take(self, source_hash: str) -> Child:
        """Return a child that has run these sources before, or a fresh one."""
        child = self._warm.pop(source_hash, None)
        if child is not None and child.is_alive:
            return child
        child, self._spare = self._spare, None
        if child is None or not child.is_alive:
            child = self._start()
        return child

    def give_back(self, child: Child, source_hash: str) -> None:
        """Keep a child that ended its job well for the next run of the same sources; what the job forked ends here."""
        if not child.end_forks():
            child.close()
            return
        self._warm[source_hash] = child
        while len(self._warm) > WARM:
            self._warm.popitem(last=False)[1].close()

    def warm_up(self) -> None:
        """Start the spare: before the first ticket comes, and when the last spare is at work."""
        if self._spare is None or not self._spare.is_alive:
            self._spare = self._start()

    def _start(self) -> Child:
        return Child(
            kernels=artifacts.kernels_folder(),
            memory_bytes=settings.CHILD_MEMORY_BYTES,
            cpu_seconds=settings.CHILD_CPU_SECONDS,
        )


children = Children()
