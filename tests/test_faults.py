"""The short form of tests/faults/: every fault is survived."""

import pytest
from faults import faults, tries


@pytest.mark.parametrize("name", [name for name, each in faults().items() if not each.long])
def test_it_is_survived(name, tmp_path):
    found = tries(faults()[name], tmp_path)
    lost = [f"{what}: {wrong}" for what, wrong in found if wrong]
    assert found and not lost, "\n".join(lost)
