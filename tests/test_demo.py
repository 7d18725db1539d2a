"""The demo data set: exact truth, determinism, names, and what is promised about splits and scenes."""

import io
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from clipaction.base.errors import UserError
from clipaction.base.graph import PACKAGE, Code
from clipaction.data.video import decode
from clipaction.demo import make, plan, render
from clipaction.demo.actions import ACTIONS, Style, draw_action
from clipaction.demo.draw import FOREGROUND, HEAD, LIMBS, PROP, TEXT, TORSO, Camera, Canvas
from clipaction.demo.figure import Person
from clipaction.demo.grammar import caption, matches
from clipaction.demo.overlay import Overlay
from clipaction.demo.train import contrastive_loss
from clipaction.demo.truth import load_truth
from clipaction.profiles import load_profile

ONE = {f"{part}_{what}": 1 for part in ("test", "val", "train") for what in ("groups", "clips")}
TINY = {"dataset": {**ONE, "classes": ["Archery", "Biking"], "ward_groups": 0, "frames_per_clip": 8}}


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    """The folder of a tiny demo data set."""
    folder = tmp_path_factory.mktemp("demo")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLIPACTION_DATA", str(folder))
        return make.rendered_clips(load_profile("quick", TINY), workers=1)


def test_camera_projects_where_rays_say():
    camera = Camera(size=(240, 320))
    hit, points, _ = camera.plane(1, 0.0)
    v, u = 200, 100
    assert hit[v, u]
    np.testing.assert_allclose(camera.project(points[v, u])[0], [u + 0.5, v + 0.5], atol=1e-2)


def test_polygon_covers_its_exact_area():
    canvas = Canvas.blank((40, 40))
    canvas.polygon([(5.25, 5.5), (25.25, 5.5), (25.25, 15.0), (5.25, 15.0)], (1, 1, 1), label=PROP)
    assert canvas.image[..., 0].sum() == pytest.approx(20 * 9.5, rel=0.02)


def test_files_are_named_as_ucf101_names_them_and_listed(rendered):
    table = pd.read_csv(rendered / "clips.csv")
    assert len(table) == 2 * 3
    for file in table["file"]:
        assert plan.HOME[0] in file or "v_" in file
        assert (rendered / file).exists() and (rendered / file).with_suffix(".truth.npz").exists()
    assert set(table["split"]) == {"train", "val", "test"}


def test_video_is_320x240_at_half_the_rate_of_ucf101_and_truth_has_a_map_a_frame(rendered):
    row = pd.read_csv(rendered / "clips.csv").iloc[0]
    clip = decode(rendered / row["file"], 4)
    assert clip.frames.shape == (4, 240, 320, 3) and clip.fps == 12.5 and clip.n_frames == row["frames"]
    labels, plates = load_truth((rendered / row["file"]).with_suffix(".truth.npz"), clip.indices)
    assert labels.shape == (4, 240, 320) and plates.shape == (4, 240, 320, 3)
    for part in (HEAD, TORSO, LIMBS, PROP):
        assert (labels == part).any(), part


def test_clean_plate_equals_the_frame_wherever_nobody_is(rendered):
    """Away from actor, prop and shadow the frame is the plate, up to grain and compression."""
    row = pd.read_csv(rendered / "clips.csv").iloc[0]
    clip = decode(rendered / row["file"], 4)
    labels, plates = load_truth((rendered / row["file"]).with_suffix(".truth.npz"), clip.indices)
    difference = np.abs(clip.frames.astype(int) - plates).mean(-1)
    actor = (labels >= HEAD) & (labels <= PROP)
    assert np.median(difference[~actor]) < 6 < np.median(difference[actor])


@pytest.mark.parametrize("action", ACTIONS)
def test_actor_and_prop_stay_in_what_the_model_sees(action):
    """The central square of a frame holds nearly all of the actor, at every moment and from every side."""
    inside = total = 0
    for seed in range(3):
        rng = np.random.default_rng(seed)
        camera = render.sample_camera(rng, False, (132, 176), 120)
        canvas = Canvas.blank((132, 176))
        light = type("Light", (), {"direction": (-0.4, -0.6), "colour": (1, 1, 1), "shadow": 0.3})
        draw_action(canvas, camera, action, Person.sample(rng), 0.4 * seed, Style.sample(rng, action), light)
        actor = (canvas.labels >= HEAD) & (canvas.labels < PROP)
        assert actor.sum() > 150
        inside, total = inside + actor[6:126, 28:148].sum(), total + actor.sum()
    assert inside / total > 0.97


def test_a_group_is_the_same_every_time_and_differs_from_the_next(tmp_path):
    group, other = plan.plan_groups("home", ["Archery"], [11, 12], seed=0)
    for folder in ("a", "b"):
        render.render_group(group, 1, 8, tmp_path / folder)
    render.render_group(other, 1, 8, tmp_path / "c")
    first, again = (decode(tmp_path / f / "home/v_Archery_g11_c01.avi", 2).frames for f in "ab")
    assert (first == again).all()
    assert (decode(tmp_path / "c/home/v_Archery_g12_c01.avi", 2).frames != first).mean() > 0.5


def test_finished_clips_are_kept_when_a_run_was_killed(rendered):
    clip = next(rendered.rglob("v_Archery_g01_c01.avi"))
    before = clip.stat().st_mtime_ns
    (rendered / "clips.csv").unlink()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLIPACTION_DATA", str(rendered.parent))
        assert make.rendered_clips(load_profile("quick", TINY), workers=1) == rendered
    assert clip.stat().st_mtime_ns == before and (rendered / "clips.csv").exists()


@pytest.mark.parametrize("spoilt", [lambda note: b"", lambda note: note.replace(b"0", b"1", 1)])
def test_where_the_note_of_digests_is_damaged_no_clip_is_believed(rendered, spoilt, capsys):
    """Two faults at once: without the note, a damaged video would be noted as it is."""
    video = next(rendered.rglob("*.avi"))
    sound = video.read_bytes()
    video.write_bytes(sound[:-100] + bytes(100))
    note = rendered / "content.json"
    note.write_bytes(spoilt(note.read_bytes()))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLIPACTION_DATA", str(rendered.parent))
        make.rendered_clips(load_profile("quick", TINY), workers=1)
    assert "content.json is damaged; all clips are rendered again" in capsys.readouterr().out
    assert video.read_bytes() == sound


@pytest.mark.parametrize("kind", [".avi", ".truth.npz", "clips.csv"])
@pytest.mark.parametrize("fault", ["a byte", "half", "empty", "gone"])
def test_a_damaged_file_is_made_again(rendered, fault, kind, capsys):
    file = next(path for path in sorted(rendered.rglob("*")) if path.name.endswith(kind))
    sound, others = file.read_bytes(), {path: path.stat().st_mtime_ns for path in rendered.rglob("*.avi")}
    middle = len(sound) // 2
    damaged = {"a byte": sound[:middle] + bytes([sound[middle] ^ 1]) + sound[middle + 1 :], "half": sound[:middle]}
    file.unlink()
    if fault != "gone":
        file.write_bytes(damaged.get(fault, b""))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLIPACTION_DATA", str(rendered.parent))
        make.rendered_clips(load_profile("quick", TINY), workers=1)
        assert f"{file.name} is damaged or missing; it is made again" in capsys.readouterr().out
        make.rendered_clips(load_profile("quick", TINY), workers=1)
    assert not capsys.readouterr().out
    if kind == ".truth.npz":
        with np.load(file) as made, np.load(io.BytesIO(sound)) as first:
            assert all((made[name] == first[name]).all() for name in first.files)
    else:
        assert file.read_bytes() == sound
    assert all(path.stat().st_mtime_ns == time for path, time in others.items() if path.stem != file.name.split(".")[0])


@pytest.mark.parametrize(
    ("file", "old", "new", "changes"),
    [
        ("actions.py", "The sixteen actions of the demo", "The actions", False),  # a docstring
        ("figure.py", "  # metres", "", False),  # a comment
        ("make.py", "CLIP_MB_A_FRAME = 0.027", "CLIP_MB_A_FRAME = 0.03", False),  # no byte depends on it
        ("samples.py", "CLINICAL_SHARE = 0.15", "CLINICAL_SHARE = 0.2", False),
        ("scenes.py", "LAYOUTS = 4", "LAYOUTS = 3", True),
        ("draw.py", "RIM = 0.45", "RIM = 0.5", True),
        ("render.py", "1_000_000", "1_700_000", True),
        ("truth.py", "savez_compressed", "savez", True),
        ("things.py", '"golf bag", "weights"', '"weights", "golf bag"', True),
    ],
)
def test_clips_are_rendered_anew_when_the_code_that_renders_changes(tmp_path, file, old, new, changes):
    def lines():
        return Code(tmp_path / "clipaction").lines([(f.__module__, f.__name__) for f in make.RENDERING.functions])

    shutil.copytree(PACKAGE, tmp_path / "clipaction", ignore=shutil.ignore_patterns("__pycache__"))
    before, path = lines(), tmp_path / "clipaction" / "demo" / file
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    assert (lines() != before) == changes


def test_key_covers_plan_and_length():
    profile = load_profile("quick", TINY)
    planned = plan.plan_clips(profile.dataset, 0)
    keys = [make.rendering_key(planned, 8), make.rendering_key(planned, 9), make.rendering_key(planned[1:], 8)]
    keys.append(make.rendering_key(plan.plan_clips(profile.dataset, 1), 8))
    assert len(set(keys)) == len(keys) and make.rendering_key(list(planned), 8) == keys[0]


def test_full_disk_is_one_clear_line(tmp_path, monkeypatch):
    monkeypatch.setenv("CLIPACTION_DATA", str(tmp_path))
    monkeypatch.setattr(make.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 10})())
    with pytest.raises(UserError, match="CLIPACTION_DATA"):
        make.rendered_clips(load_profile("quick", TINY), workers=1)


def test_test_clips_hold_known_shares_of_scenes_and_a_layout_nobody_trained_on():
    groups = plan.plan_groups("home", plan.HOME, range(1, 26), seed=0)
    test = [g for g in groups if g.split == "test"]
    assert len(test) == 12 * 7 and {g.layout for g in test} == {plan.HELD_OUT_LAYOUT}
    assert all(g.layout != plan.HELD_OUT_LAYOUT for g in groups if g.split != "test")
    relations = [g.relation for g in test]
    assert {r: relations.count(r) for r in ("usual", "random", "other")} == {"usual": 24, "random": 36, "other": 24}
    for g in test:
        usual = ACTIONS[g.action].scene
        assert g.scene == usual if g.relation == "usual" else g.scene != usual if g.relation == "other" else True


def test_default_profile_keeps_its_promised_sizes():
    profile = load_profile("demo")
    jobs = plan.plan_clips(profile.dataset, profile.seed)

    def count(**want):
        return sum(n for g, n in jobs if all(getattr(g, k) == v for k, v in want.items()))

    assert count(domain="home", split="test") >= 300 and count(domain="ward") >= 150
    assert len(plan.HOME) >= 12 and len(plan.CLINICAL) == 4


def test_foreground_is_in_front_of_the_actor():
    image = np.zeros((132, 176, 3), np.float32)
    front = (np.ones((132, 176, 3), np.float32), np.ones((132, 176), np.float32))
    rng = np.random.default_rng(0)
    light = type("Light", (), {"direction": (-0.4, -0.6), "colour": (1, 1, 1), "shadow": 0.3})
    drawn, labels = render.draw_moment(
        image,
        front,
        render.sample_camera(rng, False, (132, 176), 120),
        "Biking",
        Person.sample(rng),
        0.0,
        Style.sample(rng, "Biking"),
        light,
    )
    assert (labels == FOREGROUND).all() and (drawn == 1).all()


def test_captions_state_only_what_they_mention_and_match_every_image_of_which_that_is_true():
    rng = np.random.default_rng(0)
    facts = [("Archery", "archery range", "a man"), ("Archery", "kitchen", "a woman"), ("", "kitchen", "")]
    for _ in range(200):
        said = caption(rng, "Archery", "kitchen", "a woman")
        assert said.action or said.scene
        assert any(words in said.text for words in ACTIONS["Archery"].words) == (said.action is not None)
        truth = matches(facts, [said])[:, 0]
        assert (
            truth[1]
            and truth[0] == (said.scene is None and said.person is None)
            and truth[2] == (said.action is None and said.person is None)
        )
    empty = caption(rng, None, "kitchen", None)
    assert matches(facts, [empty])[:, 0].tolist() == [False, False, True]


def test_multi_positive_loss_is_least_when_true_pairs_and_only_they_are_close():
    positive = torch.tensor([[1, 1, 0], [1, 1, 0], [0, 0, 1]], dtype=torch.bool)
    apart = torch.tensor([[1.0, 0], [1, 0], [0, 1]])
    good, bad = (contrastive_loss(apart, text, torch.tensor(20.0), positive) for text in (apart, apart.flip(0)))
    assert good == pytest.approx(2 / 3 * np.log(2), abs=1e-3) and bad > good + 1


def test_burnt_in_text_is_drawn_labelled_and_says_nothing_about_the_class():
    overlays = [Overlay.sample(np.random.default_rng(i), 0.5) for i in range(400)]
    drawn = [o for o in overlays if o]
    assert 0.4 < len(drawn) / 400 < 0.6 and Overlay.sample(np.random.default_rng(0), 0.0) is None
    for overlay in [*drawn[:20], Overlay.sample(np.random.default_rng(1), 1.0, surveillance=True)]:
        image, labels = np.full((240, 320, 3), 0.4, np.float32), np.full((240, 320), HEAD, np.uint8)
        overlay.burn(image, labels)
        text = labels == TEXT
        assert 20 < text.sum() < 0.05 * text.size and (labels[~text] == HEAD).all()
        assert np.abs(image[text] - overlay.colour).max() < 0.55 and image.min() >= 0 and image.max() <= 1
    groups = [plan.Group("home", action, 12, "train", "usual", "park", 0, 0) for action in plan.HOME]
    texts = [
        [Overlay.sample(replace(group, number=n).rng("text"), plan.TEXT_SHARE) is not None for n in range(100)]
        for group in groups
    ]
    assert all(0.1 < np.mean(row) < 0.4 for row in texts)  # as often with one class as with the next
