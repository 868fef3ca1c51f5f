"""A run killed with SIGKILL at random moments and resumed each time ends bit for bit as one that was never stopped.

Three kills; the environment variable GANLAB_KILLS asks for more. As a script, this file is the run that gets killed.
"""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from games import Spoiled, dropping, kept, play, same
from torch import Tensor

from ganlab import checkpoint, runtime

KILLS = int(os.environ.get("GANLAB_KILLS", "3"))
STEPS = 60 * KILLS


def told(batch: Tensor, step: int) -> Tensor:
    """Print the step that is being taken, so that the one who kills knows how far it is."""
    print(step, flush=True)
    return batch


def train(path: Path) -> None:
    """Train from the checkpoint if there is one; dropout makes torch's global random state part of the result."""
    random.seed(1)
    np.random.seed(1)
    generator, critic, source = dropping()
    keep = kept(path, metric_every=13, sample_every=40, checkpoint_every=5, resume=True)
    play(STEPS, lambda: (generator, critic, Spoiled(source, told)), keep)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no SIGKILL")
def test_killed_and_resumed_is_never_stopped(tmp_path, record_property):
    with runtime.randomness_kept():
        train(tmp_path / "never")
    chance, path, reached = random.Random(0), tmp_path / "killed", []
    for kill in [*range(KILLS), None]:
        with subprocess.Popen([sys.executable, __file__, str(path)], stdout=subprocess.PIPE, text=True) as child:
            if kill is not None:
                # the first before the first checkpoint, all with work left; a step and its file take a few milliseconds
                target = 0 if kill == 0 else int(0.8 * STEPS * (kill + chance.random()) / KILLS)
                while int(child.stdout.readline()) < target:
                    pass
                time.sleep(0 if kill == 0 else chance.uniform(0, 0.02))
                child.kill()
            child.communicate()
        assert child.returncode == (0 if kill is None else -signal.SIGKILL)
        reached.append(checkpoint.load(path)["step"] if path.exists() else 0)
    assert reached == sorted(reached) and reached[0] < reached[-2] < reached[-1] == STEPS
    assert same(checkpoint.load(path), checkpoint.load(tmp_path / "never"))
    record_property(f"killed {KILLS} times, with these steps in the file", reached[:-1])


if __name__ == "__main__":
    train(Path(sys.argv[1]))
