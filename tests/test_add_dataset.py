"""A data set is added by one decorated function, from outside the package."""

import pytest
from test_video import moving, write

from clipaction.base.errors import UserError
from clipaction.data.dataset import load_dataset
from clipaction.data.store import prepare
from clipaction.profiles import load_profile


def test_add_a_data_set_in_twenty_lines(tmp_path, monkeypatch, registries):
    monkeypatch.setenv("CLIPACTION_DATA", str(tmp_path / "data"))
    for name in ("wave_01", "wave_02", "walk_01"):
        write(tmp_path / f"{name}.avi", moving(12))
    # --- what a user writes
    from pathlib import Path

    from clipaction.data.dataset import dataset, make_dataset

    @dataset("flat")
    def load_flat(profile):
        """Videos named <class>_<number>.avi in one folder, all of them for testing."""
        clips = []
        for path in sorted(Path(profile.dataset.root).glob("*.avi")):
            cls = path.stem.partition("_")[0]
            clips.append({"id": path.stem, "path": path, "cls": cls, "group": path.stem, "split": "test"})
        return make_dataset("flat", clips, {"walk": "walking", "wave": "waving a hand"})

    # ---
    data = load_dataset(load_profile("folder", {"dataset": {"kind": "flat", "root": str(tmp_path)}}))
    assert data.classes == ("walk", "wave") and [clip.label for clip in data] == [0, 1, 1]
    assert prepare(data, 24, 2, tmp_path / "data" / "frames").frames.shape == (3, 2, 24, 24, 3)


def test_an_unknown_kind_is_one_line_that_names_the_nearest():
    with pytest.raises(UserError, match='unknown kind of data set "foldr"; did you mean "folder"?') as error:
        load_profile("folder", {"dataset.kind": "foldr"})
    assert "\n" not in str(error.value)
