"""The rows that are the truth: runs, trials, chunks, workers, and the one place where a state may change.

    pending -> running -> completed | failed | cancelled
    pending -> cancelled
    running -> pending              (its worker was lost, or its node is shutting down)
    cancelled | failed -> pending   (Resume: optimizations and downloads; what was done is kept, none is done again)
    completed | failed -> pending   (Retry failed: optimizations only; only the failed trials run again)

Every arrow is one method `mark_<state>`: a single UPDATE guarded by the state (and the owner, where a worker does it)
that it starts from. One changed row means that you won; zero means that somebody else was quicker, and nothing was
written. Each visible change raises `rev` by one and rings the bell on commit; readers drop a `rev` that is not newer.

A backtest has one owner from its claim to its end. An optimization is prepared and reported by one owner, too; in
between, while its phase is `running_trials`, it has none: then its chunks have owners, as many as workers are free.
"""

from runs.models.access import ApiToken, LoginLink
from runs.models.kind import Kind, Submission, all_kinds, kind_named, kind_of
from runs.models.note import Note
from runs.models.optimization import Chunk, Trial, TrialFamily
from runs.models.run import Run, RunQuerySet
from runs.models.states import ACTIVE, TERMINAL, TRIALS_PHASE, IllegalTransition, RunState
from runs.models.transitions import HEADLINE
from runs.models.upload import Upload, UploadState
from runs.models.worker import Worker

__all__ = [
    "ACTIVE",
    "HEADLINE",
    "TERMINAL",
    "TRIALS_PHASE",
    "ApiToken",
    "Chunk",
    "IllegalTransition",
    "Kind",
    "LoginLink",
    "Note",
    "Run",
    "RunQuerySet",
    "RunState",
    "Submission",
    "Trial",
    "TrialFamily",
    "Upload",
    "UploadState",
    "Worker",
    "all_kinds",
    "kind_named",
    "kind_of",
]
