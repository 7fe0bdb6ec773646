"""The kind of run that a download is: candles of an exchange become a new version of a dataset."""

from typing import Any

from algotrade.resolve import ResolvedDownload
from runs import artifacts
from runs.actions.verbs import common_verbs, why_not_resume
from runs.downloads import live, terminal
from runs.downloads.execution import Downloading, clear_leftovers
from runs.models import Run
from runs.models.kind import Kind, Terminal
from runs.worker.heartbeat import working_on

PHASES = {
    "queued": "Queued",
    "loading_data": "Reading markets",
    "fetching_bars": "Fetching bars",
    "filling_gaps": "Filling gaps",
    "storing_candles": "Storing candles",
}


def _columns(submission: ResolvedDownload) -> dict[str, Any]:
    spec = submission.spec
    return {
        "asset": spec.asset,
        "exchange": spec.exchange,
        "timeframe": spec.timeframe,
        "spec": spec.to_dict(),
        "inputs": submission.inputs,
        "total": submission.total_bars,
    }


def _carry_out(run: Run, owner: str) -> None:
    with working_on(run):
        Downloading(run, owner).carry_out()


def _cancel_text(run: Run) -> str:
    return f"{run.processed:,} bars that were fetched are kept for a resume. The dataset stays as it is."


DOWNLOAD = Kind(
    name="download",
    letter="d",
    unit_label="Fetched",
    phases=PHASES,
    submission=ResolvedDownload,
    columns=_columns,
    resume_note="Resumed: only bars that are missing are fetched.",
    is_off_pace=lambda run: bool(run.live.get("waiting")),
    carry_out=_carry_out,
    deleted=lambda run: artifacts.discard(artifacts.download_folder(run)),
    clear_leftovers=clear_leftovers,
    verbs=common_verbs(resume=why_not_resume),
    cancel_text=_cancel_text,
    delete_text="The dataset stays. Bars fetched for a resume are deleted.",
    subject=live.subject,
    parts=live.parts,
    row=live.row,
    terminal=Terminal(
        progress=terminal.standing,
        headline=terminal.headline,
        lines=terminal.lines,
        problems=terminal.problems,
    ),
)
