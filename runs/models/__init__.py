"""The rows that are the truth: runs, trials, chunks, workers, and the one place where a state may change.

    pending -> running -> completed | failed | cancelled
    pending -> cancelled
    running -> pending              (its worker was lost, or its node is draining)
    cancelled | failed -> pending   (Resume: optimizations and downloads; what was done is kept, none is done again)
    completed | failed -> pending   (Retry failed: optimizations only; only the failed trials run again)

Every arrow is one method `mark_<state>`: a single UPDATE guarded by the state (and the owner, where a worker does it)
that it starts from. One changed row means that you won; zero means that somebody else was quicker, and nothing was
written. Each visible change raises `rev` by one and rings the bell on commit; readers drop a `rev` that is not newer.

A backtest has one owner from its claim to its end. An optimization is prepared and reported by one owner, too; in
between, while its phase is `running_trials`, it has none: then its chunks have owners, as many as workers are free.
"""

from runs.access_models import ApiToken, LoginLink
from runs.models.note import Note
from runs.models.run import Run, RunQuerySet
from runs.models.search import Chunk, Trial, TrialFamily
from runs.models.states import ACTIVE, TERMINAL, TRIALS_PHASE, IllegalTransition, RunKind, RunState
from runs.models.upload import Upload, UploadState
from runs.models.worker import Worker

__all__ = [
    "ACTIVE",
    "TERMINAL",
    "TRIALS_PHASE",
    "ApiToken",
    "Chunk",
    "IllegalTransition",
    "LoginLink",
    "Note",
    "Run",
    "RunKind",
    "RunQuerySet",
    "RunState",
    "Trial",
    "TrialFamily",
    "Upload",
    "UploadState",
    "Worker",
]
