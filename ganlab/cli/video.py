"""What `train video` learns from, and the files of clips that `sample` writes."""

import argparse
import importlib.util
import io
from pathlib import Path

import torch
from torch import Tensor

from ganlab import data, train
from ganlab.cli.arguments import note_namesake
from ganlab.cli.tasks import Job
from ganlab.data import pixels
from ganlab.models.trained import Plan
from ganlab.runtime import whole_number, write_atomically

BUILT_IN = 3000  # clips that are made of a built-in set
GENERATORS = ("motion", "volume", "sprite")
# What trained steadily on moving digits: R1 (Mescheder et al. 2018), and no batch normalisation in the critic.
GAME = {"penalty": "r1", "penalty_weight": 0.3, "ema_decay": 0.99}
ENDINGS = (".webp", ".gif", ".mp4")
ZOOM = 4  # a pixel of a clip becomes so many on a side
MILLISECONDS = 100  # a frame
BITS_A_SECOND = 2_000_000  # of an mp4


def job(options: argparse.Namespace, device: torch.device) -> Job:
    """Return what a clip generator's training is made of: clips, networks, task; ValueError for what is none."""
    size = 32 if options.size is None else whole_number("--size", options.size, least=8)
    frames = whole_number("--frames", options.frames, least=2)
    if options.generator not in GENERATORS:
        raise ValueError(f"--generator: got {options.generator!r}, expected one of {', '.join(GENERATORS)}")
    clips = _clips(options.data, frames, size, options.skip_broken)
    print(repr(clips))
    batches = clips.batches(min(options.batch_size, len(clips)), options.seed, device)
    shared = {name: getattr(options, name) for name in ("learning_rate", "seed", "threads")}
    settings = train.GANSettings(options.steps, **shared, **GAME)
    return Job(
        _plan(options, clips),
        lambda networks: train.GANTask(networks["generator"], networks["critic"], settings),
        batches,
        None,
    )


def _clips(name: str, frames: int, size: int, skip_broken: bool) -> data.ClipSet:
    if name in data.CLIPS:
        note_namesake("--data", name, "the built-in set")
        return data.CLIPS[name](BUILT_IN, frames=frames, size=size)
    return data.read_clips(name, frames=frames, size=size, skip_broken=skip_broken)


def _plan(options: argparse.Namespace, clips: data.ClipSet) -> Plan:
    _, frames, channels, size, _ = clips.clips.shape
    width = whole_number("--width", options.width, least=1)
    shape = {"channels": channels, "size": size, "frames": frames, "width": width}
    makers = {
        "motion": ("MotionGenerator", shape),
        "volume": ("ClipGenerator", shape),
        "sprite": ("SpriteGenerator", {**shape, "width": 4 * width}),  # it paints one small picture a clip
    }
    critic = "BothCritics" if options.generator == "motion" else "ClipCritic"
    return {"generator": makers[options.generator], "critic": (critic, {**shape, "norm": "none"})}


def check_ending(out: Path) -> None:
    """Raise ValueError for a file into which no clip can be written."""
    ending = out.suffix.lower()
    if ending not in (*ENDINGS, ".png"):
        raise ValueError(f"--out: got {str(out)!r}, expected a name that ends in .webp, .gif, .mp4 or .png (a strip)")
    if ending == ".mp4" and importlib.util.find_spec("av") is None:
        raise ValueError("--out: .mp4 needs the package av, which is not installed; .webp and .gif need nothing")


def write(out: Path, clips: Tensor) -> None:
    """Write clips (N, T, C, H, W) side by side into one file that plays, or as .png a row of frames for each."""
    ending = out.suffix.lower()
    if ending == ".png":
        write_atomically(out, pixels.png(pixels.tile(clips, 1)))
    elif ending == ".mp4":
        _write_mp4(out, clips)
    else:
        content = pixels.animation(clips, ending[1:], zoom=ZOOM, milliseconds=MILLISECONDS)
        write_atomically(out, content)


def _write_mp4(out: Path, clips: Tensor) -> None:
    import av  # here: only this ending needs it, and it is an extra

    columns = round(len(clips) ** 0.5 + 0.49)
    content = io.BytesIO()
    with av.open(content, "w", format="mp4") as file:
        stream = file.add_stream("mpeg4", rate=1000 // MILLISECONDS)
        stream.bit_rate = BITS_A_SECOND
        for t in range(clips.shape[1]):
            sheet = torch.from_numpy(pixels.tile(clips[:, t], columns))
            sheet = sheet.repeat_interleave(ZOOM, 0).repeat_interleave(ZOOM, 1)  # an even side, as the format asks
            sheet = sheet.expand(-1, -1, 3).contiguous().numpy()
            if t == 0:
                stream.height, stream.width = sheet.shape[:2]
            for packet in stream.encode(av.VideoFrame.from_ndarray(sheet, format="rgb24")):
                file.mux(packet)
        for packet in stream.encode():
            file.mux(packet)
    write_atomically(out, content.getvalue())
