"""What tests of pages may rely on: white space is taken out where it shows nowhere, and only there."""

import pytest

from tests.runs.markup import close_up


@pytest.mark.parametrize(
    ("broken", "closed"),
    [
        ('<tr\n  id="run"\n  data-x="a  b"\n>\n  <td>1</td>\n</tr>', '<tr id="run" data-x="a  b"><td>1</td></tr>'),
        ("<p>\n  Two\n  words\n</p>", "<p>Two words</p>"),
        ("<p>5 <b>bars</b>\n  left</p>", "<p>5 <b>bars</b> left</p>"),
        ("<span>\n  5\n</span> , bars", "<span>5</span> , bars"),
        ("<pre>\n  as  it\n</pre>\n<i></i>", "<pre>\n  as  it\n</pre> <i></i>"),
        ("<textarea\n>  a\nb</textarea>", "<textarea\n>  a\nb</textarea>"),
        ('<p class="note-notes">a\nb</p>', '<p class="note-notes">a\nb</p>'),
    ],
)
def test_white_space_that_shows_is_kept(broken, closed):
    assert close_up(broken) == closed
