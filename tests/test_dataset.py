"""Splits from names alone, folders of one's own videos, and what a user reads when they are wrong."""

import os
from pathlib import Path

import pytest

from clipaction.config import load_profile
from clipaction.dataset import UCF101_ALIAS, Clip, Dataset, load_dataset, to_words, ucf101_split
from clipaction.errors import UserError


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


def test_ucf101_groups_decide_the_split():
    assert ucf101_split("v_Archery_g07_c01.avi") == ("Archery", 7, ("test", "train", "train"))
    assert ucf101_split("Archery/v_Archery_g08_c01.avi")[2] == ("train", "test", "train")
    assert ucf101_split("v_Archery_g21_c07")[2] == ("train", "train", "test")
    assert ucf101_split("v_Archery_g25_c01.avi")[2] == ("train", "train", "train")
    for name in ("v_Archery_g26_c01.avi", "v_Archery_g00_c01.avi", "Archery_g01_c01.avi", "v_Archery.avi"):
        with pytest.raises(ValueError, match="not a UCF-101 clip"):
            ucf101_split(name)


def test_ucf101_class_that_is_spelt_two_ways():
    assert ucf101_split("v_HandStandPushups_g01_c01.avi")[0] == ucf101_split("v_HandstandPushups_g01_c01.avi")[0] == "HandstandPushups"


@pytest.mark.skipif("CLIPACTION_TEST_SPLITS" not in os.environ, reason="CLIPACTION_TEST_SPLITS names no folder of official lists")
@pytest.mark.parametrize("k, tests, trains", [(1, 3783, 9537), (2, 3734, 9586), (3, 3696, 9624)])
def test_ucf101_official_lists(k, tests, trains):
    folder = Path(os.environ["CLIPACTION_TEST_SPLITS"])
    lines = {split: (folder / f"{split}list0{k}.txt").read_text().splitlines() for split in ("train", "test")}
    official = {split: [line.split()[0] for line in lines[split] if line] for split in lines}
    assert (len(official["test"]), len(official["train"])) == (tests, trains)
    classes = [UCF101_ALIAS.get(line.split()[1], line.split()[1]) for line in (folder / "classInd.txt").read_text().splitlines() if line]
    for split, names in official.items():
        parsed = [ucf101_split(name) for name in names]
        assert {splits[k - 1] for _, _, splits in parsed} == {split}
        assert {cls for cls, _, _ in parsed} == set(classes)
    assert sorted(classes, key=str.lower) == classes  # so labels are the official ones, less one


def test_ucf101_folder(tmp_path):
    names = [f"v_{cls}_g{g:02d}_c{c:02d}.avi" for cls in ("Archery", "HandStandPushups", "Biking") for g in range(1, 26) for c in (1, 2)]
    for name in names:
        (tmp_path / name).touch()
    profile = load_profile("ucf101", {"dataset.root": str(tmp_path)})
    for k in (1, 2, 3):
        dataset = load_dataset(profile, k)
        assert dataset.classes == ("Archery", "Biking", "HandstandPushups")
        assert len(dataset) == len(names)
        for clip in dataset:
            official = ucf101_split(clip.path.name)[2][k - 1]
            assert clip.split == official or (clip.split, official) == ("val", "train")
    few = {"classes": ["Archery", "Biking"], "test_clips": 1, "train_groups": 3, "train_clips": 1}
    mini = load_profile("ucf101", {"dataset": {"root": str(tmp_path), **few}})
    assert len(load_dataset(mini).select("test")) == 2 * 7
    assert len(load_dataset(mini).select("train")) == 2 * 3


def test_ucf101_without_data_says_where_to_put_it(tmp_path):
    with pytest.raises(UserError, match=f"no UCF-101 videos in {tmp_path}.*unpack"):
        load_dataset(load_profile("ucf101", {"dataset.root": str(tmp_path)}))


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
    assert splits != {clip.id: clip.split for clip in load_dataset(load_profile("folder", {"dataset.root": str(tmp_path), "seed": 1}))}


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


def test_folder_words(tmp_path):
    make_videos(tmp_path, a=2, b=2)
    (tmp_path / "classes.yaml").write_text("a: sitting up in bed\n")
    assert load_dataset(folder_profile(tmp_path)).phrases == {"a": "sitting up in bed", "b": "b"}
    for text, message in (("c: x\n", "names c"), ("- a\n", "expected"), ("a: [x]\n", "expected"), ("a: 'x\n", "not readable as YAML")):
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
