"""The baselines learn what can be learnt, repeat themselves by seed, and never see a label when they predict."""

import inspect

import numpy as np
import pytest
import torch

from clipaction import baselines
from clipaction.clip import load_clip
from clipaction.errors import UserError


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def clips(n: int, seed: int, order: bool = False, size: int = 32) -> tuple[np.ndarray, np.ndarray]:
    """Noisy clips [n,4,size,size,3]. Two classes: a bright bar high or low in every frame; with `order`, one that rises or falls."""
    rng, labels = np.random.default_rng(seed), np.arange(n) % 2
    frames = rng.integers(0, 120, (n, 4, size, size, 3), dtype=np.uint8)
    for frame, label in zip(frames, labels):
        for t in range(4):
            top = (t if label else 3 - t) * size // 4 if order else label * size // 2
            frame[t, top:top + size // 4] = 230
    return frames, labels


@pytest.mark.parametrize("name", baselines.MODELS)
def test_learns_a_separable_world(name):
    model, curves = baselines.fit(baselines.create(name, 2), *clips(48, 0), *clips(16, 1), epochs=5, batch=16)
    frames, labels = clips(20, 2)
    probabilities = baselines.predict(model, frames)
    assert probabilities.shape == (20, 2) and probabilities.dtype == np.float32
    assert probabilities.sum(1) == pytest.approx(1, abs=1e-5)
    assert (probabilities.argmax(1) == labels).mean() >= 0.95
    assert curves.columns.tolist() == ["epoch", "loss", "val_loss", "val_accuracy"] and curves["epoch"].iloc[0] == 1
    assert np.allclose(baselines.predict(model, frames.astype(np.float32) / 255), probabilities, atol=1e-5)


def test_only_the_gru_knows_the_order_of_frames():
    frames, labels = clips(40, 2, order=True)
    cnn, gru = (baselines.create(name, 2) for name in ("cnn", "cnn-gru"))
    cnn.eval()
    assert np.allclose(baselines.predict(cnn, frames), baselines.predict(cnn, frames[:, ::-1]), atol=1e-5)
    gru, _ = baselines.fit(gru, *clips(64, 0, order=True), *clips(16, 1, order=True), epochs=8)
    assert (baselines.predict(gru, frames).argmax(1) == labels).mean() >= 0.9


@pytest.mark.parametrize("name", baselines.MODELS)
def test_same_seed_same_weights_and_the_global_generator_untouched(name):
    torch.manual_seed(7)
    expected = torch.rand(1)
    torch.manual_seed(7)
    runs = [baselines.fit(baselines.create(name, 2, seed), *clips(16, 0), *clips(8, 1), epochs=2, seed=seed) for seed in (0, 0, 1)]
    assert torch.rand(1) == expected
    first, again, other = (model.head.weight for model, _ in runs)
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert runs[0][1].equals(runs[1][1])


def test_the_gru_starts_from_a_copy_of_the_trained_cnn():
    cnn = baselines.create("cnn", 2, 5)
    gru = baselines.create("cnn-gru", 2, 0, start=cnn)
    assert torch.equal(gru.cnn[0].weight, cnn.cnn[0].weight) and gru.cnn[0].weight is not cnn.cnn[0].weight


def test_keeps_the_best_epoch_and_stops_early():
    (frames, labels), (val, val_labels) = clips(16, 0), clips(16, 1)
    wrong = 1 - val_labels  # the more it learns, the worse it looks
    model, curves = baselines.fit(baselines.create("cnn", 2), frames, labels, val, wrong, epochs=30, patience=3)
    assert len(curves) < 30 and curves["val_accuracy"].iloc[-1] <= 0.5
    assert (baselines.predict(model, val).argmax(1) == wrong).mean() == pytest.approx(curves["val_accuracy"].max())


def test_large_frames_are_averaged_down():
    model = baselines.create("cnn", 3).eval()
    frames = np.kron(clips(2, 0, size=96)[0], np.ones((1, 1, 2, 2, 1), np.uint8))
    assert np.allclose(baselines.predict(model, frames), baselines.predict(model, clips(2, 0, size=96)[0]), atol=1e-5)


def test_saved_without_pickle_and_damage_is_named(tmp_path):
    model, path = baselines.create("cnn-gru", 2, 3).eval(), tmp_path / "deep" / "cnn-gru.safetensors"
    baselines.save(model, path, ("Archery", "Biking"))
    loaded, classes = baselines.load(path)
    assert classes == ("Archery", "Biking") and [p.name for p in path.parent.iterdir()] == [path.name]
    assert np.array_equal(baselines.predict(model, clips(4, 0)[0]), baselines.predict(loaded, clips(4, 0)[0]))
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(UserError, match="missing or damaged"):
        baselines.load(path)
    with pytest.raises(UserError, match="missing or damaged"):
        baselines.load(tmp_path / "nothing.safetensors")


def test_predictors_take_no_labels():
    assert list(inspect.signature(baselines.predict).parameters) == ["model", "frames", "batch"]


def test_linear_probe_of_two_classes():
    weight, bias = baselines.linear_probe(np.eye(4), [0, 2, 0, 2], np.eye(4), [0, 2, 0, 2])
    assert (np.eye(4) @ weight.T + bias).argmax(1).tolist() == [0, 2, 0, 2] and bias[1] == -50


def test_linear_probe_learns_and_knows_absent_classes():
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(4, 32))

    def sample(n):
        labels = rng.integers(0, 3, n)
        features = centres[labels] + rng.normal(size=(n, 32))
        return features / np.linalg.norm(features, axis=1, keepdims=True), labels

    weight, bias = baselines.linear_probe(*sample(120), *sample(60), classes=4)
    features, labels = sample(100)
    logits = features @ weight.T + bias
    assert weight.shape == (4, 32) and (logits[:, 3] == -50).all()
    assert (logits.argmax(1) == labels).mean() > 0.95
    with pytest.raises(UserError, match="at least two classes"):
        baselines.linear_probe(features, np.zeros(100, int), features, labels)


def test_class_offset_undoes_a_constant_shift():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 4, 4000)
    scores = np.eye(4)[labels] * 2 + rng.gumbel(size=(4000, 4))
    shift = np.array([1.5, -0.5, 0.0, -1.0])
    b = baselines.class_offset(scores + shift, labels) - baselines.class_offset(scores, labels)
    assert b == pytest.approx(-shift + shift.mean(), abs=0.02)
    assert baselines.class_offset(scores, labels).mean() == pytest.approx(0, abs=1e-9)
    assert np.isfinite(baselines.class_offset(scores, np.zeros(4000, int))).all()
    with pytest.raises(UserError, match="validation"):
        baselines.class_offset(np.zeros((0, 4)), [])


def test_temperature_undoes_a_scale():
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (4000, 5))
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    labels = np.array([rng.choice(5, p=row) for row in p])
    assert baselines.temperature(logits, labels) == pytest.approx(1, abs=0.06)
    assert baselines.temperature(3 * logits, labels) == pytest.approx(3 * baselines.temperature(logits, labels), rel=0.01)


def test_tuned_prompts_fit_better_come_out_the_same_twice_and_leave_the_model_alone():
    clip = load_clip()
    phrases = ["riding a bicycle", "doing push-ups", "mopping the floor"]
    generator = torch.Generator().manual_seed(0)
    tokens = clip.tokenizer(["a photo of a person riding a bicycle."])
    before = clip.model.encode_text(tokens)
    plain = clip.head(phrases, ["a photo of a person {}."])
    labels = torch.arange(90) % 3
    features = torch.nn.functional.normalize(plain[labels] + 0.5 * plain[0] + 0.1 * torch.randn(90, plain.shape[1], generator=generator), dim=-1)
    loss = lambda head: float(torch.nn.functional.cross_entropy(features @ head.T / clip.tau, labels))  # noqa: E731
    one, two = (baselines.tune_prompts(clip, phrases, features, labels, features, labels, steps=20, every=5) for _ in range(2))
    assert loss(one) < 0.9 * loss(plain) and torch.equal(one, two)
    assert torch.equal(clip.model.encode_text(tokens), before)
