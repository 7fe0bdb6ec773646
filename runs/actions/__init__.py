"""Actions on runs, by people and programs: submit, cancel, finish, resume, delete, write notes.

An action judges the run's state and owner, and ends in a transition of the models. What it looks like does not belong
here.
"""
