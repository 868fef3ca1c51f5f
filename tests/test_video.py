"""Clips: made with the truth known, read from folders, made by generators, judged by critics, measured and played."""

import io
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch
from torch import Tensor, nn

from ganlab import cli as command
from ganlab import data, metrics, models, runtime, widgets
from ganlab.data import DataError, pixels
from ganlab.models import trained
from ganlab.widgets.still import Shot

SMALL = {"size": 8, "frames": 4, "width": 4}


@pytest.fixture(scope="module")
def digits() -> data.ClipSet:
    return data.moving_digits(200, "test", seed=3)


def noise(*shape: int) -> Tensor:
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


# Made


def test_a_point_bounces_off_both_walls_and_keeps_its_speed() -> None:
    path = data.bouncing(torch.tensor([[2.0, 5.0]]), torch.tensor([[3.0, -1.0]]), 8, low=0.0, high=10.0)
    assert path[0, :, 0].tolist() == [2, 5, 8, 9, 6, 3, 0, 3]
    assert path[0, :, 1].tolist() == [5, 4, 3, 2, 1, 0, 1, 2]


def test_digits_are_where_they_are_said_to_be_and_the_speed_is_constant(digits: data.ClipSet) -> None:
    centres = metrics.centres(digits.clips)
    offset = (centres - digits.positions).mean(dim=1, keepdim=True)  # a digit's ink is not quite central
    assert offset.abs().max() < 2 and (centres - digits.positions - offset).abs().max() < 0.1
    assert digits.positions.min() >= 7 and digits.positions.max() <= 25
    steps = digits.positions.diff(dim=1).norm(dim=2)
    assert (steps.max(dim=1).values <= 2.001).all() and (steps.max(dim=1).values >= 0.999).all()
    moved = metrics.motion(digits.positions, low=7, high=25)
    assert (moved.change < 1e-4).all() and (moved.open_turns == 0).all() and moved.turns.float().mean() > 0.5


def test_clips_depend_on_the_seed_and_the_split_alone(digits: data.ClipSet) -> None:
    torch.manual_seed(9)
    assert torch.equal(data.moving_digits(200, "test", seed=3).clips, digits.clips)
    assert not torch.equal(data.moving_digits(200, "test", seed=4).clips, digits.clips)
    assert digits.digest == data.moving_digits(200, "test", seed=3).digest


def test_crops_between_pixels_are_means_and_beyond_the_edge_is_black() -> None:
    picture = torch.arange(16.0).view(1, 1, 4, 4)
    cut = data.crops(picture, torch.tensor([[[1.0, 1.0], [1.0, 1.5], [-1.0, 0.0]]]), 2)
    assert cut.shape == (1, 3, 1, 2, 2)
    torch.testing.assert_close(cut[0, 0, 0], torch.tensor([[5.0, 6.0], [9.0, 10.0]]))
    torch.testing.assert_close(cut[0, 1, 0], torch.tensor([[5.5, 6.5], [9.5, 10.5]]))
    torch.testing.assert_close(cut[0, 2, 0], torch.tensor([[0.0, 0.0], [0.0, 1.0]]))


def test_a_flight_is_straight_and_its_picture_moves_the_other_way() -> None:
    flights = data.flights(6, "test", frames=5, size=24)
    assert flights.clips.shape == (6, 5, 3, 24, 24) and len(flights.classes) == 5
    assert flights.positions.diff(dim=1).diff(dim=1).abs().max() < 1e-4
    corners = flights.positions - 12
    assert corners.min() >= 0 and corners.max() <= 40


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda: data.moving_digits(0), "n: got 0"),
        (lambda: data.moving_digits(3, frames=1), "frames: got 1, expected a whole number >= 2"),
        (lambda: data.moving_digits(3, size=12), "size: got 12"),
        (lambda: data.flights(3, size=64), "size: got 64, expected at most 63"),
        (lambda: data.ClipSet(torch.zeros(2, 3, 1, 8, 8)), r"clips: got torch.float32 \(2, 3, 1, 8, 8\)"),
        (lambda: data.ClipSet(noise(2, 1, 1, 8, 8)), "clips: got 1 frame, expected at least 2"),
        (lambda: data.ClipSet(noise(2, 3, 1, 8, 8), torch.zeros(3)), "labels: got "),
        (lambda: data.ClipSet(noise(2, 3, 1, 8, 8), positions=torch.zeros(2, 2, 2)), "positions: got "),
        (lambda: data.ClipSet(noise(2, 3, 1, 8, 8)).batches(3), "batch_size: got 3, expected at most the 2 clips"),
        (lambda: models.ClipGenerator(4, frames=5, size=8), "frames: got 5, expected a multiple of 2"),
        (lambda: models.ClipCritic(norm="layer"), "norm: got 'layer'"),
        (lambda: pixels.animation(noise(2, 3, 1, 8, 8), "mpeg"), "kind: got 'mpeg'"),
        (lambda: pixels.animation(noise(3, 1, 8, 8), "gif"), "clips: got shape"),
        (lambda: metrics.centres(torch.zeros(3, 1, 8, 8)), "clips: got shape"),
        (lambda: metrics.motion(torch.zeros(3, 2, 2), low=0, high=1), "path: got shape"),
        (lambda: widgets.MotionMixer(models.ClipGenerator(4, **SMALL)), "generator: ClipGenerator has no motion_dim"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_in_one_line(made, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        made()


# Networks


GENERATORS = {
    "volume": lambda: models.ClipGenerator(5, **SMALL),
    "motion": lambda: models.MotionGenerator(3, 2, hidden=4, **SMALL),
    "sprite": lambda: models.SpriteGenerator(3, 2, hidden=4, **{**SMALL, "size": 16}),
}


@pytest.mark.parametrize("kind", GENERATORS)
def test_generators_make_clips_in_range_of_which_each_depends_on_its_own_latent(kind: str) -> None:
    with runtime.seeded(0):
        generator = GENERATORS[kind]().eval()
    z = torch.randn(3, generator.latent_dim, generator=runtime.seeded_generator(0))
    clips = generator(z)
    side = 16 if kind == "sprite" else 8
    assert clips.shape == (3, 4, 1, side, side) and clips.abs().max() <= 1
    torch.testing.assert_close(generator(z[1:2]), clips[1:2], atol=1e-5, rtol=0)
    assert not torch.equal(clips[0], clips[1])


@pytest.mark.parametrize("kind", ["motion", "sprite"])
def test_content_and_motion_are_apart(kind: str) -> None:
    with runtime.seeded(0):
        generator = GENERATORS[kind]().eval()
    z = torch.randn(2, 5, generator=runtime.seeded_generator(0))
    other = torch.cat([z[:1, :3], z[1:, 3:]], dim=1)  # the first one's content, the second one's motion
    along = generator.places if kind == "sprite" else generator.codes
    torch.testing.assert_close(along(other), along(z[1:]))
    if kind == "sprite":
        assert 4 <= along(z).min() and along(z).max() <= 12


def test_a_frame_critic_cannot_see_order_and_a_clip_critic_can() -> None:
    with runtime.seeded(0):
        frames, time = models.FrameCritic(size=8, width=4).eval(), models.ClipCritic(**SMALL).eval()
    x = pixels.to_floats(noise(5, 4, 1, 8, 8))
    shuffled = x[:, [2, 0, 3, 1]]
    torch.testing.assert_close(frames(shuffled), frames(x), atol=1e-6, rtol=0)
    assert torch.equal(frames.frame_logits(shuffled), frames.frame_logits(x)[:, [2, 0, 3, 1]])
    assert ((time(shuffled) - time(x)).abs() > 1e-4).all()
    both = models.BothCritics(**SMALL).eval()
    assert torch.equal(both(x), both.frames(x) + both.time(x))


def test_networks_of_clips_have_no_memory_order_to_choose() -> None:
    assert not runtime.convolutions(models.BothCritics(**SMALL)) and not runtime.convolutions(nn.Linear(1, 1))
    assert runtime.convolutions(models.FrameCritic(size=8, width=4))


# Measured


def test_centres_of_black_and_of_one_pixel() -> None:
    clips = torch.full((1, 2, 1, 4, 6), -1.0)
    clips[0, 1, 0, 1, 4] = 0.5
    torch.testing.assert_close(metrics.centres(clips)[0], torch.tensor([[2.0, 3.0], [1.5, 4.5]]))
    assert torch.equal(metrics.centres(pixels.to_bytes(clips)), metrics.centres(clips))


def test_turns_in_the_open_and_uneven_steps_are_found() -> None:
    straight = torch.stack([torch.arange(8.0, 16.0), torch.full((8,), 16.0)], dim=1)
    there_and_back = straight.clone()
    there_and_back[4:, 0] = torch.tensor([11.0, 10.0, 9.0, 8.0])  # turns at 11, far from 7 and from 25
    uneven = straight.clone()
    uneven[:, 0] += torch.tensor([0.0, 2.0] * 4)
    moved = metrics.motion(torch.stack([straight, there_and_back, uneven]), low=7, high=25)
    assert moved.speed.tolist()[:2] == [1, 1] and moved.change.tolist()[:2] == [0, 0]
    assert moved.turns.tolist()[:2] == [0, 0]  # it stood for a frame: 11, 11
    assert moved.change[2] == 4 and moved.open_turns[2] > 3


# Read and written


def written(folder: Path, clip: Tensor, kind: str) -> None:
    if kind == "frames":
        folder.mkdir(parents=True)
        for k, frame in enumerate(clip):
            (folder / f"{k}.png").write_bytes(pixels.png(pixels.tile(frame[None], 1)))
    else:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.with_suffix(f".{kind}").write_bytes(pixels.animation(clip[None], kind))


@pytest.mark.parametrize("kind", ["frames", "gif", "webp"])
def test_clips_are_read_from_folders_of_frames_and_animated_files(kind: str, tmp_path: Path, capsys) -> None:
    clips = noise(2, 11, 1, 8, 8)
    for k, clip in enumerate(clips):
        written(tmp_path / f"clip {k}", clip, kind)
    read = data.read_clips(tmp_path, frames=4, size=8)
    assert read.clips.shape == (4, 4, 1, 8, 8) and torch.equal(read.clips[2:].flatten(0, 1), clips[1, :8])
    assert "left out, at the end of clips: clip 0" in capsys.readouterr().err and "(3 frames)" in read.notes[0]


@pytest.mark.parametrize("kind", ["gif", "webp"])
def test_what_stands_still_for_a_while_is_read_as_often_as_it_was_written(kind: str, tmp_path: Path) -> None:
    clip = noise(6, 1, 8, 8)
    clip[2:5] = clip[2]
    written(tmp_path / "a", clip, kind)
    with PIL.Image.open(tmp_path / f"a.{kind}") as file:
        assert file.n_frames == 4
    assert torch.equal(data.read_clips(tmp_path, frames=6, size=8).clips[0], clip)


def test_colour_stays_colour(tmp_path: Path) -> None:
    clip = noise(1, 4, 3, 8, 8)
    written(tmp_path / "a", clip[0], "webp")
    assert torch.equal(data.read_clips(tmp_path, frames=4, size=8).clips, clip)


def test_frames_of_a_microscope_or_a_camera_keep_their_looks(tmp_path: Path, capsys) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "turned").mkdir()
    for k in range(4):
        deep = np.full((16, 16), 0 if k < 3 else 1023, np.uint16)  # 10 of its 16 bits
        deep[:, 8:] = 512
        PIL.Image.fromarray(deep).save(tmp_path / "deep" / f"{k}.png")
        upper_left = np.zeros((64, 48), np.uint8)
        upper_left[:32, :24] = 255
        exif = PIL.Image.Exif()
        exif[0x0112] = 6  # shown a quarter turn clockwise
        PIL.Image.fromarray(upper_left).save(tmp_path / "turned" / f"{k}.jpg", exif=exif)
    deep, turned = data.read_clips(tmp_path, frames=4, size=16).clips
    assert deep[:, 0, 8, 2].tolist() == [0, 0, 0, 255] and deep[:, 0, 8, 13].tolist() == [128] * 4
    quarters = turned[0, 0].unflatten(0, (2, 8)).unflatten(2, (2, 8)).float().mean((1, 3))
    assert quarters[0, 1] > 250 and quarters.sum() - quarters[0, 1] < 15
    assert "4 files of 16 bits use 10 bits: 0 to 1023" in capsys.readouterr().err


@pytest.mark.parametrize("ending", ["png", "webp", "gif"])
def test_what_is_transparent_in_a_clip_is_white(ending: str, tmp_path: Path) -> None:
    pictures = []
    for k in range(4):
        picture = np.zeros((8, 8, 4), np.uint8)
        picture[k : k + 2] = (200, 0, 0, 255)
        pictures.append(PIL.Image.fromarray(picture))
    if ending == "png":
        (tmp_path / "a").mkdir()
        for k, picture in enumerate(pictures):
            picture.save(tmp_path / "a" / f"{k}.png")
    else:
        options = {"save_all": True, "append_images": pictures[1:], "duration": 100, "disposal": 2}
        options |= {"lossless": True} if ending == "webp" else {}
        pictures[0].save(tmp_path / f"a.{ending}", **options)
    clip = data.read_clips(tmp_path, frames=4, size=8).clips[0]
    for k in range(4):
        assert clip[k, :, 7, 0].tolist() == [255] * 3 and clip[k, :, k, 0].tolist() == [200, 0, 0]


def broken(folder: Path, kind: str) -> None:
    clip = noise(4, 1, 8, 8)
    if kind == "nothing":
        (folder / "notes.txt").write_text("none")
    elif kind == "one frame":
        written(folder / "a", clip[:1], "frames")
    elif kind == "sizes":
        written(folder / "a", clip, "frames")
        (folder / "a" / "9.png").write_bytes(pixels.png(pixels.tile(noise(1, 1, 8, 9), 1)))
    elif kind == "numbers":
        (folder / "a").mkdir()
        for k in range(4):
            PIL.Image.fromarray(np.full((8, 8), 0.5, np.float32)).save(folder / "a" / f"{k}.tiff")
    elif kind == "file":
        written(folder / "a", clip, "gif")
        (folder / "b.gif").write_bytes((folder / "a.gif").read_bytes()[:40])


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("nothing", "no clips in this folder"),
        ("one frame", "the clip a has 1 frame, expected at least 4"),
        ("sizes", "a: its frames differ in size (8x8 and 9x8)"),
        ("file", "1 of its clips cannot be read: b.gif (b.gif: "),
        ("numbers", "0.tiff: its pixels are 32-bit numbers (mode F) without a known range"),
    ],
)
def test_a_bad_folder_of_clips_gets_one_line(kind: str, said: str, tmp_path: Path, capsys) -> None:
    folder = tmp_path / "clips"
    folder.mkdir()
    broken(folder, kind)
    with pytest.raises(DataError) as error:
        data.read_clips(folder, frames=4, size=8)
    assert said in str(error.value) and "\n" not in str(error.value)
    options = ["--data", str(folder), "--size", "8", "--frames", "4", "--steps", "1", "--out", str(tmp_path / "out")]
    assert command.main(["train", "video", *options]) == 1
    lines = capsys.readouterr().err.strip().splitlines()
    assert said in lines[-1] and lines[-1].startswith("error: ") and not (tmp_path / "out").exists()


def test_broken_clips_are_named_all_at_once_and_left_out_whole_by_choice(tmp_path: Path, capsys) -> None:
    clips = noise(3, 4, 1, 8, 8)
    for k, clip in enumerate(clips):
        written(tmp_path / f"{k}", clip, "frames")
    (tmp_path / "1" / "2.png").write_bytes(b"broken")
    (tmp_path / "3.gif").write_bytes(b"GIF89a broken")
    with pytest.raises(DataError, match=r"2 of its clips cannot be read: 1 \(2.png: .*, 3.gif \(.*\(--skip-broken\)"):
        data.read_clips(tmp_path, frames=4, size=8)
    read = data.read_clips(tmp_path, frames=4, size=8, skip_broken=True)
    assert torch.equal(read.clips, clips[[0, 2]])
    assert "left out, 2 that cannot be read: 1 (2.png: " in capsys.readouterr().err and len(read.notes) == 1
    for k in (0, 2):
        (tmp_path / f"{k}" / "0.png").write_bytes(b"broken")
    with pytest.raises(DataError, match="none of its 4 clips can be read"):
        data.read_clips(tmp_path, frames=4, size=8, skip_broken=True)


def test_what_is_no_clip_is_told(tmp_path: Path, capsys) -> None:
    (tmp_path / "film.mp4").write_bytes(b"x")
    (tmp_path / "photo.heic").write_bytes(b"x")
    (tmp_path / "gone.gif").symlink_to(tmp_path / "nowhere.gif")
    said = (
        "left out, no picture by its ending: film.mp4",
        "left out, a link that cannot be followed: gone.gif",
        "left out, a kind of picture that is not read here; save it as PNG or JPEG: photo.heic",
    )
    with pytest.raises(DataError, match="no clips in this folder") as error:
        data.read_clips(tmp_path, frames=4, size=8)
    assert all(note in str(error.value) for note in said)
    written(tmp_path / "a", noise(4, 1, 8, 8), "gif")
    read = data.read_clips(tmp_path, frames=4, size=8)
    assert len(read.clips) == 1 and set(read.notes) == set(said)
    assert set(capsys.readouterr().err.splitlines()) == {f"{tmp_path.name}: {note}" for note in said}


def test_a_folder_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is no folder"):
        data.read_clips(tmp_path / "x")


def test_video_is_trained_continued_and_sampled_from_the_command_line(tmp_path: Path, capsys) -> None:
    for k, clip in enumerate(noise(4, 4, 1, 16, 16)):
        written(tmp_path / "clips" / str(k), clip, "webp")
    small = ["--size", "16", "--frames", "4", "--width", "4", "--batch-size", "2", "--device", "cpu", "--threads", "1"]
    small += ["--learning-rate", "0.05"]  # so that its clips do not stand still
    train = ["train", "video", "--data", str(tmp_path / "clips"), *small, "--out", str(tmp_path / "run")]
    for steps in ("2", "3"):
        assert command.main([*train, "--steps", steps]) == 0
    assert "continuing after step 2" in capsys.readouterr().out
    assert (tmp_path / "run" / "samples-0000003.png").is_file()
    of = ["sample", "--of", str(tmp_path / "run"), "--n", "3", "--out"]
    for name in ("a.webp", "a.gif"):
        assert command.main([*of, str(tmp_path / name)]) == 0
        with PIL.Image.open(tmp_path / name) as file:
            assert file.n_frames == 4 and file.size == (136, 136)
    assert command.main([*of, str(tmp_path / "strip.png")]) == 0
    assert command.main([*of, str(tmp_path / "files")]) == 0
    assert len(list((tmp_path / "files").glob("*.webp"))) == 3
    assert data.read_clips(tmp_path / "files", frames=4, size=16).clips.shape[0] == 3
    capsys.readouterr()
    assert command.main([*of, str(tmp_path / "a.avi")]) == 1
    assert "expected a name that ends in .webp" in capsys.readouterr().err
    walk = ["walk", "--of", str(tmp_path / "run"), "--from", "1", "--to", "2", "--out", str(tmp_path / "w.gif")]
    assert command.main(walk) == 1 and "makes clips, which move already" in capsys.readouterr().err
    assert command.main([*train[:-1], str(tmp_path / "b"), "--steps", "1", "--generator", "x"]) == 1
    assert "--generator: got 'x', expected one of motion, volume, sprite" in capsys.readouterr().err


def test_mp4_only_where_its_package_is(tmp_path: Path, monkeypatch) -> None:
    from ganlab.cli import video

    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"\.mp4 needs the package av"):
        video.check_ending(tmp_path / "a.mp4")


def test_an_mp4_plays_the_clips_side_by_side(tmp_path: Path) -> None:
    av = pytest.importorskip("av", reason="av is the extra `video`, and not in the lock")
    from ganlab.cli import video

    clips = torch.full((3, 5, 1, 8, 8), -1.0)
    clips[1] = torch.linspace(-0.8, 0.8, 5).view(5, 1, 1, 1)  # the second of three grows brighter
    out = tmp_path / "a.MP4"
    video.check_ending(out)
    video.write(out, clips)
    with av.open(out) as file:
        stream = file.streams.video[0]
        frames = np.stack([frame.to_ndarray(format="rgb24") for frame in file.decode(stream)])
        assert stream.average_rate == 10
    side = video.ZOOM * 8
    assert frames.shape == (5, 2 * side + 2 * video.ZOOM, 2 * side + 2 * video.ZOOM, 3)
    first, second = (frames[:, 8 : side - 8, x + 8 : x + side - 8].mean((1, 2, 3)) for x in (0, side + 2 * video.ZOOM))
    assert np.abs(first).max() < 12  # compressed, so not to the bit
    assert np.abs(second - np.linspace(0.1, 0.9, 5) * 255).max() < 12


def test_every_kind_of_clip_network_is_saved_and_read_back(tmp_path: Path) -> None:
    plan = {
        "generator": ("SpriteGenerator", {"content_dim": 3, "motion_dim": 2, "size": 16, "frames": 4, "width": 4}),
        "critic": ("BothCritics", SMALL),
    }
    networks = trained.build(plan)
    trained.save(tmp_path / "n", plan, networks)
    again = trained.read(tmp_path / "n")
    z = torch.zeros(1, 5)
    assert torch.equal(again["generator"](z), networks["generator"].eval()(z))


def test_an_animation_plays_side_by_side_and_webp_loses_nothing() -> None:
    clips = noise(3, 4, 1, 8, 8)
    with PIL.Image.open(io.BytesIO(pixels.animation(clips, "webp", milliseconds=120))) as file:
        assert file.n_frames == 4 and file.size == (18, 18)
        file.seek(2)
        shown = np.array(file.convert("L"))
    assert np.array_equal(shown[:8, 10:], clips[1, 2, 0].numpy())
    assert pixels.tile(clips, 1).shape == (28, 38, 1)  # a row a clip, its frames side by side


# Played


def test_a_player_holds_all_frames_and_refuses_another_shape() -> None:
    clips = noise(2, 4, 1, 8, 8)
    player = widgets.Player(clips)
    assert player.shape == [4, 8, 18, 1] and len(player.value) == 4 * 8 * 18
    second = np.frombuffer(player.value, dtype=np.uint8).reshape(4, 8, 18)[1]
    assert np.array_equal(second[:, :8], clips[0, 1, 0].numpy())
    player.show(clips.flip(1))
    assert np.array_equal(np.frombuffer(player.value, np.uint8).reshape(4, 8, 18)[2, :, 10:], clips[1, 1, 0].numpy())
    with pytest.raises(ValueError, match="clips: got sheets of"):
        player.show(noise(2, 3, 1, 8, 8))
    with pytest.raises(ValueError, match="clips: got shape"):
        widgets.Player(noise(2, 1, 8, 8))


def test_the_players_stills_show_frames_and_say_what_to_do() -> None:
    still = widgets.ClipPlayer(noise(2, 4, 1, 8, 8), alt="Two clips of noise, side by side.").still()
    assert "Frames from left to right." in still.html and "play the clips" in still.line


def test_the_mixer_keeps_the_place_while_content_changes_and_the_other_way_round() -> None:
    with runtime.seeded(0):
        generator = GENERATORS["sprite"]()
    mixer = widgets.MotionMixer(generator, seed=1)
    z = models.latents(6, 5, runtime.seeded_generator(1))
    generator.eval()
    with torch.no_grad():
        torch.testing.assert_close(mixer.clip(), generator(z[:1]))
        mixer.content.value = 3.0
        mixed = torch.cat([z[2:3, :3], z[:1, 3:]], dim=1)
        torch.testing.assert_close(mixer.clip(), generator(mixed), atol=1e-5, rtol=0)
        before = mixer.player.value
        mixer.motion.value = 6.0
    assert mixer.player.value != before and "Content 3.0, motion 6.0." in mixer.readout.value


def test_the_mixers_still_shows_what_each_slider_does(monkeypatch: pytest.MonkeyPatch) -> None:
    with runtime.seeded(0):
        mixer = widgets.MotionMixer(GENERATORS["sprite"](), seed=1)
    drawn = []
    monkeypatch.setattr(widgets.Player, "shot", lambda self: drawn.append(self.clips) or Shot(b"", "webp", 1, ""))
    assert mixer.still().line.endswith("1 and 1; 2 and 1; 2 and 1.5; 2 and 2.")
    first, other_content, _, other_motion = drawn[0]
    assert torch.equal(first, mixer.clip()[0])
    mixer.content.value = 2.0
    assert torch.equal(other_content, mixer.clip()[0])
    mixer.motion.value = 2.0
    assert torch.equal(other_motion, mixer.clip()[0])
