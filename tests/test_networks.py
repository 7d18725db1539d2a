"""The networks learn what can be learnt, repeat themselves by seed, and never see a label when they predict."""

import inspect

import numpy as np
import pytest
import torch

from clipaction.base.errors import UserError
from clipaction.rivals import fitting
from clipaction.rivals.fitting import fit, load, network_scores, predict, save, train_networks
from clipaction.rivals.networks import create, network_names


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


@pytest.mark.parametrize("name", network_names())
def test_learns_to_separate_two_classes(name):
    model, curves = fit(create(name, 2), *clips(48, 0), *clips(16, 1), epochs=5, batch=16)
    frames, labels = clips(20, 2)
    probabilities = predict(model, frames)
    assert probabilities.shape == (20, 2) and probabilities.dtype == np.float32
    assert probabilities.sum(1) == pytest.approx(1, abs=1e-5)
    assert (probabilities.argmax(1) == labels).mean() >= 0.95
    assert curves.columns.tolist() == ["epoch", "loss", "val_loss", "val_accuracy"] and curves["epoch"].iloc[0] == 1
    assert np.allclose(predict(model, frames.astype(np.float32) / 255), probabilities, atol=1e-5)


def test_only_the_gru_knows_the_order_of_frames():
    frames, labels = clips(40, 2, order=True)
    cnn, gru = (create(name, 2) for name in ("cnn", "cnn-gru"))
    cnn.eval()
    assert np.allclose(predict(cnn, frames), predict(cnn, frames[:, ::-1]), atol=1e-5)
    gru, _ = fit(gru, *clips(64, 0, order=True), *clips(16, 1, order=True), epochs=8)
    assert (predict(gru, frames).argmax(1) == labels).mean() >= 0.9


@pytest.mark.parametrize("name", network_names())
def test_same_seed_same_weights_and_the_global_generator_untouched(name):
    torch.manual_seed(7)
    expected = torch.rand(1)
    torch.manual_seed(7)
    data = (*clips(16, 0), *clips(8, 1))
    runs = [fit(create(name, 2, seed), *data, epochs=2, seed=seed) for seed in (0, 0, 1)]
    assert torch.rand(1) == expected
    first, again, other = (model.head.weight for model, _ in runs)
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert runs[0][1].equals(runs[1][1])


def test_the_gru_starts_from_a_copy_of_the_trained_cnn():
    cnn = create("cnn", 2, 5)
    gru = create("cnn-gru", 2, 0, start=cnn)
    assert torch.equal(gru.cnn[0].weight, cnn.cnn[0].weight) and gru.cnn[0].weight is not cnn.cnn[0].weight


def test_keeps_the_best_epoch_and_stops_early():
    (frames, labels), (val, val_labels) = clips(16, 0), clips(16, 1)
    wrong = 1 - val_labels  # the more it learns, the worse it looks
    model, curves = fit(create("cnn", 2), frames, labels, val, wrong, epochs=30, patience=3)
    assert len(curves) < 30 and curves["val_accuracy"].iloc[-1] <= 0.5
    assert (predict(model, val).argmax(1) == wrong).mean() == pytest.approx(curves["val_accuracy"].max())


def test_large_frames_are_averaged_down():
    model = create("cnn", 3).eval()
    frames = np.kron(clips(2, 0, size=96)[0], np.ones((1, 1, 2, 2, 1), np.uint8))
    assert np.allclose(predict(model, frames), predict(model, clips(2, 0, size=96)[0]), atol=1e-5)


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


def test_predictors_take_no_labels():
    assert list(inspect.signature(predict).parameters) == ["model", "frames", "batch"]
    assert list(inspect.signature(network_scores).parameters) == ["model", "tau", "x"]


def test_scores_give_the_networks_probabilities_back():
    model, frames = create("cnn", 2).eval(), clips(4, 0)[0]
    x = torch.from_numpy(frames).permute(0, 1, 4, 2, 3).float() / 255
    scores, per_frame = network_scores(model, 0.07, x)
    torch.testing.assert_close((scores / 0.07).softmax(1).numpy(), predict(model, frames), atol=1e-5, rtol=1e-4)
    assert per_frame.shape == (4, 4, 2)


def test_networks_are_trained_once_and_the_gru_again_when_its_cnn_was(toy_study, toy_meta, monkeypatch):
    trained = []

    def counted(model, *args, **options):
        trained.append(type(model).__name__)
        return fit(model, *args, **options)

    monkeypatch.setattr(fitting, "fit", counted)
    first = train_networks(toy_study, toy_meta, toy_meta)
    again = train_networks(toy_study, toy_meta, toy_meta)
    assert trained == ["FrameCNN", "CNNGRU"] and list(first) == ["cnn", "cnn-gru"]
    assert all(torch.equal(first[name].head.weight, again[name].head.weight) for name in first)
    train_networks(toy_study, toy_meta.head(8), toy_meta)  # other clips
    assert trained[2:] == ["FrameCNN", "CNNGRU"]
