"""Text that a naive map changes, and odd text, in every field of a network: every map shows it as given."""

from __future__ import annotations

import hostile
import pytest

TEXTS = {**hostile.CHANGES, **hostile.ODD}


@pytest.mark.parametrize("text", hostile.marked(TEXTS))
def test_a_map_shows_text_as_given(text, tmp_path, opened):
    hostile.check(text, tmp_path, opened, hostile.KINDS)


@pytest.mark.long
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_every_other_kind_of_map_shows_text_as_given(text, tmp_path, opened):
    hostile.check(text, tmp_path, opened, hostile.OTHERS)
