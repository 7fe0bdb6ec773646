"""Fields of forms: what they draw, where the validator's messages stand, and what is told of them."""

import re

import pytest

from algotrade.errors import SpecError
from runs.display.fields import CheckedForm, PlainField, Ticks, moment_field, number_input


class Form(CheckedForm):
    """A form that is refused with the messages that it was given."""

    def __init__(self, data=None, messages=(), **initial):
        super().__init__(data, initial)
        self.messages = dict(messages)
        self.fields |= {
            "sizing.at_most": PlainField("Size", number_input(), help="In units.", unit="units"),
            "sides": PlainField("Sides", Ticks(choices=[("long", "long"), ("short", "short")]), called="The sides"),
            "start": moment_field("From"),
        }

    def check(self):
        """Refuse what has messages."""
        if self.messages:
            raise SpecError(self.messages)


def tags(field):
    return re.findall(r"<[^>]*>", str(field))


def test_ids_have_no_dots_and_tell_of_help_and_message():
    field = Form()["sizing.at_most"]
    assert field.auto_id == "field-sizing-at-most"
    assert 'aria-describedby="field-sizing-at-most-error field-sizing-at-most-help"' in str(field)
    assert 'name="sizing.at_most"' in str(field)


def test_message_stands_beside_its_field_and_the_first_one_has_the_focus():
    form = Form({}, {"start": "Too late.", "sizing.at_most": "Too large."})
    assert not form.is_valid()
    assert [form[name].errors[0] for name in ("start", "sizing.at_most")] == ["Too late.", "Too large."]
    assert [" autofocus" in str(form[name]) for name in ("start", "sizing.at_most")] == [True, False]
    assert 'aria-invalid="true"' in str(form["sizing.at_most"])


def test_message_about_no_field_is_told_of_the_form():
    form = Form({}, {"speed": "Unknown field.", "noise": "Unknown, too."})
    assert form.non_field_errors() == ["Unknown field.", "Unknown, too."]
    assert form.problems == [("", "Unknown field."), ("", "Unknown, too.")]


def test_problems_have_the_label_unless_the_message_names_the_field():
    form = Form({}, {"sizing.at_most": "The size is too large.", "sides": "No sides.", "start": "It came from here."})
    assert [label for label, _ in form.problems] == ["", "The sides", "From"]
    assert Form({}, {"sizing.at_most": "Too large."}).problems == [("Size", "Too large.")]


def test_of_several_boxes_the_first_one_is_marked():
    form = Form({}, {"sides": "Pick one."})
    boxes = [tag for tag in tags(form["sides"]) if "<input" in tag]
    assert ["autofocus" in box and "aria-invalid" in box for box in boxes] == [True, False]
    assert form["sides"].id_for_label == "field-sides-0"


@pytest.mark.parametrize(
    ("value", "kind"), [("2024-01-02", "date"), ("", "date"), ("2024-01-02T05:00", "datetime-local")]
)
def test_moment_is_a_day_unless_it_has_a_time(value, kind):
    assert f'type="{kind}"' in str(Form(start=value)["start"])


def test_form_is_sent_as_it_stands():
    sent = Form(sides=["long", "short"], other="1").unchanged()
    assert sent.getlist("sides") == ["long", "short"]
    assert (sent["sizing.at_most"], sent["other"]) == ("", "1")


def test_field_that_was_not_sent_is_empty():
    form = Form({}, start="2024-01-02")
    assert form.is_valid()
    assert form.cleaned_data["start"] == form["start"].value() == ""
