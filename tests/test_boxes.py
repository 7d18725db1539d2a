"""Annotated boxes: geometry through resize and crop, frames without the action, and files that are something else."""

import os
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.io import savemat

from clipaction.base.errors import UserError
from clipaction.masking.regions import boxes

NAME = "v_Basketball_g01_c01"


@pytest.fixture
def annotations(tmp_path):
    """A file as the authors' MATLAB writes it: one video, boxes from its second to its third frame."""
    values = (np.uint8([[2]]), np.uint8([[3]]), np.uint8([[1]]), np.uint8([[41, 1, 240, 240], [201, 101, 100, 120]]))
    tube = np.array([[values]], dtype=[("sf", "O"), ("ef", "O"), ("class", "O"), ("boxes", "O")])
    annot = np.empty((1, 1), [("num_imgs", "O"), ("name", "O"), ("tubes", "O")])
    annot[0, 0] = (np.uint8([[5]]), f"Basketball/{NAME}", tube)
    savemat(tmp_path / boxes.FILE, {"annot": annot})
    return tmp_path / boxes.FILE


def table(name=NAME):
    return pd.DataFrame([{"row": 7, "id": name, "indices": [0, 1, 2, 4], "height": 240, "width": 320}]).set_index("row")


def test_boxes_follow_the_frames_resize_and_crop(annotations):
    cover = boxes.Boxes(str(annotations), table())(7, np.zeros((4, 48, 48, 3), np.uint8))
    assert cover.dtype == np.uint8 and cover.shape == (4, 2, 48, 48) and cover[:, 1].max() == 0
    assert cover[0].max() == 0 and cover[3].max() == 0  # the action has not begun; it is over
    assert (cover[1, 0] > 200).all()  # x 40 to 280 of 320, all rows: just what the crop keeps
    wanted = np.zeros((48, 48), bool)
    wanted[20:44, 32:48] = True  # (100, 200) to (220, 300), less 40 columns, a fifth the size
    assert ((cover[2, 0] > 127) == wanted).all()  # 200 + 100 does not wrap around in uint8


def test_a_class_without_annotations_is_named_and_a_missing_video_is_not_fatal(annotations, capsys):
    frames = np.zeros((4, 48, 48, 3), np.uint8)
    with pytest.raises(UserError, match="v_Archery_g01_c01.*Basketball"):
        boxes.Boxes(str(annotations), table("v_Archery_g01_c01"))(7, frames)
    assert boxes.Boxes(str(annotations), table("v_Basketball_g09_c01"))(7, frames).max() == 0
    assert "v_Basketball_g09_c01" in "".join(capsys.readouterr())


def test_no_file_and_a_wrong_one_are_said(tmp_path):
    with pytest.raises(UserError, match="fetch finalAnnots.mat from https"):
        boxes.read_boxes(tmp_path / boxes.FILE)
    for content in (b"", b"<html>not found</html>" * 20, pickle.dumps({"annot": 1}) * 9):
        (tmp_path / "bad.mat").write_bytes(content)
        with pytest.raises(UserError, match="bad.mat is not the list of UCF101-24 boxes"):
            boxes.read_boxes(tmp_path / "bad.mat")


@pytest.mark.skipif("CLIPACTION_TEST_BOXES" not in os.environ, reason="CLIPACTION_TEST_BOXES names no finalAnnots.mat")
def test_the_real_annotations():
    tubes = boxes.read_boxes(Path(os.environ["CLIPACTION_TEST_BOXES"]))
    assert len(tubes) == 3194 and len({name.split("_")[1] for name in tubes}) == 24
    for video in tubes.values():
        for first, found in video:
            assert first >= 0 and (found[:, :2] >= 0).all()
            assert (found[:, 0] + found[:, 2] <= 320).all() and (found[:, 1] + found[:, 3] <= 240).all()
