"""Figures find their place in a README."""
import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
import figures  # noqa: E402

TEXT = "before\n<!-- figures: one -->\nold\n<!-- end -->\nbetween\n<!-- figures: two -->\n<!-- end -->\nafter\n"


def test_only_its_own_block_is_made_anew(tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text(TEXT)
    figures.write(readme, "one", ["a  ", r"b \1"])
    assert readme.read_text() == TEXT.replace("old\n", f"{figures.machine()}.\n\na\nb \\1\n")
    figures.write(readme, "two", ["c"])
    figures.write(readme, "one", [])
    assert readme.read_text() == TEXT.replace("old\n", f"{figures.machine()}.\n\n").replace(
        "two -->\n", f"two -->\n{figures.machine()}.\n\nc\n")


@pytest.mark.parametrize("section", ["three", "on", "o.e"])
def test_a_section_that_is_not_there(section):
    with pytest.raises(ValueError):
        figures.replace(TEXT, section, [])


def test_the_machine_is_named():
    line = figures.machine()
    assert os.uname().release in line and "libmicrohttpd" in line and "libcurl" in line, line
