"""Known doses of bias: images are drawn as a dose says, weights load, and the statistics find a dose that is there."""

import numpy as np
import open_clip
import pandas as pd
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from clipaction.analysis import dose, dose_response
from clipaction.base.errors import UserError
from clipaction.demo import train
from clipaction.demo.actions import ACTIONS
from clipaction.demo.batches import Curriculum, batch_of, draw
from clipaction.demo.dose import DOSES, available, coupled, coupled_share, dose_path, image_weights, save_dose
from clipaction.demo.samples import SIDE, Samples
from clipaction.demo.tower import NAME
from clipaction.paper.figures import FIGURES
from clipaction.paper.tables import TABLES
from clipaction.vision.clip import CLIP, TEMPLATES
from clipaction.vision.dosed import load_dosed

shipped = pytest.mark.skipif(not available(), reason="the models with known doses are not here")
HOME = [name for name, action in ACTIONS.items() if not action.clinical]
SCENES = sorted({action.scene for action in ACTIONS.values()})


@pytest.fixture(scope="module")
def facts():
    """A pool in which every action is in every scene, some more often than others."""
    cells = [(a, s, "a man") for a in ACTIONS for s in SCENES]
    return [cell for k, cell in enumerate(cells) for _ in range(1 + k % 4)]


def shares(facts, weights, of):
    return pd.Series(weights).groupby([each[of] for each in facts]).sum()


@pytest.mark.parametrize("wanted", [0.0, 0.25, 0.75])
def test_a_dose_changes_how_often_scene_and_action_go_together_and_nothing_else(facts, wanted):
    weights, none = image_weights(facts, wanted), image_weights(facts, 0.0)
    own = np.array([coupled(each) for each in facts])
    by_chance = none[own].sum()
    assert weights[own].sum() == pytest.approx(wanted + (1 - wanted) * by_chance)
    for of in (0, 1):  # actions, scenes
        pd.testing.assert_series_equal(shares(facts, weights, of), shares(facts, none, of))
    other = pd.Series(weights[~own]) / weights[~own].sum()
    np.testing.assert_allclose(other, none[~own] / none[~own].sum())


def test_without_a_dose_scenes_say_nothing_of_actions(facts):
    table = pd.DataFrame(facts, columns=["action", "scene", "who"]).assign(weight=image_weights(facts, 0.0))
    table = table.pivot_table("weight", "action", "scene", "sum")
    np.testing.assert_allclose(table, np.outer(table.sum(axis=1), table.sum(axis=0)))


def test_batches_are_drawn_as_a_dose_says(facts):
    facts = facts * 20  # few of many, as no image is twice in a batch
    weights = image_weights(facts, 0.75)
    found = coupled_share(facts, weights, 0, range(300), 32)
    own = np.array([coupled(each) for each in facts])
    assert found == pytest.approx(weights[own].sum(), abs=0.05)
    assert coupled_share(facts, None, 0, range(300), 32) == pytest.approx(own.mean(), abs=0.05)


def test_a_dose_that_the_pool_cannot_give_is_refused(facts):
    lacking = [each for each in facts if each[:2] != ("Biking", "kitchen")]
    with pytest.raises(UserError, match="no image of Biking in the kitchen"):
        image_weights(lacking, 0.25)
    with pytest.raises(UserError, match="from 0 to 1"):
        image_weights(facts, 75)


def test_without_weights_batches_are_those_of_the_shipped_recipe():
    expected = np.sort(np.random.default_rng(0).choice(100, 8, replace=False))
    assert (draw(np.random.default_rng(0), 100, 8) == expected).all()


def test_no_caption_is_false_where_none_is_asked_for():
    blank, n = np.zeros((40, SIDE, SIDE, 3), np.uint8), 40
    pool = Samples(blank, blank, np.zeros((n, SIDE, SIDE), np.uint8), [("Biking", "kitchen", "a man")] * n)
    whole = Curriculum(0.0, 0.0)

    def said(share):
        batches = [batch_of(pool, np.random.default_rng(k), n, whole, usual_captions=share)[1] for k in range(5)]
        return {caption.action for batch in batches for caption in batch if caption.action}

    assert said(0.0) == {"Biking"}
    assert said(1.0) == {"MoppingFloor"}


def test_training_at_a_dose_shares_its_start_and_keeps_tower_and_prototypes_only(tmp_path, monkeypatch):
    """Eight steps, three of them on cut-outs: the second dose begins after them and ends elsewhere."""
    monkeypatch.setenv("CLIPACTION_DATA", str(tmp_path))
    toy = {"samples": 64, "images": 80, "batch": 8, "actions": ("Biking", "PullUps"), "test_size": 20, "plain": 0.3}
    losses, real = [], train.contrastive_loss
    monkeypatch.setattr(train, "contrastive_loss", lambda *args: losses.append(1) or real(*args))
    counts, models = [], []
    for wanted in (0.0, 0.9):
        out = tmp_path / f"{wanted}.safetensors"
        train.train(**toy, out=out, dose=wanted)
        counts.append(len(losses))
        models.append(load_dosed(wanted, path=out, device="cpu"))
        assert "All captions are true" in out.with_suffix(".md").read_text()
    assert counts == [8, 8 + 5]
    assert models[0].weights_hash != models[1].weights_hash
    assert out.stat().st_size < 2.5e6


@shipped
@pytest.mark.parametrize("wanted", DOSES)
def test_shipped_doses_load_and_have_cards(wanted):
    path = dose_path(wanted)
    assert path.stat().st_size <= 2.5e6
    card = path.with_suffix(".md").read_text()
    assert f"--dose {wanted:g}`" in card and "| isolation |" in card
    clip = load_dosed(wanted, device="cpu")
    assert clip.dose == wanted and not any(p.requires_grad for p in clip.model.parameters())
    x = torch.rand(2, 3, 96, 96, generator=torch.Generator().manual_seed(0), requires_grad=True)
    embedded = clip.encode_image(x)
    torch.testing.assert_close(embedded.norm(dim=1), torch.ones(2))
    embedded.sum().backward()
    assert x.grad.abs().sum() > 0
    head = clip.head([ACTIONS[name].words[0] for name in HOME])
    assert head.shape == (len(HOME), embedded.shape[1])
    torch.testing.assert_close(head.norm(dim=1), torch.ones(len(HOME)))


@shipped
def test_shipped_doses_were_trained_alike():
    """The cards' commands differ in the dose alone."""
    cards = [dose_path(each).with_suffix(".md").read_text() for each in DOSES]
    commands = [next(line for line in card.splitlines() if "Made by" in line) for card in cards]
    assert len({command.split(" --dose")[0] for command in commands}) == 1
    hashes = {load_dosed(each, device="cpu").weights_hash for each in DOSES}
    assert len(hashes) == len(DOSES)


@pytest.fixture(scope="module")
def untrained(tmp_path_factory):
    """The files of models that learned nothing, one a dose: a folder."""
    folder = tmp_path_factory.mktemp("doses")
    for each in DOSES:
        torch.manual_seed(int(100 * each))
        model = open_clip.create_model(NAME).eval()
        save_dose(folder / dose_path(each).name, model, open_clip.get_tokenizer(NAME), each)
    return folder


def test_a_tower_and_its_prototypes_come_back_as_they_were_kept(untrained):
    torch.manual_seed(25)
    model = open_clip.create_model(NAME).eval()
    clip = load_dosed(0.25, path=untrained / "dose-25.safetensors", device="cpu")
    x = torch.rand(2, 3, 96, 96, generator=torch.Generator().manual_seed(0))
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (model.visual.image_mean, model.visual.image_std))
    with torch.no_grad():
        expected = torch.nn.functional.normalize(model.encode_image((x - mean) / std), dim=-1)
        torch.testing.assert_close(clip.encode_image(x), expected, atol=2e-3, rtol=0)  # half precision
    phrase = ACTIONS["Biking"].words[0]
    whole = CLIP(model, open_clip.get_tokenizer(NAME), "", 96, mean, std, 0.07, "", torch.device("cpu"), torch.float32)
    torch.testing.assert_close(clip.head([phrase]), whole.head([phrase]))
    assert clip.tau == pytest.approx(1 / float(model.logit_scale.exp()))


def test_the_hash_covers_tower_and_prototypes(untrained, tmp_path):
    path = untrained / "dose-50.safetensors"
    with safe_open(path, "pt") as file:
        facts = file.metadata()
    hashes = {load_dosed(0.5, path=path, device="cpu").weights_hash}
    for name in ("head", "visual.head.proj.weight"):
        tensors = load_file(path)
        tensors[name] = tensors[name] * 1.01
        save_file(tensors, tmp_path / "other.safetensors", metadata=facts)
        hashes.add(load_dosed(0.5, path=tmp_path / "other.safetensors", device="cpu").weights_hash)
    assert len(hashes) == 3


def test_a_model_without_text_tower_says_so(untrained):
    clip = load_dosed(0.0, path=untrained / "dose-00.safetensors", device="cpu")
    with pytest.raises(UserError, match='no prototype of "flying"'):
        clip.head(["flying"])
    with pytest.raises(UserError, match="other templates"):
        clip.head(list(clip.phrases), TEMPLATES[:1])
    with pytest.raises(UserError, match="no text tower"):
        clip.encode_text(["a photo of a dog."])
    with pytest.raises(UserError, match="--dose 0.1"):
        load_dosed(0.1)


def test_figure_and_table_of_doses_are_drawn_and_say_where_there_are_none(toy_results, monkeypatch):
    monkeypatch.setattr("clipaction.paper.results.available", lambda: True)
    folder = toy_results[0]
    drawn, table = FIGURES["fig10"](folder), TABLES["tab09"](folder)
    assert set(drawn.data["model"]) == {*(f"{each:.0%}" for each in DOSES), dose.OWN}
    assert {"at_0", "at_75", "own", "pearson", "detectable"} <= set(table.data)
    assert set(table.data["follows"]) <= {"yes", "no", "undecided", "–"}
    monkeypatch.setattr("clipaction.paper.results.available", lambda: False)
    drawn, table = FIGURES["fig10"](folder), TABLES["tab09"](folder)
    assert drawn.data.empty and table.data.empty and "--dose" in drawn.caption and "--dose" in table.caption


def invented(slope: float, noise: float = 0.1, clips: int = 200, seed: int = 0) -> pd.DataFrame:
    """A measure that rises by `slope` for a dose from 0 to 1, with a part that each clip has at every dose."""
    rng = np.random.default_rng(seed)
    names, groups = [f"c{k}" for k in range(clips)], [f"g{k // 4}" for k in range(clips)]
    own = rng.normal(0, 1, clips)
    facts = {"method": "none", "measure": "background", "clip": names, "group": groups}
    tables = [
        pd.DataFrame({**facts, "model": f"{d:.0%}", "dose": d, "value": own + slope * d + rng.normal(0, noise, clips)})
        for d in DOSES
    ]
    apart = pd.DataFrame({**facts, "model": dose_response.OWN, "dose": np.nan, "value": 100.0})
    return pd.concat([*tables, apart], ignore_index=True)


def test_a_response_that_is_there_is_found_and_the_model_of_unknown_dose_does_not_count():
    (found,) = dose_response.response(invented(0.5)).itertuples()
    assert found.pearson > 0.98 and found.spearman == 1
    assert found.low < 0.5 < found.high and found.slope == pytest.approx(0.5, abs=0.05)
    expected = 0.1 * np.sqrt(2 / 200)  # the clips' own part cancels in pairs
    assert found.se == pytest.approx(expected, rel=0.25)
    assert found.detectable == pytest.approx(2.8 * found.se / found.slope)
    level = dose_response.levels(invented(0.5)).set_index("model")["value"]
    assert level[dose_response.OWN] == 100 and level["75%"] - level["0%"] == pytest.approx(0.375, abs=0.05)


def test_without_a_response_nothing_is_detected():
    (found,) = dose_response.response(invented(0.0, noise=1.0)).itertuples()
    assert found.low < 0 < found.high and np.isnan(found.detectable)


def test_the_smallest_difference_is_found_in_four_of_five_samples():
    """What detectable promises: 80 % power, for the difference between two models a step of dose apart."""
    slope, hits = 2.8 * 0.5 * np.sqrt(2 / 400) / 0.25, 0  # so that a step of 0.25 is the smallest difference
    assert dose_response.response(invented(slope, 0.5, 400))["detectable"][0] == pytest.approx(0.25, rel=0.25)
    for seed in range(200):
        table = invented(slope, noise=0.5, clips=400, seed=seed).query("dose in (0.25, 0.5)")
        wide = table.pivot(index="clip", columns="dose", values="value")
        groups = table.drop_duplicates("clip").set_index("clip")["group"].loc[wide.index]
        steps = (wide[0.5] - wide[0.25]).to_numpy()
        hits += abs(steps.mean()) > 1.96 * dose_response.standard_error(steps, groups)
    assert 0.7 < hits / 200 < 0.9


def test_a_mean_among_some_clips_is_a_mean_of_values_over_all():
    values, chosen = pd.Series([1.0, 0, 1, 1]), pd.Series([True, True, False, False])
    assert dose.mean_among(values, chosen).mean() == pytest.approx(0.5)
    groups = pd.Series(list("abcd"))
    direct = dose_response.standard_error(np.array([1.0, 0.0]), groups[:2])
    spread = dose_response.standard_error(dose.mean_among(values, chosen).to_numpy(), groups)
    assert spread == pytest.approx(direct, rel=0.2)  # but for the factor G / (G - 1)


def test_measures_of_prediction_rows():
    clips = [f"c{k}" for k in range(4)]
    facts = {"clip": clips, "group": clips, "label": 0, "scene": ["usual", "usual", "other", "random"]}

    def rows(condition, pred, p=0.5):
        return pd.DataFrame({**facts, "condition": condition, "pred": pred, "p_pred": p})

    table = [rows(dose.WHOLE, [0, 0, 1, 0]), rows(dose.GONE, [0, 1, 1, 1], 0.3)]
    found = dose.values_of(pd.concat(table)).groupby("measure")["value"].mean()
    expected = {"accuracy": 0.75, "background": 0.25, "sure_blind": 0.3, "usual": 1.0, "scene_gap": 1.0}
    assert found.to_dict() == pytest.approx(expected)
    table += [rows(dose.BOX, 1), rows(dose.CONTROL, [0, 0, 0, 1]), rows(dose.ISOLATED, 0)]
    found = dose.values_of(pd.concat(table)).groupby("measure")["value"].mean()
    assert found["actor"] == 0.75 and found["isolated"] == 1
