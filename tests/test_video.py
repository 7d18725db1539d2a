"""Decoding: which frames, the right way up, and what is left of damaged files."""

import os
import socket
from pathlib import Path

import av
import numpy as np
import pytest
from damaged import damaged_videos, real_videos, taken
from PIL import Image

from clipaction.data import convert, video
from clipaction.data.files import printable
from clipaction.data.video import VideoError, decode, segment_centres


def moving(n, height=48, width=64):
    """n noisy frames [n, H, W, 3] whose mean brightness is 20 + 3 i: a frame tells its own index."""
    noise = np.random.default_rng(0).integers(-15, 16, (n, height, width, 1))
    return np.clip(20 + 3 * np.arange(n).reshape(-1, 1, 1, 1) + noise, 0, 255).astype(np.uint8).repeat(3, -1)


def write(path, frames, codec="mpeg4", rate=25, gop=10):
    """Write frames (all one size) as a video."""
    with av.open(str(path), "w") as container:
        options = {"sc_threshold": "1000000000"}  # no key frames but those that are asked for
        stream = container.add_stream(codec, rate=rate, options=options if codec == "mpeg4" else {})
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt, stream.bit_rate, stream.gop_size, stream.thread_count = "yuv420p", 2_000_000, gop, 1
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
    return path


def seen(decoded):
    """The indices that the pictures themselves show."""
    return np.rint((decoded.frames.mean((1, 2, 3)) - 20) / 3).astype(int).tolist()


def test_segment_centres():
    assert segment_centres(8, 8).tolist() == list(range(8))
    assert segment_centres(164, 8).tolist() == [10, 30, 51, 71, 92, 112, 133, 153]
    assert segment_centres(3, 8).tolist() == [0, 0, 0, 1, 1, 2, 2, 2]
    for n in (1, 2, 5, 31, 1000):
        for count in (1, 3, 8):
            assert segment_centres(n, count).tolist() == [int((i + 0.5) * n / count) for i in range(count)]


@pytest.mark.parametrize("name", ["a.avi", "a.mp4", "a.mkv", "a.mov", "a.webm"])
def test_the_frames_are_those_asked_for(tmp_path, name):
    decoded = decode(write(tmp_path / name, moving(60), "libvpx" if name == "a.webm" else "mpeg4"), 8)
    assert decoded.frames.shape == (8, 48, 64, 3) and decoded.frames.dtype == np.uint8
    assert (decoded.n_frames, decoded.fps, decoded.complete, decoded.damage) == (60, 25.0, True, "")
    assert decoded.indices.tolist() == segment_centres(60, 8).tolist() == seen(decoded)


def test_one_key_frame_only(tmp_path):
    decoded = decode(write(tmp_path / "a.avi", moving(60), gop=600), 4)
    assert seen(decoded) == segment_centres(60, 4).tolist()


def test_colours_are_rgb(tmp_path):
    red = np.zeros((12, 48, 64, 3), np.uint8)
    red[..., 0] = 200
    r, g, b = decode(write(tmp_path / "a.avi", red), 2).frames.mean((0, 1, 2))
    assert r > 190 and g < 15 and b < 15


def test_fewer_frames_than_asked_repeat(tmp_path):
    assert seen(decode(write(tmp_path / "three.avi", moving(3)), 8)) == [0, 0, 0, 1, 1, 2, 2, 2]
    assert seen(decode(write(tmp_path / "one.avi", moving(1)), 4)) == [0, 0, 0, 0]


def test_phone_rotation(tmp_path):
    """A display matrix of a quarter turn, written into the track header: what a phone held upright records."""
    frames = moving(20)
    frames[:, :, :16] = 255  # a white bar on the left
    plain = write(tmp_path / "plain.mp4", frames).read_bytes()
    fixed = lambda *values: b"".join(int(v).to_bytes(4, "big", signed=True) for v in values)  # noqa: E731
    identity, quarter = fixed(65536, 0, 0, 0, 65536, 0, 0, 0, 1 << 30), fixed(0, 65536, 0, -65536, 0, 0, 0, 0, 1 << 30)
    at = plain.index(identity, plain.index(b"tkhd"))
    (tmp_path / "phone.mp4").write_bytes(plain[:at] + quarter + plain[at + len(identity) :])
    assert decode(tmp_path / "plain.mp4", 2).frames.shape == (2, 48, 64, 3)
    turned = decode(tmp_path / "phone.mp4", 2).frames
    assert turned.shape == (2, 64, 48, 3)
    assert turned[:, :14].mean() > 240 > 120 > turned[:, -14:].mean()  # turned clockwise: left becomes top


def test_size_that_changes_midway(tmp_path):
    """Two transport streams of different size, one after the other, under a misleading name."""
    small, large = (
        write(tmp_path / name, moving(20, *size), "mpeg2video")
        for name, size in (("s.ts", (48, 64)), ("l.ts", (96, 128)))
    )
    (tmp_path / "both.mp4").write_bytes(small.read_bytes() + large.read_bytes())
    decoded = decode(tmp_path / "both.mp4", 4)
    assert decoded.frames.shape == (4, 48, 64, 3) and decoded.n_frames in (39, 40)  # the joint may cost a frame


@pytest.mark.parametrize("name", ["a.avi", "a.mkv"])
def test_truncated_file_gives_what_is_there(tmp_path, name):
    whole = write(tmp_path / name, moving(75)).read_bytes()
    (tmp_path / name).write_bytes(whole[: len(whole) // 2])
    decoded = decode(tmp_path / name, 4)
    assert not decoded.complete and decoded.damage
    assert 4 < decoded.n_frames < 60
    assert decoded.indices.tolist() == segment_centres(decoded.n_frames, 4).tolist()
    assert seen(decoded)[:3] == decoded.indices.tolist()[:3]


def test_damaged_middle_is_survived_and_said(tmp_path):
    data = bytearray(write(tmp_path / "a.avi", moving(60)).read_bytes())
    data[len(data) // 2 : len(data) // 2 + 3000] = bytes(3000)
    (tmp_path / "a.avi").write_bytes(data)
    decoded = decode(tmp_path / "a.avi", 8)
    assert decoded.frames.shape == (8, 48, 64, 3) and not decoded.complete


def test_picture_that_freezes_is_said(tmp_path):
    frames = moving(80)
    frames[40:75] = frames[40]
    assert "picture frozen from frame 4" in decode(write(tmp_path / "a.avi", frames), 4).damage


def test_nothing_to_decode(tmp_path):
    (tmp_path / "text.mp4").write_text("not a video\n" * 50)
    (tmp_path / "zero.mp4").touch()
    (tmp_path / "playlist.mp4").write_text("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n")
    (tmp_path / "folder.mp4").mkdir()
    with av.open(str(tmp_path / "audio.mp4"), "w") as container:
        stream = container.add_stream("aac", rate=44100)
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        silence.sample_rate = 44100
        container.mux(stream.encode(silence))
        container.mux(stream.encode())
    for name in ("text", "zero", "playlist", "folder", "audio", "missing"):
        path = tmp_path / f"{name}.mp4"
        with pytest.raises(VideoError) as error:
            decode(path, 8)
        assert error.value.path == path and error.value.reason
        assert str(path) in str(error.value) and "\n" not in str(error.value)


def test_only_regular_files_are_opened(tmp_path):
    """A named pipe would be waited for."""
    os.mkfifo(tmp_path / "pipe.mp4")
    (tmp_path / "folder.mp4").mkdir()
    (tmp_path / "device.mp4").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket.mp4"))
        for name, what in (("pipe", "a named pipe"), ("folder", "a folder"), ("socket", "a socket")):
            with pytest.raises(VideoError, match=f"{name}.mp4: {what}, not a video file"):
                decode(tmp_path / f"{name}.mp4", 8)
        with pytest.raises(VideoError, match="a device"):
            decode(tmp_path / "device.mp4", 8)
    (tmp_path / "link.avi").symlink_to(write(tmp_path / "a.avi", moving(20)))
    assert decode(tmp_path / "link.avi", 4).complete


@pytest.mark.parametrize("name", [b"caf\xe9.avi", b"a\xff\nb.avi", "写真 é.avi".encode()])
def test_names_of_any_bytes(tmp_path, name):
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
    path.write_bytes(write(tmp_path / "plain.avi", moving(20)).read_bytes())
    assert decode(path, 4).complete
    path.write_bytes(b"")
    with pytest.raises(VideoError) as error:
        decode(path, 4)
    assert "\n" not in str(error.value) and printable(path).encode().decode() in str(error.value)


def test_printable_names():
    assert printable("plain é 写.avi") == "plain é 写.avi"
    assert printable("caf\udce9\t\n\x1b[31m\u2028.avi") == "caf\\xe9\\t\\n\\x1b[31m\\u2028.avi"


def test_still_pictures_are_used_and_said(tmp_path):
    one = decode(write(tmp_path / "one.avi", moving(1)), 4)
    assert one.damage == "a still picture: a single frame" and one.frames.shape == (4, 48, 64, 3)
    alike = decode(write(tmp_path / "alike.avi", moving(1).repeat(40, 0)), 4)
    assert alike.damage == "a still picture: the frames taken are all alike" and alike.n_frames == 40
    Image.fromarray(moving(9)[8]).save(tmp_path / "picture.png")
    (tmp_path / "picture.png").rename(tmp_path / "picture.avi")
    picture = decode(tmp_path / "picture.avi", 4)
    assert picture.damage == "a still picture: a single frame" and (picture.frames == moving(9)[8]).all()
    blinking = moving(1).repeat(40, 0)
    blinking[:, :24, :32] = 255 * (np.arange(40) // 5 % 2)[:, None, None, None]
    assert decode(write(tmp_path / "blinking.avi", blinking), 5).complete


def test_large_frames_are_scaled_while_they_are_converted(tmp_path, monkeypatch):
    path = write(tmp_path / "a.avi", moving(60, 96, 128))
    whole = decode(path, 8)
    monkeypatch.setattr(convert, "FRAME_BYTES", 8 * 3 * 48 * 64)
    small = decode(path, 8)
    assert small.frames.shape == (8, 48, 64, 3) and small.complete
    assert np.abs(np.subtract(seen(small), seen(whole))).max() <= 1
    assert np.abs(small.frames.mean((1, 2)) - whole.frames.mean((1, 2))).max() < 2


def test_frames_that_no_memory_holds_are_refused(tmp_path, monkeypatch):
    path = write(tmp_path / "a.avi", moving(10, 96, 128))
    monkeypatch.setattr(video, "MAX_PIXELS", 96 * 64)
    with pytest.raises(VideoError, match=r"frames have 0 megapixels at most"):
        decode(path, 4)


def test_decoding_that_takes_too_long_is_given_up(tmp_path, monkeypatch):
    path = write(tmp_path / "a.avi", moving(60))
    monkeypatch.setattr(video, "SECONDS", 0.0)
    with pytest.raises(VideoError, match="it takes over 0 s to decode; cut it shorter"):
        decode(path, 4)


@pytest.mark.parametrize("name", ["a.avi", "a.mp4", "a.mkv"])
def test_frames_of_a_long_video_are_sought(tmp_path, monkeypatch, name):
    path, opened = write(tmp_path / name, moving(70), gop=6), []
    plain = decode(path, 5)
    monkeypatch.setattr(video, "LONG", 69 * 48 * 64)
    monkeypatch.setattr(video.Reader, "read_all", lambda *_: opened.append("all") or (0, ""))
    sought = decode(path, 5)
    assert not opened and (sought.frames == plain.frames).all()
    assert (sought.indices == plain.indices).all() and sought.n_frames == 70 and sought.complete


def test_where_key_frames_are_rare_an_earlier_frame_is_taken(tmp_path, monkeypatch):
    path = write(tmp_path / "a.avi", moving(70), gop=14)
    monkeypatch.setattr(video, "LONG", 5 * 5 * 48 * 64)  # five frames for each of five
    sought = decode(path, 5)
    centres = segment_centres(70, 5)
    assert (sought.indices <= centres).all() and (sought.indices > centres - 7).all()
    assert (sought.indices != centres).any() and seen(sought) == sought.indices.tolist() and sought.complete
    rare = decode(write(tmp_path / "rare.avi", moving(70), gop=700), 5)  # not within its segment: read through
    assert rare.indices.tolist() == centres.tolist() == seen(rare)


def test_long_video_that_cannot_be_sought_is_read_through(tmp_path, monkeypatch):
    data = write(tmp_path / "a.avi", moving(70), gop=6).read_bytes()
    (tmp_path / "a.avi").write_bytes(data[: len(data) // 2])
    plain = decode(tmp_path / "a.avi", 5)
    monkeypatch.setattr(video, "LONG", 34 * 48 * 64)
    sought = decode(tmp_path / "a.avi", 5)
    assert (sought.frames == plain.frames).all() and sought.damage == plain.damage != ""


def survived(paths):
    """How each file was taken; nothing may be wrong with it."""
    found = [taken(path) for path in paths]
    assert not [(path, wrong) for path, (_, wrong) in zip(paths, found) if wrong]
    return [how for how, _ in found]


def test_damaged_videos(tmp_path):
    sources = [write(tmp_path / name, moving(50)) for name in ("a.avi", "a.mp4", "a.mkv")]
    (tmp_path / "made").mkdir()
    made = damaged_videos(tmp_path / "made", 21, 0, sources)
    assert len({path.read_bytes() for path in made}) == 21
    found = survived(made)
    assert {"in part", "refused"} <= set(found)
    (tmp_path / "again").mkdir()
    again = damaged_videos(tmp_path / "again", 3, 0, sources)
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in made[:3]]


@pytest.mark.skipif(not real_videos(), reason="CLIPACTION_TEST_VIDEOS does not name the folder of real videos")
def test_damaged_real_videos(tmp_path):
    assert set(survived(damaged_videos(tmp_path, 9, 1))) <= {"whole", "in part", "refused"}


@pytest.mark.skipif(
    "CLIPACTION_TEST_VIDEOS" not in os.environ, reason="CLIPACTION_TEST_VIDEOS does not name the folder of real videos"
)
def test_real_videos():
    folder = Path(os.environ["CLIPACTION_TEST_VIDEOS"])
    found = {path.name: decode(path, 8) for path in sorted(folder.iterdir())}
    ucf = found["v_ApplyEyeMakeup_g01_c01.avi"]
    assert (ucf.frames.shape, ucf.n_frames, ucf.fps) == ((8, 240, 320, 3), 164, 25.0)
    assert {name for name, decoded in found.items() if not decoded.complete} == {"arm_wrestling_damaged_tail.mp4"}
    assert found["drink_water_1080p.avi"].frames.shape == (8, 1080, 1920, 3)
