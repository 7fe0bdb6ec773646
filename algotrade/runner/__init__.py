"""The child in which strategies run: `python -m algotrade.runner PARENT_PID MEMORY_BYTES CPU_SECONDS`.

It reads one JSON job per line and answers with JSON lines: phases, progress, and one last message (`done`, `failed` or
`stopped`). It knows no Django, no database and no secret, and it dies with its parent. Whatever a strategy does to this
process (a segfault, an endless loop, all memory) ends this process only. A child serves one set of sources: modules of
two versions of a strategy never meet.

Each kind of job is a module: `backtests`, `trials`, `descriptions`. What they import costs most of a second, so nothing
of the engine is loaded before `__main__` has bound the process to its parent.
"""
