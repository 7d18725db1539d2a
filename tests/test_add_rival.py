"""A rival or a network is added by one decorated function or class, from outside the package: the cells below are all
that a user writes."""

import dataclasses
import inspect

import pytest
import torch

from clipaction.evaluate.judge import evaluate_methods
from clipaction.evaluate.methods import METHODS, find_method
from clipaction.noise.learning import materials
from clipaction.rivals import build_rivals, fitting, prompted
from clipaction.rivals.fitting import network_protocols, train_networks


def add():
    from functools import partial

    import torch

    from clipaction.rivals import rival
    from clipaction.vision.zero_shot import zero_shot

    @rival("means", "nearest class mean", colour="green", marker="X", labels="training", needs=("whole",))
    def nearest_mean(setup):
        views = setup.views["whole"]
        means = [views.train[views.train_labels == c].mean(0) for c in range(views.classes)]
        return partial(zero_shot, setup.clip, torch.nn.functional.normalize(torch.stack(means), dim=-1))


def add_network():
    from torch import nn

    from clipaction.rivals.networks import network

    @network("tiny", "mean colour", colour="pink", marker="x")
    class Tiny(nn.Module):
        single, batch, starts_from = True, 16, None

        def __init__(self, classes):
            super().__init__()
            self.head = nn.Linear(3, classes)

        def forward(self, x):
            return self.head(x.mean((1, 3, 4)))


def add_another_network():
    from torch import nn

    from clipaction.rivals.networks import network

    @network("tiny", "mean colour")
    class Tiny(nn.Module):
        single, batch, starts_from = True, 16, None

        def __init__(self, classes):
            super().__init__()
            self.head = nn.Linear(3, classes)

        def forward(self, x):
            return self.head(x.mean((1, 3, 4)) - 0.5)


def test_they_take_few_lines():
    assert len(inspect.getsource(add).splitlines()) <= 20 and len(inspect.getsource(add_network).splitlines()) <= 20


def test_a_rival_is_built_from_the_views_and_evaluated(toy_study, toy_meta, registries, monkeypatch):
    monkeypatch.setattr(prompted, "tune_prompts", lambda clip, *_: toy_study.head())  # the toy has no text tower
    add()
    given = materials(toy_study, toy_meta, toy_meta)
    rivals, views = build_rivals(toy_study, given), given["given"].views["whole"]
    assert list(rivals)[:2] == ["offset", "probe"] and list(rivals)[-1] == "means" and "probe-real" in rivals
    without = {"given": dataclasses.replace(given["given"], views={"isolated": given["given"].views["isolated"]})}
    assert not {"means", "probe", "probe-both", "probe-real"} & set(build_rivals(toy_study, without))
    (head,) = (value for value in rivals["means"].args if isinstance(value, torch.Tensor))
    torch.testing.assert_close(
        head[2], torch.nn.functional.normalize(views.train[views.train_labels == 2].mean(0), dim=0)
    )
    table = evaluate_methods(toy_study, toy_meta, {"means": rivals["means"]}, ["none"])
    assert len(table) == 12 and not find_method("means").uses_label and find_method("means").labels == "training"


@pytest.fixture
def trained(monkeypatch):
    """The names of the networks that are really trained."""
    names, fit = [], fitting.fit

    def counted(model, *args, **options):
        names.append(type(model).__name__)
        return fit(model, *args, **options)

    monkeypatch.setattr(fitting, "fit", counted)
    return names


def test_a_network_is_trained_once_and_again_when_its_code_changes(toy_study, toy_meta, registries, trained):
    add_network()
    models = train_networks(toy_study, toy_meta, toy_meta)
    once = list(trained)
    train_networks(toy_study, toy_meta, toy_meta)
    add_network()  # the cell is run again
    train_networks(toy_study, toy_meta, toy_meta)
    assert once[:2] == ["FrameCNN", "CNNGRU"] and once[-1] == "Tiny" and len(set(once)) == len(once) == len(models)
    assert trained == once and (toy_study.results / "baselines" / "tiny.safetensors").exists()
    table = evaluate_methods(toy_study, toy_meta, network_protocols(toy_study, models), ["none"], "networks")
    assert list(table["method"].unique()) == list(models) and METHODS["tiny"].kind == "network"
    add_another_network()
    train_networks(toy_study, toy_meta, toy_meta)
    assert trained[len(once) :] == ["Tiny"]
