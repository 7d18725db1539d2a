"""Splits from names alone, folders of one's own videos, and what a user reads when they are wrong."""

import os
from pathlib import Path

import pytest

from clipaction.base.errors import UserError
from clipaction.data.dataset import Clip, Dataset, load_dataset, to_words
from clipaction.profiles import load_profile


def folder_profile(root, **dataset):
    return load_profile("folder", {"dataset": {"root": str(root), **dataset}})


def make_videos(root, **counts):
    """Empty files <class>/<i>.mp4: loading a data set opens none of them."""
    for name, count in counts.items():
        (root / name).mkdir(parents=True, exist_ok=True)
        for i in range(count):
            (root / name / f"{i}.mp4").touch()
    return root


def test_words():
    assert to_words("ApplyEyeMakeup") == "apply eye makeup"
    assert to_words("arm-wrestling_2") == "arm wrestling 2"


def test_folder_split_is_seeded_by_class(tmp_path):
    make_videos(tmp_path, SitUp=10, fall_down=5, walk=1)
    dataset = load_dataset(folder_profile(tmp_path))
    assert dataset.classes == ("SitUp", "fall_down", "walk")
    assert dataset.phrases == {"SitUp": "sit up", "fall_down": "fall down", "walk": "walk"}
    assert {clip.label for clip in dataset} == {0, 1, 2}
    assert len({clip.group for clip in dataset}) == len(dataset) == 16
    counts = dataset.table().groupby(["cls", "split"]).size().unstack(fill_value=0)[["train", "val", "test"]]
    assert counts.values.tolist() == [[5, 1, 4], [2, 1, 2], [0, 0, 1]]
    splits = {clip.id: clip.split for clip in dataset}
    make_videos(tmp_path, another=4)
    again = {clip.id: clip.split for clip in load_dataset(folder_profile(tmp_path))}
    assert splits.items() <= again.items()  # a new class moves no clip of the others
    assert splits != {
        clip.id: clip.split for clip in load_dataset(load_profile("folder", {"dataset.root": str(tmp_path), "seed": 1}))
    }


def test_folder_with_its_own_split(tmp_path):
    make_videos(tmp_path / "train", a=8, b=8)
    make_videos(tmp_path / "test", a=2, b=3)
    dataset = load_dataset(folder_profile(tmp_path))
    assert [len(dataset.select(split)) for split in ("train", "val", "test")] == [14, 2, 5]
    assert all(clip.id.startswith("test/") == (clip.split == "test") for clip in dataset)


def test_folder_suffixes_and_hidden_files(tmp_path):
    make_videos(tmp_path, a=1, b=1)
    for name in ("x.AVI", "x.mkv", "x.webm", "x.MOV", "notes.txt", "._0.mp4", ".DS_Store"):
        (tmp_path / "a" / name).touch()
    names = {clip.path.name for clip in load_dataset(folder_profile(tmp_path)) if clip.cls == "a"}
    assert names == {"0.mp4", "x.AVI", "x.mkv", "x.webm", "x.MOV"}


def test_folder_names_of_any_bytes(tmp_path):
    """What is printed and stored is text; the path stays as it is."""
    for name in (b"a\xff/caf\xe9.mp4", b"a\xff/caf\xe8.mp4", b"b/x\ny.mp4"):
        path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
        path.parent.mkdir(exist_ok=True)
        path.touch()
    dataset = load_dataset(folder_profile(tmp_path))
    assert [clip.id for clip in dataset] == ["a\\xff/caf\\xe8.mp4", "a\\xff/caf\\xe9.mp4", "b/x\\ny.mp4"]
    assert dataset.classes == ("a\\xff", "b") and all(clip.path.exists() for clip in dataset)
    dataset.table().to_csv(tmp_path / "clips.csv", encoding="utf-8")
    (tmp_path / "b" / "x\\ny.mp4").touch()
    with pytest.raises(UserError, match="names that print alike"):
        load_dataset(folder_profile(tmp_path))


def test_folder_words(tmp_path):
    make_videos(tmp_path, a=2, b=2)
    (tmp_path / "classes.yaml").write_text("a: sitting up in bed\n")
    assert load_dataset(folder_profile(tmp_path)).phrases == {"a": "sitting up in bed", "b": "b"}
    for text, message in (
        ("c: x\n", "names c"),
        ("- a\n", "expected"),
        ("a: [x]\n", "expected"),
        ("a: 'x\n", "not readable as YAML"),
    ):
        (tmp_path / "classes.yaml").write_text(text)
        with pytest.raises(UserError, match=message) as error:
            load_dataset(folder_profile(tmp_path))
        assert "\n" not in str(error.value)


def test_folder_classes_of_the_profile(tmp_path):
    make_videos(tmp_path, a=2, b=2, c=2)
    assert load_dataset(folder_profile(tmp_path, classes=["a", "c"])).classes == ("a", "c")
    with pytest.raises(UserError, match="no class d in .* it has a, b, c"):
        load_dataset(folder_profile(tmp_path, classes=["a", "d"]))


def test_unusable_folders(tmp_path):
    def message(root):
        with pytest.raises(UserError) as error:
            load_dataset(folder_profile(root))
        assert "\n" not in str(error.value) and str(root) in str(error.value)
        return str(error.value)

    assert "no folder" in message(tmp_path / "missing")
    (tmp_path / "file").touch()
    assert "not a directory" in message(tmp_path / "file")
    (tmp_path / "empty").mkdir()
    assert "is empty" in message(tmp_path / "empty")
    assert "only one class, a" in message(make_videos(tmp_path / "one", a=3))
    assert "no videos in the folders" in message(make_videos(tmp_path / "none", a=0, b=0))
    assert "no videos in class folder b" in message(make_videos(tmp_path / "some", a=2, b=0))
    assert "no test/" in message(make_videos(tmp_path / "half", **{"train/a": 2, "train/b": 2}))
    flat = tmp_path / "flat"
    flat.mkdir()
    (flat / "a.mp4").touch()
    assert "no class folders" in message(flat)
    with pytest.raises(UserError, match="--data DIR"):
        load_dataset(load_profile("folder"))


def test_select_and_table():
    clips = [Clip(f"{d}/{s}", Path("x"), 0, "a", "g", s, d) for d in ("home", "ward") for s in ("train", "test")]
    dataset = Dataset("toy", ("a",), {"a": "a"}, clips)
    assert [clip.id for clip in dataset.select("test")] == ["home/test", "ward/test"]
    assert [clip.id for clip in dataset.select(domain="ward")] == ["ward/train", "ward/test"]
    assert list(dataset.table().columns) == ["id", "cls", "label", "group", "split", "domain", "scene"]
    assert list(dataset.table().id) == [clip.id for clip in clips]


def test_classes_yaml_adds_templates(tmp_path):
    make_videos(tmp_path, sit_up=3, walk=3)
    (tmp_path / "classes.yaml").write_text(
        "sit_up: sitting up in bed\ntemplates: ['an infra-red frame of a person {}.']\n"
    )
    dataset = load_dataset(folder_profile(tmp_path))
    assert dataset.phrases == {"sit_up": "sitting up in bed", "walk": "walk"} and dataset.templates == (
        "an infra-red frame of a person {}.",
    )
    assert dataset.note == f"folder {tmp_path}: 6 videos of 2 classes, split by seed 0"
    (tmp_path / "classes.yaml").write_text("templates: ['a person']\n")
    with pytest.raises(UserError, match=r"the template 'a person' needs one \{\}"):
        load_dataset(folder_profile(tmp_path))
