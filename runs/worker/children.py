"""The children that a worker process keeps: a warm one per version of a strategy, and a spare.

A nursery forks them, whose imports of NumPy and the compiler are done once for all children of the worker. The spare
saves a strategy that this worker has not run yet the fork, too.
"""

from collections import OrderedDict

from django.conf import settings

from algotrade.child import Child
from algotrade.nursery import NurseryOnDemand
from runs import artifacts

WARM = 2
"""How many versions of strategies stay loaded in one worker; each holds about 150 MB."""


class Children:
    """The children of one worker process.

    The warm ones are no cache: one is taken out while it works, and one too many is closed, where an LRUCache would
    drop it, alive.
    """

    def __init__(self) -> None:
        self._warm: OrderedDict[str, Child] = OrderedDict()
        self._spare: Child | None = None
        self._nursery = NurseryOnDemand(kernels=artifacts.kernels_folder, idle_seconds=None)

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
            nursery=self._nursery.get(),
            memory_bytes=settings.CHILD_MEMORY_BYTES,
            cpu_seconds=settings.CHILD_CPU_SECONDS,
        )


children = Children()
