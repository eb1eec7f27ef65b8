"""The model finds what it is for: defects put into a copy of the tree.  Minutes; a long form only."""
import figures
from model import defects


def test_seeded_defects_are_found():
    told = []
    missed = defects.all_found(say=lambda line, **_: told.append(line))
    print("\n" + "\n".join(told))
    assert missed == []
    figures.write(defects.ROOT / "tests/FIGURES.md", "model-defects", [f"- {line}" for line in told])
