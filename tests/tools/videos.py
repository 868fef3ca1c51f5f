"""Three generators of clips, trained for equally long: the table and the strips of lesson 14.

python tests/tools/videos.py                             600 CPU-seconds each, one seed: half an hour on one core
python tests/tools/videos.py --seconds 1200 --seed 1     longer, and another seed
python tests/tools/videos.py --only motion,clips         one of the pairs
python tests/tools/videos.py --only motion,clips volume,clips       the two of lesson 14

A pair is a generator and a critic. All pairs train in turns, on one thread, until each has used the next budget of
CPU-seconds; then each is measured, and the next turn begins. So one may stop at any time: what is in the file is of
equal budgets, and a later call goes on from the checkpoints in the folder --runs. The numbers go to data/videos.json,
which lesson 14 quotes, and two clips of each pair, 16 frames each, to data/videos.png.
"""

import argparse
import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from ganlab import data, metrics, models, runtime, train
from ganlab.data import pixels
from ganlab.models import trained

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "data" / "videos.json"
STRIPS = ROOT / "data" / "videos.png"
WIDTH = 12  # channels beside the frame, as in the lesson; the sprite's small picture has four times as many
MAKERS = {
    "motion": lambda: models.MotionGenerator(width=WIDTH),
    "volume": lambda: models.ClipGenerator(40, width=WIDTH),
    "sprite": lambda: models.SpriteGenerator(width=4 * WIDTH),
}
CRITICS = {"clips": models.ClipCritic, "both": models.BothCritics}
PAIRS = (("motion", "clips"), ("volume", "clips"), ("motion", "both"))
BUDGETS = (60, 150, 300, 450, 600, 900, 1200)  # CPU-seconds
RULES = {"learning_rate": 1e-3, "penalty": "r1", "penalty_weight": 0.3, "ema_decay": 0.99}
MANY = 1_000_000  # steps: the budget ends before
SAVE_EVERY = 200  # steps
CLIPS, JUDGED, REAL = 3000, 200, 400  # clips to learn from, judged in each draw, and held out
DRAWS = 5  # of latents


def make(generator: str, critic: str, seed: int) -> tuple[train.GANTask, Any]:
    """Return the task of a pair, and its clips: lesson 14's game."""
    with runtime.seeded(seed):
        painter = MAKERS[generator]()
    with runtime.seeded(100 + seed):
        judge = CRITICS[critic](width=WIDTH, norm="none")
    settings = train.GANSettings(MANY, seed=seed, threads=1, precision="float32", **RULES)
    return train.GANTask(painter, judge, settings), data.moving_digits(CLIPS).batches(8, seed)


class Player:
    """A pair in training, its checkpoint and the CPU-seconds that it has used."""

    def __init__(self, pair: tuple[str, str], seed: int, folder: Path) -> None:
        self.name = "/".join([*pair, str(seed)])
        file = folder / "-".join([*pair, str(seed)]) / "run.pt"
        self._note = file.with_suffix(".json")
        keep = train.Keep(checkpoint=file, checkpoint_every=0, resume=True)
        self.run = train.Run(*make(*pair, seed), keep=keep, device="cpu")
        self.used = json.loads(self._note.read_text())["seconds"] if self._note.exists() else 0.0

    def until(self, seconds: float) -> None:
        """Train until so many CPU-seconds are used in all."""
        while self.used < seconds and not self.run.stopped:
            begin = time.process_time()
            next(self.run)
            self.used += time.process_time() - begin
            if self.run.step % SAVE_EVERY == 0 or self.used >= seconds:
                self.run.collect()
                self.run.save()
                self._note.write_text(json.dumps({"seconds": self.used, "steps": self.run.step}))


class Judge:
    """What lesson 14 measures of clips; its features are learned as there, from clips of their own."""

    def __init__(self) -> None:
        self.real = data.moving_digits(REAL, "test").clips / 127.5 - 1
        self._digits = trained.load("classifier-digits", "cpu")["classifier"]
        clips = data.moving_digits(2000)
        step = clips.positions[:, 1] - clips.positions[:, 0]
        answers = (torch.atan2(step[:, 0], step[:, 1]) / (torch.pi / 4)).floor().long() % 8
        with runtime.seeded(0):
            layers = []
            for channels in ((1, 16), (16, 32), (32, 32)):
                layers += [nn.Conv3d(*channels, 4, 2, 1), nn.ReLU()]
            self._body = nn.Sequential(*layers, nn.Flatten(), nn.Linear(1024, 64), nn.ReLU())
            eyes = nn.Sequential(self._body, nn.Linear(64, 8))
        optimizer = torch.optim.Adam(eyes.parameters(), 2e-3)
        for k in range(300):
            rows = torch.randint(len(clips), (32,), generator=runtime.seeded_generator("eyes", k))
            loss = F.cross_entropy(eyes((clips.clips[rows] / 127.5 - 1).transpose(1, 2)), answers[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        self._seen = self._features(self.real)

    @torch.no_grad()
    def _features(self, clips: Tensor) -> Tensor:
        return self._body(clips.transpose(1, 2)) + 1e-6

    @torch.no_grad()
    def same(self, clips: Tensor) -> Tensor:
        """Return for each clip the fraction of frames in which its most frequent digit is seen."""
        few = clips[:, ::3]
        corners = metrics.centres(few).flatten(0, 1)[:, None] - 7
        cut = data.crops((few.flatten(0, 1) + 1) / 2, corners, 14)[:, 0]
        large = F.pad(F.interpolate(cut, (28, 28), mode="bilinear"), (2, 2, 2, 2))
        answers = self._digits(2 * large - 1).argmax(1).view(few.shape[:2])
        return (answers == answers.mode(1).values[:, None]).float().mean(1)

    def __call__(self, clips: Tensor) -> dict[str, float]:
        """Return the measures of clips (N, T, C, H, W), means over the clips."""
        found = metrics.motion(metrics.centres(clips), low=7, high=25)
        split = metrics.split_distance(self._features(clips), self._seen)
        values = {
            "speed": found.speed,
            "change": found.change,
            "open turns": found.open_turns.double(),
            "bounces": (found.turns - found.open_turns).double(),
            "same": self.same(clips),
            "distance": split.fake,
            "of real clips": split.floor,
        }
        return {name: value.mean().item() for name, value in values.items()}


def draws(generator: nn.Module) -> list[Tensor]:
    """Return clips of a generator: DRAWS times JUDGED, by latents that are the same in each call."""
    generator.eval()
    rows = [models.latents(JUDGED, generator.latent_dim, runtime.seeded_generator("judged", k)) for k in range(DRAWS)]
    with torch.no_grad():
        return [generator(z) for z in rows]


def judged(judge: Judge, sets: list[Tensor]) -> dict[str, list[float]]:
    """Return each measure of each set of clips."""
    found = [judge(clips) for clips in sets]
    return {name: [float(f"{one[name]:.5g}") for one in found] for name in found[0]}


def read() -> dict[str, Any]:
    """Return what is in the file."""
    return json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}


def write(name: str, values: dict[str, Any]) -> None:
    """Add an entry to the file."""
    entry = values | {"date": datetime.now(UTC).date().isoformat()}
    runtime.write_atomically(FILE, (json.dumps({**read(), name: entry}, indent=1) + "\n").encode())
    print(name, values, flush=True)


def strips(players: list[Player]) -> None:
    """Write two clips of each pair, a row of 2 x 16 frames for each."""
    rows = torch.stack([draws(player.run.ema)[0][:2] for player in players])  # (pairs, 2, 16, 1, 32, 32)
    sheet = pixels.tile(rows.flatten(1, 2).flatten(0, 1), 2 * rows.shape[2])
    Image.fromarray(sheet.squeeze(-1) if sheet.shape[-1] == 1 else sheet).save(STRIPS, optimize=True)


def main(arguments: list[str] | None = None) -> None:
    """Train, measure and write, budget by budget."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600, metavar="S", help="CPU-seconds of each pair (600)")
    parser.add_argument("--seed", type=int, default=0, help="of the trainings (0)")
    parser.add_argument("--only", nargs="*", default=[], metavar="PAIR", help="such as motion,clips")
    parser.add_argument("--runs", type=Path, default=ROOT / "runs" / "videos", help="folder of the checkpoints")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    wanted = [pair for pair in PAIRS if not options.only or ",".join(pair) in options.only]
    judge = Judge()
    if not options.only:
        sprite = trained.load("sprite-digits", "cpu")["generator"]
        write("sprite/clips/0/checkpoint", judged(judge, draws(sprite)))
        real = judged(judge, [judge.real])
        del real["distance"]  # to itself; the floor stands in "of real clips"
        write("real", real)
    players = [Player(pair, options.seed, options.runs) for pair in wanted]
    for budget in [each for each in BUDGETS if each <= options.seconds]:
        missing = [player for player in players if f"{player.name}/{budget}" not in read()]
        for player in missing:
            player.until(budget)
            values = {"steps": player.run.step, "CPU-seconds": player.used}
            write(f"{player.name}/{budget}", values | judged(judge, draws(player.run.ema)))
        if missing and options.seed == 0:
            strips(players)


if __name__ == "__main__":
    main()
