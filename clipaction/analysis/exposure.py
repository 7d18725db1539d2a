"""How much each method saw before the test clips: CLIP in its pretraining, a network in its own training."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from ..base.cache import read_table
from ..base.files import read_json
from ..evaluate.methods import METHODS, find_method
from ..vision.load import find_weights

COUNTS = re.compile(r"Samples seen: (\d+) \(drawn from (\d+) rendered images")  # a line of the card beside the weights


def clip_exposure(name: str, pretrained: str) -> str:
    """What an open_clip model was pretrained on, as the card beside its weights counts it; else where the weights are
    from."""
    weights = find_weights(name, pretrained)
    card = Path(weights).with_suffix(".md")
    if card.is_file() and (found := COUNTS.search(card.read_text())):
        samples, images = map(int, found.groups())
        return f"{samples:,} samples of {images:,} rendered images, with captions"
    return f"images with captions (weights: {Path(weights).name}); how many like these is not known"


def network_exposure(study, name: str, clips: int) -> str:
    """How many training clips a network was trained on and how often, from its saved training curve."""
    epochs = len(read_table(study.results / "baselines" / f"{name}.parquet"))
    own, build = f"{clips:,} training clips, {epochs} times", METHODS[name].build
    first, pretraining = getattr(build, "starts_from", None), getattr(build, "pretrained_on", None)
    before = find_method(first).label if first else pretraining
    return f"{own}, starting from {before}" if before else own


def note_exposure(study, clips: int, networks: Iterable[str]) -> dict[str, str]:
    """Add the entry `seen` to every method in results/<profile>/methods.json; -> the entries by method. All that are
    no networks start from CLIP.

    clips: number of training clips. networks: names of the networks of this run."""
    model = study.profile.model
    methods = read_json(study.results / "methods.json") or {}
    texts = dict.fromkeys(
        (name for name, facts in methods.items() if facts["kind"] != "network"),
        clip_exposure(model.name, model.pretrained),
    )
    texts |= {name: network_exposure(study, name, clips) for name in networks}
    study.record(
        "methods",
        {name: facts | ({"seen": texts[name]} if name in texts else {}) for name, facts in methods.items()},
    )
    return texts
