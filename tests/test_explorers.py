"""The explorers offer what works, say why the rest does not, and show what the package computes."""

import base64
import io
import json
import re
import time
from itertools import product

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from clipaction.analysis.attention import noisy_images
from clipaction.base.errors import UserError
from clipaction.demo.render import write_video
from clipaction.masking import masks
from clipaction.masking.conditions import parse
from clipaction.masking.shapes import SHAPES, shape
from clipaction.noise.apply import action_boxes
from clipaction.noise.files import save_noise
from clipaction.noise.learning import RECIPES, load_learned, setup_of
from clipaction.noise.parameters import ClassNoise
from clipaction.noise.protocols import HEADLINE
from clipaction.notebook.explorer import (
    MaskExplorer,
    NoiseExplorer,
    answers,
    drawings,
    knobs,
    noises,
    offline,
    panels,
    quiz,
)
from clipaction.notebook.explorer.clips import Clips
from clipaction.notebook.explorer.masks import frames_of, masked
from clipaction.profiles.load import extend
from clipaction.vision.clip import clips_to_input, to_input
from clipaction.vision.zero_shot import zero_shot

START = {**knobs.START, "clip": "c10"}


@pytest.fixture
def explorer(square_study, registries):
    return MaskExplorer(square_study)


def move(explorer, ticket=1, **moved):
    explorer.answer({"kind": "knobs", "knobs": {**explorer.knobs, **moved}, "ticket": ticket}, [])


# what can be chosen


@pytest.mark.parametrize("what", ["hide", "keep"])
def test_a_mask_is_made_exactly_where_no_reason_speaks_against_it(square_study, what):
    clip, seen = Clips(square_study).open("c10"), set()
    wheel = {name: list(knobs.options(square_study, name)) for name in ("part", "source", "grain", "control", "fill")}
    for values in product(*wheel.values()):
        chosen = {**START, "what": what, **dict(zip(wheel, values))}
        reason = knobs.impossible(square_study, clip, chosen)
        seen.add(reason)
        if reason or chosen["source"] == "relevance":  # the toy model has no relevance
            continue
        name = knobs.condition_name(chosen)
        assert parse(name).kind == what and masked(square_study, clip, name).shape == clip.frames.shape
    assert "" in seen and len(seen) > 4


def test_the_package_refuses_what_the_explorer_greys_out(square_study):
    clip = Clips(square_study).open("c10")
    for moved in ({"source": "motion", "part": "head"}, {"grain": "plate", "control": "control"}):
        chosen = {**START, "what": "hide", **moved}
        assert knobs.impossible(square_study, clip, chosen)
        with pytest.raises(UserError):
            masked(square_study, clip, knobs.condition_name(chosen))


def test_what_stands_left_wins_and_an_open_option_always_gives_a_mask(square_study):
    clip = Clips(square_study).open("c10")
    wheel = {name: list(knobs.options(square_study, name)) for name in ("what", "part", "source", "grain", "control")}
    for values in product(*wheel.values()):
        chosen = {**START, **dict(zip(wheel, values))}
        found = knobs.mended(square_study, clip, chosen)
        assert not knobs.impossible(square_study, clip, found), chosen
        for name in wheel:
            if not knobs.reason_against(square_study, clip, found, name, chosen[name]):
                after = knobs.mended(square_study, clip, {**found, name: chosen[name]})
                assert after[name] == chosen[name] and not knobs.impossible(square_study, clip, after)


def test_a_knob_is_hidden_exactly_where_it_changes_nothing(square_study):
    clip = Clips(square_study).open("c10")
    others = {"shape": "circle", "percent": 20, "placement": "random", "motion": "moving", "part": "head"}
    others |= {"grain": "box", "source": "motion", "control": "cells", "fill": "mean"}
    for moved in ({"what": "none"}, {"what": "shape"}, {"what": "hide"}, {"what": "keep"}):
        chosen = knobs.mended(square_study, clip, {**START, **moved})
        shown = {control["name"] for control in knobs.controls(square_study, clip, chosen)}
        name = knobs.condition_name(chosen)
        changing = {knob for knob, value in others.items() if knobs.condition_name({**chosen, knob: value}) != name}
        assert changing == shown & set(others), moved


def test_options_that_cannot_be_had_carry_their_reason(explorer):
    move(explorer, what="hide", part="head")
    (sources,) = (control for control in explorer.controls if control["name"] == "source")
    reasons = {option["value"]: option["reason"] for option in sources["options"]}
    assert reasons["truth"] == "" and reasons["motion"] == "motion does not find head"


# what is shown


def test_both_answers_are_those_of_zero_shot(square_study, explorer):
    move(explorer, what="shape", shape="circle", percent=40, clip="c11")
    store, head = square_study.store, square_study.head()
    frames = next(square_study.masked(square_study.meta.iloc[11:12], "shape:circle:40:centre:still"))[0]
    for shown, picture in zip(explorer.view["panels"], (store.frames[11], frames)):
        expected = (zero_shot(square_study.clip, head, to_input(picture)[None])[0][0] / square_study.clip.tau).softmax(
            0
        )
        best = expected.argsort(descending=True)
        assert [bar["name"] for bar in shown["bars"]] == [square_study.classes[c] for c in best]
        assert np.allclose([bar["p"] for bar in shown["bars"]], expected[best], atol=1e-5)
        assert [bar["name"] for bar in shown["bars"] if bar["kind"] == "true"] == ["class1"]
        assert len(shown["answers"]) == len(shown["frames"]) == 4


@pytest.mark.parametrize(
    ("first", "then", "p", "label", "words", "state"),
    [
        (0, 0, 0.9, 0, "a 0.80 → a 0.90: still right", "right"),
        (1, 0, 0.4, 0, "b 0.80 → a 0.40: now right", "right"),
        (0, 1, 0.5, 0, "a 0.80 → b 0.50: now wrong", "wrong"),
        (0, 1, 0.7, 0, "a 0.80 → b 0.70: now wrong, and sure", "wrong"),
        (1, 1, 0.5, 0, "b 0.80 → b 0.50: still wrong", "wrong"),
        (0, 1, 0.5, None, "a 0.80 → b 0.50: another answer", ""),
    ],
)
def test_the_change_in_words(first, then, p, label, words, state):
    def answer(c, p):
        return panels.Answer(np.where(np.arange(3) == c, p, 0.0), np.zeros((1, 3)))

    assert panels.change(answer(first, 0.8), answer(then, p), "abc", label) == (words, state)


def test_pictures_are_sharp_where_nothing_was_changed():
    own = np.random.default_rng(0).integers(0, 255, (2, 24, 24, 3), dtype=np.uint8)
    clean = np.random.default_rng(1).integers(1, 255, (2, 8, 8, 3), dtype=np.uint8)
    shown = clean.copy()
    shown[:, 2:4, 1:6] = 0
    found = panels.sharp(own, clean, shown)
    assert (found[:, 6:12, 3:18] == 0).all()
    found[:, 6:12, 3:18] = own[:, 6:12, 3:18]
    assert (found == own).all()


def test_an_error_is_a_line_and_the_picture_stays(explorer):
    before = explorer.view["panels"]
    bits = np.ones(48 * 48, np.uint8).tobytes()
    explorer.answer({"kind": "keep", "name": "everything", "ticket": 7}, [bits])
    assert explorer.note.startswith("the drawn mask hides everything") and explorer.view["ticket"] == 7
    assert explorer.view["panels"] == before
    move(explorer, ticket=8, percent=20)
    assert explorer.note == "" and explorer.view["ticket"] == 8


def test_where_nobody_can_turn_knobs_a_picture_is_shown(explorer, monkeypatch):
    assert "application/vnd.jupyter.widget-view+json" in str(explorer._repr_mimebundle_())
    monkeypatch.setenv("CLIPACTION_STILLS", "1")
    shown = explorer._repr_mimebundle_()
    picture = Image.open(io.BytesIO(base64.b64decode(shown["image/png"])))
    assert picture.width > 400 and "python -m clipaction lab" in shown["text/plain"]


def test_an_error_of_the_readers_own_shape_is_a_line_too(explorer):
    shape("broken")(lambda grid: 1 / 0)
    move(explorer, ticket=5, shape="broken")
    assert explorer.note.startswith("ZeroDivisionError") and explorer.view["ticket"] == 5
    shape("broken")(lambda grid: abs(grid.v) + abs(grid.u))  # mended, under the same name
    move(explorer, ticket=6, shape="broken")
    assert explorer.note == "" and explorer.knobs["shape"] == "broken"


def test_a_view_is_remembered_by_the_knobs_that_have_an_effect(explorer):
    there = {**explorer.knobs, "what": "shape", "shape": "square", "seed": 0}
    explorer.look(there)
    first, count = explorer.view, len(explorer.seen)
    explorer.look({**there, "part": "background", "seed": 3, "control": "cells"})
    assert explorer.view["panels"] is first["panels"] and len(explorer.seen) == count
    assert explorer.view["code"] == first["code"] and explorer.knobs["seed"] == 3
    explorer.look({**there, "percent": 20})
    assert explorer.view["panels"] is not first["panels"] and len(explorer.seen) == count + 1


def test_a_shape_that_is_registered_anew_is_shown_anew(explorer):
    shape("mine")(lambda grid: abs(grid.v) + 0 * grid.u)
    move(explorer, shape="mine")
    before = explorer.view["panels"][1]["frames"]
    shape("mine")(lambda grid: abs(grid.u) + 0 * grid.v)
    move(explorer, shape="mine")
    assert explorer.view["panels"][1]["frames"] != before


def test_the_most_relevant_pixels_have_the_names_of_the_sweep():
    spelled = {**START, "what": "hide", "part": "relevant", "source": "relevance"}
    names = [knobs.condition_name({**spelled, "percent": percent}) for percent in (20, 30, 17.969)]
    assert names == ["hide:relevant:silhouette", "hide:relevant30:silhouette", "hide:relevant18:silhouette"]


def test_clips_are_found_by_what_is_known_of_them(square_study, registries):
    meta = square_study.clips("test")
    rows = meta.assign(level="clip", condition="none", method="clip", p_pred=0.5)
    (square_study.results / "predictions").mkdir(parents=True)
    rows.assign(pred=[0, 1]).to_parquet(square_study.results / "predictions/zero_shot.parquet")
    sweep = [rows.assign(pred=[0, 1]), rows.assign(pred=[0, 2], condition="shape:square:30:centre:still")]
    pd.concat(sweep).to_parquet(square_study.results / "predictions/masking.parquet")
    explorer = MaskExplorer(square_study)
    assert [clip["right"] for clip in explorer.clips] == [True, True] and explorer.view["flips"] == ["c11"]
    move(explorer, percent=31)
    assert explorer.view["flips"] is None


# one's own


def test_a_sentence_competes_with_the_classes(explorer, square_study, monkeypatch):
    best = panels.judge(square_study, square_study.store.frames[10]).clip.argmax()
    monkeypatch.setattr(type(square_study.clip), "encode_text", lambda clip, texts: square_study.head()[best][None])
    explorer.add_prompt("a photo of a person fencing.")
    kinds = {bar["name"]: bar["kind"] for bar in explorer.view["panels"][0]["bars"]}
    answer = panels.judge(square_study, square_study.store.frames[10], explorer.prompts)
    assert len(answer.clip) == 6 and len(kinds) == 5 and kinds["a photo of a person fencing."] == "prompt"


def test_a_video_of_ones_own(explorer, square_study, tmp_path):
    frames = np.random.default_rng(0).integers(0, 255, (9, 32, 64, 3), dtype=np.uint8)
    write_video(tmp_path / "mine.avi", frames)
    explorer.known.preparation = {"size": 48, "interpolation": "bilinear", "resize_mode": "shortest"}
    explorer.add_video(tmp_path / "mine.avi")
    assert explorer.clips[0]["clip"] == "mine.avi" and explorer.view["state"] == ""
    clip = explorer.known.open("mine.avi")
    assert clip.frames.shape == (4, 48, 48, 3) and clip.own.shape == (4, 48, 48, 3) and len(clip.video) == 9
    move(explorer, what="hide", part="actor+prop")
    assert explorer.knobs["source"] == "motion" and explorer.note == ""
    before, row = explorer.view["panels"], clip.row
    write_video(tmp_path / "mine.avi", 255 - frames)
    explorer.add_video(tmp_path / "mine.avi")  # another video of the same name
    assert explorer.view["panels"] != before and explorer.known.open("mine.avi").row < row < 0
    explorer.answer({"kind": "video", "name": "../broken.avi"}, [b"nothing"])
    assert "broken.avi" in explorer.note and explorer.knobs["clip"] == "mine.avi"


def test_pictures_show_what_the_model_sees(square_study):
    clips = Clips(square_study)
    clips.preparation = {"size": 8, "interpolation": "bilinear", "resize_mode": "shortest"}
    frames = np.random.default_rng(0).integers(0, 255, (2, 40, 90, 3), dtype=np.uint8)
    assert (clips.shown(frames) == frames[:, :, 25:65]).all()  # the middle
    clips.preparation["resize_mode"] = "squash"
    assert clips.shown(frames).shape == (2, 40, 40, 3) and (clips.shown(frames) != frames[:, :, 25:65]).any()
    assert clips.shown(np.zeros((1, 1080, 1920, 3), np.uint8)).shape == (1, 480, 480, 3)


# drawing


def drawn_bits(size=48):
    bits = np.zeros((size, size), bool)
    bits[5:20, 10:30] = True
    bits[30:33, 2:40] = True
    return bits


def test_a_drawn_mask_hides_what_was_drawn(explorer, square_study):
    bits = drawn_bits()
    knob = {**explorer.knobs, "what": "draw"}
    explorer.answer({"kind": "knobs", "knobs": knob, "ticket": 1}, [bits.astype(np.uint8).tobytes()])
    frames, words = frames_of(square_study, explorer.known.open("c10"), explorer.knobs, explorer.bits)
    assert words == "drawn, 18.0 %" and (frames[:, bits] == 0).all()
    assert (frames[:, ~bits] == square_study.store.frames[10][:, ~bits]).all()
    moved, _ = frames_of(square_study, explorer.known.open("c10"), {**knob, "control": "control"}, bits)
    elsewhere = (moved == 0).all(-1)
    assert (elsewhere.sum((1, 2)) >= bits.sum()).all() and (elsewhere[0] & bits).sum() < 0.5 * bits.sum()


def test_kept_it_is_a_condition_like_any_other(explorer, square_study):
    bits = drawn_bits()
    explorer.answer({"kind": "keep", "name": "my-mask"}, [bits.astype(np.uint8).tobytes()])
    condition = knobs.condition_name(explorer.knobs)
    assert condition == "shape:my-mask:17.969:centre:still" and condition in explorer.note
    test = square_study.clips("test")
    rows = square_study.evaluate(test, ["none", condition], "masking")
    assert set(rows["condition"]) == {"none", condition}
    hidden = masks.shape_mask("my-mask", 17.969, (48, 48), 1, np.random.default_rng(0))[0].numpy()
    assert (hidden == bits).all()
    SHAPES.pop("my-mask")  # another process
    extend(square_study.results / "drawn" / "my-mask.py")
    assert "my-mask" in SHAPES


@pytest.mark.parametrize("size", [(48, 48), (96, 96), (60, 107)])
@pytest.mark.parametrize("percent", [10, 17.969, 30])
def test_its_area_is_exact_at_every_size(registries, size, percent):
    drawings.add("my-mask", drawn_bits())
    mask = masks.shape_mask("my-mask", percent, size, 2, np.random.default_rng(0), placement="random")
    assert (mask.sum((1, 2)) == masks.pixels(percent, size)).all()


@pytest.mark.parametrize(
    ("name", "bits", "message"),
    [
        ("My Mask", drawn_bits(), "small letters"),
        ("square", drawn_bits(), "already"),
        ("empty", np.zeros((48, 48), bool), "everything or nothing"),
    ],
)
def test_what_cannot_be_kept_is_said(registries, name, bits, message):
    with pytest.raises(UserError, match=message):
        drawings.add(name, bits)


def test_a_drawing_of_other_pixels_has_other_predictions(registries, square_study):
    """The key of a kept mask holds its pixels."""
    test, bits = square_study.clips("test"), drawn_bits()
    name = drawings.add("my-mask", bits)
    first = square_study.evaluate(test, [name], "masking")
    drawings.add("my-mask", np.roll(bits, 10, 0))
    assert not np.allclose(first["p_true"], square_study.evaluate(test, [name], "masking")["p_true"])


# predict, then measure


@pytest.fixture
def sweep():
    rng, rows = np.random.default_rng(0), []
    names = ["none", *(f"shape:{shape}:{p}:centre:still" for shape in ("square", "circle") for p in (10, 30, 50))]
    names += ["hide:actor:box", "control:hide:actor:box", "hide:prop:box", "keep:actor:silhouette"]
    for k, name in enumerate(names):
        for clip in range(60):
            label = clip % 5
            right = rng.random() > k / len(names)
            rows.append((f"c{clip}", f"class{label}", label, name, label if right else (label + 1) % 5, 1 - k / 12))
    table = pd.DataFrame(rows, columns=["clip", "cls", "label", "condition", "pred", "p_pred"])
    return table.assign(level="clip")


def test_questions_come_from_the_results(sweep):
    asked = quiz.questions(sweep)
    assert 3 <= len(asked) <= quiz.ASKED and quiz.questions(sweep) == asked
    right = sweep.assign(right=sweep["pred"] == sweep["label"])
    accuracy = right.groupby("condition")["right"].mean().rename(index=quiz.describe)
    for question in asked:
        assert len(set(question.options)) == quiz.CHOICES
        if question.text.startswith("Which of these masks costs"):
            assert question.options[question.right] == accuracy[question.options].idxmin()
            assert question.numbers == [f"{100 * accuracy[name]:.0f} %" for name in question.options]
    assert len({question.text for question in asked}) >= 3


def test_an_answer_is_locked_before_the_numbers_are_shown(square_study, registries, sweep):
    (square_study.results / "predictions").mkdir(parents=True)
    sweep.to_parquet(square_study.results / "predictions/masking.parquet")
    explorer = MaskExplorer(square_study)
    first, right = dict(explorer.quiz), explorer.asked[0].right
    assert first["answer"] is None and first["score"] == ""
    explorer.answer({"kind": "next"}, [])
    assert explorer.quiz == first
    explorer.answer({"kind": "guess", "choice": (right + 1) % 3}, [])
    assert explorer.quiz["answer"] == [right, (right + 1) % 3, explorer.asked[0].numbers]
    explorer.answer({"kind": "guess", "choice": right}, [])
    assert explorer.quiz["score"] == "0 of 1 right"
    explorer.answer({"kind": "next"}, [])
    assert explorer.quiz["number"] == 2 and explorer.quiz["answer"] is None


def test_a_damaged_sweep_is_as_none(square_study, registries, sweep):
    """Notebook 03 opens the explorer before it makes the sweep anew."""
    (square_study.results / "predictions").mkdir(parents=True)
    path = square_study.results / "predictions/masking.parquet"
    sweep.to_parquet(path)
    path.write_bytes(path.read_bytes()[:1000])
    assert "run it first" in MaskExplorer(square_study).quiz["reason"]


def test_without_a_sweep_it_says_what_to_run(explorer):
    assert explorer.quiz == {"reason": "The questions come from notebook 03's sweep; run it first."}


# as one file


@pytest.fixture
def offline_page(square_study, registries):
    html = offline.page(square_study)
    return html, json.loads(re.search(r"const DATA = (.*);</script>", html)[1])


def test_the_page_says_what_the_explorer_says(square_study, explorer, offline_page):
    data = offline_page[1]
    for clip, views in data["views"].items():
        for state, found in zip(data["states"], views):
            move(explorer, **{**state["knobs"], "clip": clip})
            same = ("change", "state", "code")
            assert {name: found[name] for name in same} == {name: explorer.view[name] for name in same}
            for here, there in zip(found["panels"], explorer.view["panels"]):
                assert here["title"] == there["title"] and here["bars"] == there["bars"]


def test_regions_that_use_the_model_are_found_before_several_threads_do(square_study, registries, monkeypatch):
    """Also where a run was kept, so that no sweep has asked for them yet."""
    regions = square_study.profile.regions.model_copy(
        update={"sources": ("truth", "relevance"), "parts": ("actor+prop", "relevant")}
    )
    vars(square_study)["profile"] = square_study.profile.model_copy(update={"regions": regions})
    finder, found, each = square_study.finders["relevance"], [], offline.parallel.each
    blank = torch.zeros(square_study.profile.frames, 3, 3)
    monkeypatch.setattr(finder, "find", lambda rows, frames: finder.maps.update(dict.fromkeys(rows, blank)))

    def watched(function, items, device):
        found.append(set(finder.maps))
        return each(function, items, device)

    monkeypatch.setattr(offline.parallel, "each", watched)
    offline.page(square_study)
    assert found[0] == set(square_study.clips("test")["row"])


def test_every_knob_of_the_page_leads_to_the_state_that_it_names(offline_page):
    states, open_options = offline_page[1]["states"], 0
    for state in states:
        for control in state["controls"]:
            for option in control["options"]:
                if not option["reason"]:
                    open_options += 1
                    assert states[option["to"]]["knobs"][control["name"]] == option["value"], (control, option)
    assert open_options > 3 * len(states)


def test_the_page_needs_nothing_else(offline_page):
    html = offline_page[0]
    assert not re.search(r"(src|href)=|https?://(?!www\.w3\.org/2000/svg)|import\(", html)
    assert "</script" not in json.dumps(offline_page[1])


# noise


@pytest.fixture
def trained(square_study):
    """A study with noises of every kind, as notebook 04 leaves them."""
    rows = {"anchored": 2, HEADLINE: 6, "anchored-class-real": 6, "shared": 1}
    for k, (name, recipe) in enumerate(RECIPES.items()):
        noise = ClassNoise(rows.get(name, 5), 48, 48 / 255, 4, seed=k)().detach() * 30
        gate = torch.randn(5, 9, generator=torch.Generator().manual_seed(k)) if recipe.gate else None
        save_noise(square_study.results / "noise" / f"{name}.safetensors", noise, gate)
    return square_study


def frames_with(study, method, **values) -> np.ndarray:
    return noises.noisy_frames(study, setup_of(study, load_learned(study)), study.store.frames[0], method, **values)[0]


@pytest.mark.parametrize("method", list(noises.NOISES))
def test_a_noise_knob_is_hidden_exactly_where_it_changes_nothing(trained, method):
    setup = setup_of(trained, load_learned(trained))
    chosen = {**noises.START, "method": method, "of": "class1"}
    shown = {control["name"] for control in noises.controls(trained, setup, chosen)} & {"strength", "of"}
    before = frames_with(trained, method, strength=1.0, of="class1")
    others = {"strength": {"strength": 0.4, "of": "class1"}, "of": {"strength": 1.0, "of": "class2"}}
    changing = {knob for knob, values in others.items() if (frames_with(trained, method, **values) != before).any()}
    assert changing == shown


def test_the_explorer_shows_what_the_protocols_show_to_clip(trained):
    x, setup = clips_to_input(trained.store.frames[:1]), setup_of(trained, load_learned(trained))
    seen = noisy_images(setup, x)
    for name in ("none", HEADLINE, "anchored", "gated"):
        expected = seen[name][0].permute(0, 2, 3, 1).numpy() * 255
        frames, boxes, weights = noises.noisy_frames(trained, setup, trained.store.frames[0], name)
        assert np.abs(frames - expected).max() <= 0.51, name
        assert (boxes is not None) == name.startswith("anchored")
        assert (weights is not None) == (name in (HEADLINE, "gated"))
    assert (frames_with(trained, HEADLINE, strength=0.0) == trained.store.frames[0]).all()
    boxes = noises.noisy_frames(trained, setup, trained.store.frames[0], HEADLINE)[1]
    assert (boxes == action_boxes(x, "motion")[0].numpy()).all()


def test_the_box_is_outlined_on_the_picture_and_not_drawn_into_the_frames(trained):
    explorer = NoiseExplorer(trained)
    found = explorer.view["panels"][-1]["boxes"]
    boxes = action_boxes(clips_to_input(trained.store.frames[10:11]), "motion")[0]
    for (x, y, w, h), box in zip(found, boxes):
        drawn = np.zeros((48, 48), bool)
        drawn[round(48 * y) : round(48 * (y + h)), round(48 * x) : round(48 * (x + w))] = True
        assert (drawn == box.numpy().astype(bool)).all()
    assert "boxes" not in explorer.view["panels"][0]


def test_every_noise_can_be_chosen_and_every_protocol_stands_beside_it(trained):
    explorer = NoiseExplorer(trained)
    for name in noises.NOISES:
        move(explorer, method=name)
        assert explorer.note == "" and len(explorer.view["panels"]) == (1 if name == "none" else 3)
    assert len(explorer.view["table"]) == len(explorer.protocols) > 5


def test_how_many_clips_a_class_noise_turns(trained):
    rows = [
        ("none", "class1", 2, 40),
        ("naive", "class1", 31, 40),
        ("gated", "class1", 4, 40),
        (HEADLINE, "class1", 3, 40),
    ]
    table = pd.DataFrame(rows, columns=["variant", "cls", "successes", "of"])
    said = answers.attack_words(table, "class", "class1")
    assert said == "The naive noise of class1 turns 31 of 40 clips of other classes into class1 (without noise: 2)."
    assert "10.0%" in answers.attack_words(table, "gated", "") and answers.attack_words(table, "shared", "") == ""


def wait_for(condition, seconds=20):
    until = time.monotonic() + seconds
    while not condition() and time.monotonic() < until:
        time.sleep(0.01)
    assert condition()


def test_a_small_noise_is_trained_while_one_looks(trained):
    explorer = NoiseExplorer(trained)
    explorer.answer({"kind": "train"}, [])
    wait_for(lambda: not explorer.thread.is_alive())
    losses = explorer.training["loss"]  # the first one is without noise
    assert len(losses) == noises.LIVE["steps"] + 1 and not explorer.training["running"]
    assert losses[-1] < losses[0]
    assert explorer.knobs["method"] == "mine"


def test_its_training_can_be_stopped_at_once(trained):
    explorer = NoiseExplorer(trained)
    explorer.answer({"kind": "train"}, [])
    wait_for(lambda: len(explorer.training["loss"]) >= 2)
    explorer.answer({"kind": "train"}, [])
    wait_for(lambda: not explorer.thread.is_alive(), seconds=5)
    assert 2 <= len(explorer.training["loss"]) < noises.LIVE["steps"] and explorer.knobs["method"] == "mine"
