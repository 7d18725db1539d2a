"""Decoding: which frames, the right way up, and what is left of damaged files."""

import os
from pathlib import Path

import av
import numpy as np
import pytest

from clipaction.data.video import VideoError, decode, segment_centres


def moving(n, height=48, width=64):
    """n noisy frames [n, H, W, 3] whose mean brightness is 20 + 3 i: a frame tells its own index."""
    noise = np.random.default_rng(0).integers(-15, 16, (n, height, width, 1))
    return np.clip(20 + 3 * np.arange(n).reshape(-1, 1, 1, 1) + noise, 0, 255).astype(np.uint8).repeat(3, -1)


def write(path, frames, codec="mpeg4", rate=25, gop=10):
    """Write frames (all one size) as a video."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate)
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
