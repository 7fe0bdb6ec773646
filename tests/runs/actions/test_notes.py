"""Title, notes and tags: what may be written, by whom, on the page and by program."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from algotrade.errors import SpecError
from runs.actions import notes
from runs.models import Note, Run, RunState
from runs.models.note import LONGEST_NOTES, LONGEST_TAG, LONGEST_TITLE, MOST_TAGS
from tests.builders import make_user
from tests.runs.clients import browser, program
from tests.runs.pages import make_page_run
from tests.runs.test_security_people import EVIL
from tests.runs.trials import make_optimization

WORDS = {"title": "Breakout", "notes": "First\nsecond", "tags": "fee night"}


def wrong(told):
    with pytest.raises(SpecError) as caught:
        notes.checked(told)
    return caught.value.fields


def test_words_are_trimmed_and_tags_are_lower_case_and_distinct():
    words = notes.checked({"title": "  A title ", "notes": "a\r\nb\rc\n", "tags": "#Fee, night  fee"})
    assert words == notes.NoteText("A title", "a\nb\nc", ("fee", "night"))


@pytest.mark.parametrize(
    ("told", "name", "says"),
    [
        ({"title": "x" * (LONGEST_TITLE + 1)}, "title", "At most 120 characters; there are 121."),
        ({"title": "two\nlines"}, "title", "one line"),
        ({"title": 7}, "title", "Must be text; it is int."),
        ({"notes": "x" * (LONGEST_NOTES + 1)}, "notes", "At most 10,000"),
        ({"notes": "a\0b"}, "notes", "control characters"),
        ({"notes": "\ud800"}, "notes", "control characters"),
        ({"title": "\u200b"}, "title", r"without control characters or invisible ones; it has '\u200b'."),
        ({"title": "profit \u202e002"}, "title", r"it has '\u202e'"),
        ({"notes": "a\u2066b"}, "notes", r"it has '\u2066'"),
        ({"notes": "a\u00adb"}, "notes", r"it has '\xad'"),
        ({"notes": "hidden\U000e0041"}, "notes", r"it has '\U000e0041'"),
        ({"title": "\u200d\u200c"}, "title", "visible character"),
        ({"title": "\ufe0f"}, "title", "visible character"),
        ({"notes": "\u3164 \u2800"}, "notes", "visible character"),
        ({"tags": "a\u200b"}, "tags", "A tag must be letters and digits"),
        ({"tags": "\u3164"}, "tags", "A tag must be letters and digits"),
        ({"tags": ["a\u202eb"]}, "tags", "A tag must be letters and digits"),
        ({"tags": "a;b"}, "tags", "'a;b'"),
        ({"tags": ["two words"]}, "tags", "'two words'"),
        ({"tags": "x" * (LONGEST_TAG + 1)}, "tags", "has 33"),
        ({"tags": [str(n) for n in range(MOST_TAGS + 1)]}, "tags", "At most 10 tags; there are 11."),
        ({"tags": {"a": 1}}, "tags", "Must be a list of texts"),
        ({"tags": 0}, "tags", "Must be a list of texts"),
        ({"state": "completed"}, "state", "Known: title, notes, tags"),
    ],
)
def test_what_may_not_be_written_is_named(told, name, says):
    assert says in wrong(told)[name]


@pytest.mark.parametrize(
    "title",
    [
        "\U0001f3f3\ufe0f\u200d\U0001f308",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "e\u0301",
        "1\ufe0f\u20e3",
        "\uf8ff",
        "-",
    ],
)
def test_whatever_is_seen_may_be_written(title):
    assert notes.checked({"title": title, "notes": title}) == notes.NoteText(title, title, ())


@given(st.text(max_size=200), st.text(max_size=200), st.text(max_size=60))
def test_whatever_is_typed_is_stored_as_it_was_checked_or_refused(title, text, tags):
    try:
        words = notes.checked({"title": title, "notes": text, "tags": tags})
    except SpecError:
        return
    assert notes.checked({"title": words.title, "notes": words.notes, "tags": list(words.tags)}) == words


def test_writing_raises_the_revision_and_empty_words_leave_no_row(user):
    run = make_page_run(user=user)
    Note.objects.write(run, title="x", notes="", tags=["a"])
    assert (Note.objects.get().tags, Run.objects.get().rev) == (" a ", run.rev + 1)
    Note.objects.write(run, title="", notes="", tags=[])
    assert (Note.objects.count(), Run.objects.get().rev) == (0, run.rev + 2)


@pytest.mark.parametrize("make", [make_page_run, make_optimization])
def test_owner_writes_without_a_script_and_finds_it_on_the_page_and_in_the_list(site, user, make):
    run = make(user=user)
    assert 'name="title"' in site.get(f"/runs/{run.id}/note").content.decode()
    response = site.post(f"/runs/{run.id}/note", WORDS, follow=True)
    assert response.redirect_chain == [(run.get_absolute_url(), 302)]
    for path in (run.get_absolute_url(), "/runs"):
        content = site.get(path).content.decode()
        assert "Breakout" in content
        assert 'href="/runs?tag=fee"' in content


def test_script_gets_the_part_in_place(site, user):
    run, headers = make_page_run(user=user), {"HX-Request": "true"}
    form = site.get(f"/runs/{run.id}/note", headers=headers).content.decode()
    assert form.startswith('<form id="run-note"')
    saved = site.post(f"/runs/{run.id}/note", WORDS, headers=headers).content.decode()
    assert 'id="run-note"' in saved
    assert "First\nsecond" in saved
    assert 'id="run-note"' in site.get(f"/runs/{run.id}/note?show", headers=headers).content.decode()


@pytest.mark.parametrize(("headers", "status"), [({}, 422), ({"HX-Request": "true"}, 200)])
def test_wrong_words_are_kept_in_the_form_with_their_message(site, user, headers, status):
    run = make_page_run(user=user)
    response = site.post(f"/runs/{run.id}/note", WORDS | {"tags": "a;b"}, headers=headers)
    content = response.content.decode()
    assert response.status_code == status
    tags = re.search(r'<input [^>]*name="tags"[^>]*>', content)[0]
    assert all(part in tags for part in ('value="a;b"', "autofocus", 'aria-invalid="true"'))
    assert "Breakout" in content
    assert not Note.objects.exists()


def test_stranger_to_a_run_reads_and_does_not_write(site):
    run = make_page_run(user=make_user())
    Note.objects.write(run, title="Theirs", notes="", tags=[])
    content = site.get(run.get_absolute_url()).content.decode()
    assert "Theirs" in content
    assert "edit-note" not in content
    assert site.get(f"/runs/{run.id}/note").status_code == 404
    assert site.post(f"/runs/{run.id}/note", WORDS).status_code == 404
    assert Note.objects.get().title == "Theirs"


def test_staff_write_about_every_run(db):
    run = make_page_run()
    assert browser(make_user(is_staff=True)).post(f"/runs/{run.id}/note", WORDS).status_code == 302
    assert Note.objects.get().title == "Breakout"


def test_note_takes_only_what_it_is_for(site, user):
    run = make_page_run(user=user)
    assert site.put(f"/runs/{run.id}/note").status_code == 405


@pytest.mark.parametrize(("make", "place"), [(make_page_run, "backtests"), (make_optimization, "optimizations")])
def test_program_changes_what_it_names_and_nothing_else(user, make, place):
    run, client = make(user=user), program(user)
    path = f"/api/{place}/{run.id}"
    first = client.patch(path, {"title": "Breakout", "tags": ["fee"]}, content_type="application/json")
    assert first.status_code == 200
    second = client.patch(path, {"notes": "Learnt"}, content_type="application/json").json()
    assert (second["title"], second["notes"], second["tags"]) == ("Breakout", "Learnt", ["fee"])
    assert client.get(path).json()["tags"] == ["fee"]
    assert [item["id"] for item in client.get(f"/api/{place}/?tag=fee&q=learnt").json()["items"]] == [str(run.id)]
    assert client.get(f"/api/{place}/?tag=fe").json()["total"] == 0


@pytest.mark.parametrize("body", [{"title": 7}, {"owner": "me"}, {"tags": "a;b"}, []])
def test_program_is_told_which_field_is_wrong(user, body):
    run = make_page_run(user=user)
    response = program(user).patch(f"/api/backtests/{run.id}", body, content_type="application/json")
    assert response.status_code == 400
    assert set(response.json()["fields"]) == set(body)
    assert not Note.objects.exists()


def test_other_users_program_may_not_write(db):
    run = make_page_run()
    response = program().patch(f"/api/backtests/{run.id}", {"title": "x"}, content_type="application/json")
    assert response.status_code == 403
    assert not Note.objects.exists()


def test_words_never_become_markup(site, user):
    run = make_page_run(RunState.FAILED, user=user)
    Note.objects.write(run, title=EVIL[:LONGEST_TITLE], notes=EVIL, tags=["safe"])
    for path in ("/runs", run.get_absolute_url(), f"/runs/{run.id}/note", f"/runs/live?id={run.id}"):
        content = site.get(path).content.decode()
        assert "<script>alert" not in content
        assert "<img src=x" not in content
