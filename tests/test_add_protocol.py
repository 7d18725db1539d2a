"""A protocol is added by one decorated function, from outside the package: the cell below is all that a user writes."""

import dataclasses
import inspect

import numpy as np
import pandas as pd
import pytest
import torch
from synthetic import predict, write_results

from clipaction.evaluate import sweep
from clipaction.evaluate.judge import describe_methods, evaluate_methods
from clipaction.evaluate.methods import METHODS
from clipaction.noise.gates import gated_noise
from clipaction.noise.learning import Learned, setup_of
from clipaction.noise.parameters import ClassNoise
from clipaction.noise.protocols import build_protocols
from clipaction.paper.results import Results
from clipaction.paper.style import GREY
from clipaction.paper.tables import TABLES


def add():
    from functools import partial

    from clipaction.noise import gates, parameters
    from clipaction.noise.protocols import protocol
    from clipaction.vision.zero_shot import zero_shot

    def half_gated(clip, head, x, delta, gate):
        frames = x.flatten(0, 1)
        noise = 0.5 * gates.gated_noise(clip, head, frames, delta, gate)
        return zero_shot(clip, head, parameters.add(frames, noise).unflatten(0, x.shape[:2]))

    @protocol("half", "half of the gated noise", colour="sky", marker="P", labels="training", needs=("gated",))
    def half(setup):
        return partial(half_gated, setup.clip, setup.head, delta=setup.noises["gated"], gate=setup.gates["gated"])


def add_another():
    """The same, written as a closure over the set-up, and with another strength."""
    from clipaction.noise import gates, parameters
    from clipaction.noise.protocols import protocol
    from clipaction.vision.zero_shot import zero_shot

    @protocol("half", "half of the gated noise", labels="training")
    def half(setup):
        delta, gate = setup.noises["gated"], setup.gates["gated"]

        def judge(x):
            frames = x.flatten(0, 1)
            noise = 0.25 * gates.gated_noise(setup.clip, setup.head, frames, delta, gate)
            return zero_shot(setup.clip, setup.head, parameters.add(frames, noise).unflatten(0, x.shape[:2]))

        return judge


def add_bound():
    import torch

    from clipaction.noise.protocols import protocol

    @protocol("told", "told the answer", labels="the clip's own", uses_label=True)
    def told(setup):
        def judge(x, labels):
            scores = torch.nn.functional.one_hot(labels, len(setup.head)).float()
            return scores, scores[:, None].expand(-1, x.shape[1], -1)

        return judge


@pytest.fixture(autouse=True)
def half(registries):
    add()


@pytest.fixture
def setup(toy_study):
    delta = ClassNoise(5, 16, 16 / 255, 4, seed=3)().detach() * 30
    noises = {"gated": delta, "naive": delta.flip(0), "shared": delta[:1]}
    gates = {"gated": torch.randn(5, 9, generator=torch.Generator().manual_seed(2))}
    return setup_of(toy_study, Learned(noises, gates))


def test_it_takes_few_lines():
    assert len(inspect.getsource(add).splitlines()) <= 20 and len(inspect.getsource(add_bound).splitlines()) <= 20


def test_it_is_built_with_the_others_and_takes_images_alone(setup, toy_study, toy_frames):
    built = build_protocols(setup)
    assert list(built)[-1] == "half" and set(built) > {"none", "gated", "shared"} and "anchored" not in built
    without = dataclasses.replace(setup, noises={"shared": setup.noises["shared"]})
    assert "half" not in build_protocols(without)
    x = torch.from_numpy(toy_frames).permute(0, 1, 4, 2, 3).float() / 255
    noise = gated_noise(setup.clip, setup.head, x.flatten(0, 1), setup.noises["gated"], setup.gates["gated"])
    noisy = (x.flatten(0, 1) + noise / 2).clamp(0, 1).unflatten(0, (12, 3))
    torch.testing.assert_close(built["half"](x)[0], build_protocols(setup, ["none"])["none"](noisy)[0])
    with pytest.raises(TypeError, match="labels"):
        built["half"](x, labels=torch.zeros(12))


def test_it_is_evaluated_once_and_again_when_its_code_or_its_noise_changes(setup, toy_study, toy_meta, monkeypatch):
    swept, original = [], sweep._predict

    def counted(*args):
        swept.extend(args[0])
        return original(*args)

    monkeypatch.setattr(sweep, "_predict", counted)

    def evaluate() -> pd.DataFrame:
        return evaluate_methods(toy_study, toy_meta, build_protocols(setup, ["none", "half"]), ["none"])

    first = evaluate()
    evaluate()
    add()  # the cell is run again
    evaluate()
    assert swept == ["none", "half"] and list(first["method"].unique()) == swept
    add_another()
    second = evaluate()
    evaluate()
    assert swept[2:] == ["half"] and not np.allclose(first["p_pred"], second["p_pred"])
    setup.noises["gated"] = setup.noises["gated"] + 0.01
    evaluate()
    assert swept[3:] == ["half"]


def test_figures_and_tables_know_it_also_where_it_is_not_registered(tmp_path):
    facts = describe_methods(["none", "half"])["half"]
    assert facts["labels"] == "training" and not facts["uses_label"]
    results = Results(write_results(tmp_path / "quick", "quick"))
    for _ in range(2):
        look = results.method("half")
        assert (look.label, look.labels, look.uses_label) == ("half of the gated noise", "training", False)
        (results.folder / "methods.json").write_text(pd.Series({"half": facts}).to_json())
        METHODS.pop("half", None)
        results = Results(results.folder)


def test_a_bound_is_given_labels_and_marked_as_one(setup, toy_study, toy_meta, tmp_path):
    add_bound()
    table = evaluate_methods(toy_study, toy_meta, build_protocols(setup, ["none", "told"]), ["none"])
    told = table[table["method"] == "told"]
    assert (told["pred"] == told["label"]).all()
    wrong = toy_meta.assign(label=(toy_meta["label"] + 1) % 5)  # what is kept is not found under other labels
    told = evaluate_methods(toy_study, wrong, build_protocols(setup, ["told"]), ["none"])
    assert (told["pred"] == wrong["label"]).all()
    facts = describe_methods(["half", "told"])
    assert facts["told"]["uses_label"] and not facts["half"]["uses_label"]
    look = Results(write_results(tmp_path / "quick", "quick")).method("told")
    assert look.uses_label and look.label == "told the answer (uses the label)" and look.colour == GREY


def test_a_bound_is_marked_in_the_table_and_never_the_best(tmp_path):
    add_bound()
    folder = write_results(tmp_path / "quick", "quick")
    path = folder / "predictions" / "noise.parquet"
    noise = pd.read_parquet(path)
    rows = noise[(noise["method"] == "none") & (noise["condition"] == "none")]
    best = rows.assign(method="told", pred=rows["label"])
    half = predict(rows.rename(columns={"clip": "id"}), 12, "half", "none", np.random.default_rng(0), keep=True)
    pd.concat([noise, best, half[list(noise)]]).to_parquet(path, index=False)
    made = TABLES["tab05"](folder)
    row = made.data[(made.data["method"] == "told") & (made.data["condition"] == "none")].iloc[0]
    assert row["acc"] == 1 and row["uses_label"] and pd.isna(row["p"])
    view = made.view.set_index("method")
    assert "half of the gated noise" in view.index
    assert "**" not in " ".join(map(str, view.loc["told the answer (uses the label)"]))
