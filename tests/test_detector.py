"""The detector: COCO classes to actor and prop, files kept beside the store, and what is said without its weights."""

import numpy as np
import pytest
import torch
from torchvision.models.detection import maskrcnn_resnet50_fpn

from clipaction.base.errors import UserError
from clipaction.masking.regions import detector

NAMES = detector.coco_weights().meta["categories"]
SIZE = 40


class Finds(torch.nn.Module):
    """Answers every image with the same things: (category, rows, columns)."""

    def __init__(self, *things):
        super().__init__()
        self.things, self.seen = things, 0

    def forward(self, images):
        self.seen += len(images)
        masks = torch.zeros(len(self.things), 1, SIZE, SIZE)
        for mask, (_, rows, columns) in zip(masks, self.things):
            mask[0, slice(*rows), slice(*columns)] = 0.9
        return [
            {"labels": torch.tensor([NAMES.index(name) for name, *_ in self.things], dtype=torch.long), "masks": masks}
            for _ in images
        ]


def test_props_are_names_coco_has():
    assert set(NAMES) - {"person"} >= detector.PROPS_OF_COCO


def test_persons_are_actors_and_what_they_touch_is_a_prop():
    model = Finds(
        ("person", (10, 30), (5, 15)),
        ("person", (0, 5), (35, 40)),
        ("bicycle", (20, 30), (15, 20)),
        ("bicycle", (0, 5), (15, 20)),
        ("chair", (10, 30), (10, 20)),
    )
    cover = detector.detect(model, np.zeros((2, SIZE, SIZE, 3), np.uint8))
    assert cover.dtype == np.uint8 and cover.shape == (2, 2, SIZE, SIZE)
    actor, prop = np.zeros((2, SIZE, SIZE), bool)
    actor[10:30, 5:15] = actor[0:5, 35:40] = prop[20:30, 15:20] = True  # not the chair, not the bicycle far away
    assert ((cover[0, 0] > 127) == actor).all() and ((cover[1, 1] > 127) == prop).all()


def test_nobody_there_is_no_actor_and_no_prop():
    assert detector.detect(Finds(("bicycle", (0, 9), (0, 9))), np.zeros((1, SIZE, SIZE, 3), np.uint8)).max() == 0
    assert detector.detect(Finds(), np.zeros((1, SIZE, SIZE, 3), np.uint8)).max() == 0


def test_a_clip_is_detected_once(tmp_path):
    frames, model = np.zeros((3, 2, SIZE, SIZE, 3), np.uint8), Finds(("person", (1, 9), (1, 9)))
    found = detector.Detections(tmp_path)
    found.model = model
    found.find([0, 2], frames)
    assert model.seen == 4
    again = detector.Detections(tmp_path)  # without a model: it must not need one
    assert (again(2, frames[2]) == detector.detect(model, frames[2])).all()
    again.find([0, 2], frames)
    assert again.model is None and not list(tmp_path.rglob("*tmp*"))


def test_torchvisions_model_speaks_as_expected():
    torch.manual_seed(0)
    model = maskrcnn_resnet50_fpn(weights=None, weights_backbone=None, box_score_thresh=0.0, min_size=64).eval()
    cover = detector.detect(model, np.random.default_rng(0).integers(0, 256, (1, SIZE, SIZE, 3), dtype=np.uint8))
    assert cover.shape == (1, 2, SIZE, SIZE)


def test_no_network_is_one_line_that_says_where_the_file_goes(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(torch.hub, "_hub_dir", None)

    def refuse(*_, **__):
        raise OSError("no route to host")

    monkeypatch.setattr(torch.hub, "download_url_to_file", refuse)
    with pytest.raises(UserError, match="no route to host.*place that file in .*checkpoints") as error:
        detector.load_detector()
    assert "\n" not in str(error.value)
