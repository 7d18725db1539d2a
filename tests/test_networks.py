"""The networks learn what can be learnt from the views of noise and probe, repeat themselves by seed, run on any
device, and never see a label when they predict."""

import inspect
from functools import partial

import numpy as np
import pytest
import torch
from device_mode import DEVICE, pretended_device
from torch import nn

from clipaction.base.errors import UserError
from clipaction.noise.frames import TrainingFrames
from clipaction.rivals import fitting, video
from clipaction.rivals.fitting import fit, load, network_scores, save, train_networks, validated
from clipaction.rivals.networks import create, network_names
from clipaction.rivals.video import KINETICS, SCRATCH, kinetics_weights, networks_for


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def clips(n: int, seed: int, order: bool = False, size: int = 32) -> tuple[np.ndarray, np.ndarray]:
    """Noisy clips [n, 4, size, size, 3] of two classes: a bright bar high or low in every frame; with `order`, one that
    rises or falls."""
    rng, labels = np.random.default_rng(seed), np.arange(n) % 2
    frames = rng.integers(0, 120, (n, 4, size, size, 3), dtype=np.uint8)
    for frame, label in zip(frames, labels):
        for t in range(4):
            top = (t if label else 3 - t) * size // 4 if order else label * size // 2
            frame[t, top : top + size // 4] = 230
    return frames, labels


def images(frames: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(frames.copy()).permute(0, 1, 4, 2, 3).float() / 255


def data_of(frames: np.ndarray, labels: np.ndarray, **known: np.ndarray) -> TrainingFrames:
    ids = [f"c{i}" for i in range(len(frames)) for _ in range(frames.shape[1])]
    return TrainingFrames(frames.reshape(-1, *frames.shape[2:]), labels.repeat(frames.shape[1]), ids, **known)


def batches(frames: np.ndarray, labels: np.ndarray):
    return lambda: [(images(frames), torch.from_numpy(labels))]


def predict(model: nn.Module, frames: np.ndarray) -> np.ndarray:
    return (network_scores(model.eval(), 0.07, images(frames))[0] / 0.07).softmax(1).numpy()


@pytest.mark.parametrize("name", ["cnn", "cnn-gru", SCRATCH])
def test_learns_to_separate_two_classes(name):
    many, size = {"cnn": (48, 32), "cnn-gru": (96, 32), SCRATCH: (48, 16)}[name]
    train, val = clips(many, 0, size=size), clips(16, 1, size=size)
    model, curves = fit(create(name, 2), data_of(*train), batches(*val), epochs=5, batch=16)
    frames, labels = clips(20, 2, size=size)
    probabilities = predict(model, frames)
    assert probabilities.shape == (20, 2) and probabilities.sum(1) == pytest.approx(1, abs=1e-5)
    assert (probabilities.argmax(1) == labels).mean() >= 0.95
    assert curves.columns.tolist() == ["epoch", "loss", "val_loss", "val_accuracy"] and curves["epoch"].iloc[0] == 1


def test_only_networks_that_see_whole_clips_know_the_order_of_frames():
    frames, labels = clips(40, 2, order=True)
    cnn, gru = (create(name, 2) for name in ("cnn", "cnn-gru"))
    assert np.allclose(predict(cnn, frames), predict(cnn, frames[:, ::-1]), atol=1e-5)
    gru, _ = fit(gru, data_of(*clips(64, 0, order=True)), batches(*clips(16, 1, order=True)), epochs=8)
    assert (predict(gru, frames).argmax(1) == labels).mean() >= 0.9
    mc3 = create(SCRATCH, 2)
    nn.init.ones_(mc3.backbone.layer1[0].conv2[-1].weight)  # its blocks start as the identity
    assert not np.allclose(predict(mc3, frames), predict(mc3, frames[:, ::-1]), atol=1e-5)


@pytest.mark.parametrize("name", ["cnn", "cnn-gru"])
def test_same_seed_same_weights_and_the_global_generator_untouched(name):
    torch.manual_seed(7)
    expected = torch.rand(1)
    torch.manual_seed(7)
    given = (data_of(*clips(16, 0)), batches(*clips(8, 1)))
    runs = [fit(create(name, 2, seed), *given, epochs=2, seed=seed, swap=0.5, mask=0.5) for seed in (0, 0, 1)]
    assert torch.rand(1) == expected
    first, again, other = (model.head.weight for model, _ in runs)
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert runs[0][1].equals(runs[1][1])


def test_the_gru_starts_from_a_copy_of_the_trained_cnn():
    cnn = create("cnn", 2, 5)
    gru = create("cnn-gru", 2, 0, start=cnn)
    assert torch.equal(gru.cnn[0].weight, cnn.cnn[0].weight) and gru.cnn[0].weight is not cnn.cnn[0].weight


def test_keeps_the_epoch_with_the_lowest_validation_loss_and_stops_early():
    frames, labels = clips(16, 1)
    wrong = batches(frames, 1 - labels)  # the more it learns, the worse it looks
    model, curves = fit(create("cnn", 2), data_of(*clips(16, 0)), wrong, epochs=30, patience=3)
    assert len(curves) == curves["val_loss"].idxmin() + 4 < 30
    assert validated(model, wrong(), "cpu")[0] == pytest.approx(curves["val_loss"].min(), rel=1e-4)


@pytest.mark.parametrize("name, clips_a_step", [("cnn", 0), ("cnn-gru", 5)])
def test_the_views_are_those_of_noise(name, clips_a_step, monkeypatch):
    """Scenes are swapped and boxes drawn by TrainingFrames itself, as often as noise is told to."""
    seen = []

    class Watched(TrainingFrames):
        def _compose(self, rows, rng, swap, mask):
            seen.append((rows.shape, swap, mask))
            return super()._compose(rows, rng, swap, mask)

    frames, labels = clips(10, 0, size=16)
    given = data_of(frames, labels)
    data = Watched(given.frames, given.labels, given.ids)
    fit(create(name, 2), data, batches(*clips(4, 1, size=16)), epochs=1, batch=5, swap=0.9, mask=0.5)
    assert set(seen) == {((5, 4) if clips_a_step else (5, 1), 0.9, 0.5)} and len(seen) == (2 if clips_a_step else 8)


def test_swapped_scenes_keep_a_network_from_learning_the_scene():
    """The scene tells the class of every training clip, the actor does not: with swaps nothing is to be had there."""
    frames, labels = clips(48, 0)
    region = np.zeros(frames.shape[:-1], np.uint8)
    region[..., 12:20] = 255  # the actor, the same for both classes
    frames[..., 12:20, :] = 60
    known = {"region": region.reshape(-1, 32, 32), "plates": frames.reshape(-1, 32, 32, 3)}
    for swap, least, most in ((0.0, 0.8, 1.0), (1.0, 0.0, 0.6)):
        data = data_of(frames, labels, **known)
        model, _ = fit(create("cnn", 2), data, batches(frames, labels), epochs=4, swap=swap)
        sure = predict(model, frames)[np.arange(48), labels].mean()
        assert least <= sure <= most, swap


def test_large_frames_are_averaged_down():
    for name, size in (("cnn", 96), (SCRATCH, 32)):
        model, frames = create(name, 3), clips(2, 0, size=size)[0]
        assert np.allclose(
            predict(model, np.kron(frames, np.ones((1, 1, 2, 2, 1), np.uint8))), predict(model, frames), atol=1e-5
        )


def test_saved_without_pickle_and_damage_is_named(tmp_path):
    model, path = create("cnn-gru", 2, 3).eval(), tmp_path / "deep" / "cnn-gru.safetensors"
    save(model, "cnn-gru", path, ("Archery", "Biking"))
    loaded, classes = load(path)
    assert classes == ("Archery", "Biking") and [p.name for p in path.parent.iterdir()] == [path.name]
    assert np.array_equal(predict(model, clips(4, 0)[0]), predict(loaded, clips(4, 0)[0]))
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(UserError, match="missing or damaged"):
        load(path)
    with pytest.raises(UserError, match="missing or damaged"):
        load(tmp_path / "nothing.safetensors")


def test_empty_splits_are_named():
    with pytest.raises(UserError, match="training clips"):
        fit(create("cnn", 2), data_of(*clips(0, 0)), batches(*clips(4, 0)))
    with pytest.raises(UserError, match="validation clips"):
        fit(create("cnn", 2), data_of(*clips(4, 0)), list, epochs=1)


def test_predictors_take_no_labels():
    assert list(inspect.signature(network_scores).parameters) == ["model", "tau", "x"]


def test_scores_are_tau_times_log_probabilities():
    model, x = create("cnn", 2).eval(), images(clips(4, 0)[0])
    scores, per_frame = network_scores(model, 0.07, x)
    with torch.no_grad():
        torch.testing.assert_close((scores / 0.07).softmax(1), model(x).softmax(1), atol=1e-5, rtol=1e-4)
    assert per_frame.shape == (4, 4, 2)


@pytest.mark.parametrize("name", ["cnn", "cnn-gru", SCRATCH])
def test_trained_and_used_on_another_device(name):
    """Same losses as on the CPU; parameters and answers stay on the device."""
    frames, labels = clips(8, 0, size=16)
    losses = []
    run = partial(fit, data=data_of(frames, labels), validation=batches(frames, labels), epochs=1, batch=4)
    losses.append(run(create(name, 2))[1]["loss"])
    with pretended_device() as device:
        model, curves = run(create(name, 2), device=device)
        assert all(p.device == DEVICE for p in model.parameters())
        assert network_scores(model, 0.07, images(frames))[0].device == DEVICE
        losses.append(curves["loss"])
    assert losses[0].tolist() == pytest.approx(losses[1].tolist(), rel=1e-5)


def test_networks_are_trained_once_and_the_gru_again_when_its_cnn_was(toy_study, toy_meta, monkeypatch):
    trained = []

    def counted(model, *args, **options):
        trained.append(type(model).__name__)
        return fit(model, *args, **options)

    monkeypatch.setattr(fitting, "fit", counted)
    monkeypatch.setattr(fitting, "networks_for", lambda weights: ["cnn", "cnn-gru"])
    first = train_networks(toy_study, toy_meta, toy_meta)
    again = train_networks(toy_study, toy_meta, toy_meta)
    assert trained == ["FrameCNN", "CNNGRU"] and list(first) == ["cnn", "cnn-gru"]
    assert all(torch.equal(first[name].head.weight, again[name].head.weight) for name in first)
    train_networks(toy_study, toy_meta.head(8), toy_meta)  # other clips
    assert trained[2:] == ["FrameCNN", "CNNGRU"]
    toy_study.store.plates = toy_study.store.plates[:, :, ::-1].copy()  # other scenes to swap
    train_networks(toy_study, toy_meta, toy_meta)
    assert trained[4:] == ["FrameCNN", "CNNGRU"]


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """No network: what would be fetched is in the dict that this gives, by url; else it fails."""
    files: dict[str, dict] = {}

    def fetched(url, **options):
        assert options["check_hash"] and options["weights_only"]
        if url not in files:
            raise OSError("no network")
        return files[url]

    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", fetched)
    return files


def kinetics_file(files: dict) -> dict:
    """Invented weights of MC3-18 with Kinetics' 400 classes, where the download would be."""
    from torchvision.models.video import MC3_18_Weights, mc3_18

    torch.manual_seed(1)
    files[MC3_18_Weights.KINETICS400_V1.url] = mc3_18().state_dict()
    return files[MC3_18_Weights.KINETICS400_V1.url]


def test_a_run_trains_one_of_the_two_video_networks_and_says_why(hub, capsys):
    assert {SCRATCH, KINETICS} < set(network_names())
    for weights in ("none", "auto"):
        names = networks_for(weights)
        assert SCRATCH in names and KINETICS not in names
    assert "from scratch" in (said := capsys.readouterr().out) and "no network" in said
    with pytest.raises(UserError, match=r"baselines\.weights=none"):
        networks_for("kinetics")
    kinetics_file(hub)
    for weights in ("kinetics", "auto"):
        names = networks_for(weights)
        assert KINETICS in names and SCRATCH not in names
    assert capsys.readouterr().out == "" and SCRATCH in networks_for("none")


def test_downloaded_weights_are_taken_but_for_the_last_layer(hub):
    state, model = kinetics_file(hub), create(KINETICS, 3)
    own = model.backbone.fc.weight.clone()
    model.start_from_weights()
    assert torch.equal(model.backbone.stem[0].weight, state["stem.0.weight"])
    assert torch.equal(model.backbone.fc.weight, own) and own.shape == (3, 512)
    assert kinetics_weights()["fc.weight"].shape[0] == 400


def test_the_pretrained_network_starts_from_its_weights_in_a_run(toy_study, toy_meta, hub, monkeypatch):
    state, started = kinetics_file(hub), []

    def counted(model, *args, **options):
        started.append(model.backbone.stem[0].weight.detach().clone())
        return fit(model, *args, **options)

    monkeypatch.setattr(fitting, "fit", counted)
    monkeypatch.setattr(fitting, "networks_for", lambda weights: [KINETICS])
    monkeypatch.setattr(video.MC3Kinetics, "size", 8)
    models = train_networks(toy_study, toy_meta, toy_meta)
    assert list(models) == [KINETICS] and torch.equal(started[0], state["stem.0.weight"])
