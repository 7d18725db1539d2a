"""The search for settings: the same effort for every noise, on validation clips alone."""

import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from synthetic import write_results

from clipaction.analysis import search
from clipaction.evaluate.predictions import prediction_rows
from clipaction.noise.frames import in_other_scenes
from clipaction.noise.learning import RECIPES, material, recipe_config
from clipaction.paper.results import Results
from clipaction.paper.tables import TABLES, tab11_search
from clipaction.profiles import load_profile
from clipaction.vision.zero_shot import zero_shot

STEPS = {"noise.search_steps": 2}
FEW = {"frames": 3, "noise.batch": 8, "noise.resolution": 4, "noise.views": 1, **STEPS}


@pytest.fixture
def study(toy_study):
    vars(toy_study).update(profile=load_profile("quick", FEW))
    return toy_study


@pytest.fixture
def val(toy_meta):
    return toy_meta.iloc[5:10].reset_index(drop=True)


@pytest.fixture
def found(study, toy_meta, val, monkeypatch):
    """The table of a search, with what each training was given."""
    given, train = [], search.train

    def spied(clip, head, data, config, use, *rest, **options):
        given.append(SimpleNamespace(data=data, config=config, use=use))
        return train(clip, head, data, config, use, *rest, **options)

    monkeypatch.setattr(search, "train", spied)
    table = search.search(study, material(study, toy_meta.iloc[:5], val), val)
    return SimpleNamespace(table=table, given=given)


def test_every_noise_gets_the_same_settings():
    tried = pd.DataFrame(search.settings())
    effort = tried.groupby("noise")[["eps", "lr"]].apply(lambda rows: sorted(map(tuple, rows.to_numpy())))
    assert effort.map(lambda settings: settings == effort.iloc[0]).all() and len(effort.iloc[0]) == len(
        search.SIZES
    ) * len(search.RATES)
    assert set(effort.index) == {name for name, recipe in RECIPES.items() if not recipe.real}


def test_a_row_a_setting_and_two_for_orientation(found):
    table = found.table
    tried = [search.Setting(*row) for row in table.loc[2:, ["noise", "eps", "lr"]].itertuples(index=False)]
    assert table["noise"].tolist()[:2] == ["none", "probe"] and tried == search.settings()
    configs = [(each.config.eps, each.config.lr, each.config.steps) for each in found.given]
    assert configs == list(table.loc[2:, ["eps", "lr", "steps"]].itertuples(index=False, name=None))
    used = {name: math.ceil(2 * recipe.steps) for name, recipe in RECIPES.items()}  # as in earnest
    assert table.loc[2:, "steps"].tolist() == [used[name] for name in table.loc[2:, "noise"]]
    trained = table.loc[2:].groupby("noise")
    assert (trained["best"].sum() == 1).all() and not table["best"][:2].any()
    best = table[table["best"]].set_index("noise")["ce"]
    assert trained["ce"].min().equals(best.sort_index().rename_axis("noise"))
    assert (table["worse"] >= 0).all() and (table.loc[table["best"], "worse"] == 0).all()
    assert table[["acc_whole", "acc_masked", "acc_scene"]].stack().between(0, 1).all()
    own = table.loc[2:].set_index("noise")["attack"].notna().groupby("noise").all()
    assert not own["shared"] and not own["anchored"] and own.drop(["shared", "anchored"]).all()


def test_the_setting_in_use_is_the_profiles(found, study):
    used = found.table[found.table["used"]].set_index("noise")
    for name, row in used.iterrows():
        config = recipe_config(study.profile.noise, name)
        assert (row["eps"], row["lr"]) == (config.eps, config.lr)
    assert set(used.index) == {setting.noise for setting in search.settings()}
    other = load_profile("quick", FEW | {"noise.lr": 0.2})
    assert not search.in_use(SimpleNamespace(profile=other), search.Setting("gated", 16.0, 0.15))


def test_only_training_and_validation_clips_are_read(study, toy_meta, val):
    read: set[int] = set()

    class Spy:
        """An array that notes which clips are read."""

        def __init__(self, array):
            self.array, self.shape = array, array.shape

        def __getitem__(self, index):
            rows = np.arange(len(self.array))[index[0] if isinstance(index, tuple) else index]
            read.update(np.ravel(rows).tolist())
            return self.array[index]

    store, train = study.store, toy_meta.iloc[:5]
    vars(store).update(frames=Spy(store.frames), parts=Spy(store.parts), plates=Spy(store.plates))
    search.search(study, material(study, train, val), val)
    assert read == {*train["row"], *val["row"]}


def test_answers_are_those_of_whole_masked_and_moved_clips(study, toy_meta, val):
    """The first kind are the clips as they are; each kind holds every clip once, with its own label."""
    seen = []

    def judge(x):
        seen.append(x)
        return zero_shot(study.clip, study.toy_head, x)

    swapped = in_other_scenes(study, val, "truth")
    rows = search.answers(study, val, judge, swapped)
    assert rows["condition"].unique().tolist() == list(search.KINDS)
    assert (rows["clip"].to_numpy().reshape(3, -1) == val["clip"].to_numpy()).all()
    assert (rows["label"].to_numpy().reshape(3, -1) == val["label"].to_numpy()).all()
    whole = torch.cat(seen)[: len(val)]
    plain = prediction_rows(zero_shot(study.clip, study.toy_head, whole)[0].numpy(), None, val, 0.05, "", "whole")
    pd.testing.assert_frame_equal(rows[: len(val)], plain)
    assert search.answers(study, val, judge, None)["condition"].unique().tolist() == list(search.KINDS[:2])


def rows_of(noise: str, eps: float, p_true: float, meta: pd.DataFrame) -> pd.DataFrame:
    """Answers that give every label the probability p_true among two classes."""
    scores = np.log([[p_true, 1 - p_true]] * len(meta))
    rows = prediction_rows(scores, None, meta.assign(label=0), 1.0, "", "whole")
    return rows.assign(noise=noise, eps=eps, lr=0.15, steps=2, attack=0.25)


def test_the_best_setting_has_the_lowest_cross_entropy(toy_meta):
    profile = load_profile("quick", {"noise.eps_of": {"gated": 48}})
    rows = [rows_of("gated", 16.0, 0.8, toy_meta), rows_of("gated", 48.0, 0.4, toy_meta)]
    table = search.judged(SimpleNamespace(profile=profile), pd.concat(rows, ignore_index=True))
    assert table["best"].tolist() == [True, False] and table["used"].tolist() == [False, True]
    assert table["ce"].to_numpy() == pytest.approx(-np.log([0.8, 0.4]))
    assert table[["worse", "worse_low", "worse_high"]].to_numpy()[1] == pytest.approx([np.log(2)] * 3)
    assert table["acc_whole"].tolist() == [1, 0]
    (line,) = search.in_words(table)
    assert line.startswith("gated: best with eps 16, rate 0.15 (attack rate 25.0 %); eps 48, rate 0.15 is 0.693")
    assert line.endswith("the profile uses eps 48, rate 0.15")


def test_table_shows_the_search(found, tmp_path):
    folder = write_results(tmp_path / "quick", "quick", failed=0, overrides=STEPS)
    found.table.to_parquet(folder / "noise" / "search.parquet")
    made = TABLES["tab11"](Results(folder))
    assert "6 settings for each of the 7 noises: eps 16, 48 and 96 (of 255)" in made.caption
    bold = made.view["cross-entropy"].str.startswith("**")
    assert bold.tolist() == found.table["best"].tolist()
    assert (made.view["in use"] == "yes").tolist() == found.table["used"].tolist()
    for path in TABLES["tab11"].save(made, tmp_path / "tab11"):
        assert path.stat().st_size


def test_without_a_search_the_table_is_empty_and_says_how_to_make_it(tmp_path):
    made = TABLES["tab11"](Results(write_results(tmp_path / "quick", "quick", failed=0)))
    assert made.data.empty and f"--from 04 --set noise.search_steps={tab11_search.STEPS}`" in made.caption
