"""Kernels that are forked from a process with torch in it: what a cell finds there, and that they end as others do."""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import kernels
import limits
import pytest
from jupyter_client import BlockingKernelClient, KernelManager
from jupyter_client.manager import start_new_kernel

LOOK = """
import os, random, sys
ours = [name for name in sys.modules if name.split(".")[0] == "ganlab"]
loaded = "torch" in sys.modules
import matplotlib, numpy, torch
from matplotlib import pyplot
variables = {k: v for k, v in os.environ.items() if k != "JPY_SESSION_NAME"}
facts = {
    "names": sorted(set(globals()) - {"loaded", "variables"}), "folder": os.getcwd(), "path": sys.path,
    "argv": [argument for argument in sys.argv if not argument.endswith(".json")], "variables": variables,
    "ours": ours, "main": __name__, "input": sys.stdin.fileno(), "shell": str(type(get_ipython())),
    "torch": (torch.get_num_threads(), str(torch.get_default_dtype()), torch.is_grad_enabled()),
    "style": str(matplotlib.rcParams), "backend": matplotlib.get_backend(), "interactive": pyplot.isinteractive(),
    "signals": [str(signal.getsignal(n)) for signal in [__import__("signal")] for n in (2, 15)],
}
print(repr((loaded, (random.random(), numpy.random.rand(), torch.rand(1).item()), facts)))
"""
Kernel = tuple[KernelManager, BlockingKernelClient]


@pytest.fixture
def started(tmp_path: Path) -> Callable[..., Kernel]:
    running = []

    def start() -> Kernel:
        running.append(start_new_kernel(startup_timeout=limits.scaled(5), kernel_name="python3", cwd=str(tmp_path)))
        return running[-1]

    yield start
    for manager, client in running:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def printed(client: BlockingKernelClient, source: str) -> str:
    texts: list[str] = []
    reply = client.execute_interactive(
        source,
        timeout=limits.scaled(5),
        output_hook=lambda message: texts.append(message["content"].get("text", "")),
    )
    assert reply["content"]["status"] == "ok", reply["content"]
    return "".join(texts)


forked = pytest.mark.skipif(not kernels.FORKED, reason="kernels are forked on Linux alone")


@forked
def test_a_cell_finds_in_a_forked_kernel_what_it_finds_in_a_fresh_one(
    started: Callable[..., Kernel], kernel_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GANLAB_OF_THIS_TEST", "1")  # set long after the server has started
    fresh = eval(printed(started()[1], LOOK))
    monkeypatch.setenv("JUPYTER_PATH", str(kernel_path))
    first, second = (eval(printed(started()[1], LOOK)) for _ in range(2))
    assert (fresh[0], first[0]) == (False, True)
    assert len({*fresh[1], *first[1], *second[1]}) == 9  # no two kernels draw alike
    for _, _, facts in (first, second):
        assert facts["variables"].pop("JUPYTER_PATH") == str(kernel_path)
        assert facts["ours"] == [] and facts["variables"]["GANLAB_OF_THIS_TEST"] == "1"
    fresh[2]["variables"].pop("JUPYTER_PATH", None)
    assert first[2] == second[2] == fresh[2]


@forked
@pytest.mark.usefixtures("forked_kernels")
def test_a_forked_kernel_is_interrupted_and_ends_with_who_asked_for_it(started: Callable[..., Kernel]) -> None:
    manager, client = started()
    process = int(printed(client, "import os, time; print(os.getpid())"))
    client.execute("print('asleep'); time.sleep(1000)")
    while client.get_iopub_msg(timeout=limits.scaled(2))["content"].get("text") != "asleep\n":
        pass
    manager.interrupt_kernel()
    assert client.get_shell_msg(timeout=limits.scaled(2))["content"]["ename"] == "KeyboardInterrupt"
    os.kill(manager.provisioner.pid, signal.SIGKILL)
    limits.wait_until(lambda: not Path(f"/proc/{process}").exists(), "ended", seconds=2)


@forked
@pytest.mark.usefixtures("forked_kernels")
@pytest.mark.parametrize(
    "source", ["import os; os._exit(3)", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"]
)
def test_a_forked_kernel_that_dies_is_seen_to_be_dead(started: Callable[..., Kernel], source: str) -> None:
    manager, client = started()
    client.execute(source)
    limits.wait_until(lambda: not manager.is_alive(), "seen to be dead", seconds=2)


def test_elsewhere_the_kernels_are_the_usual_ones(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(kernels, "FORKED", False)
    with kernels.specification(tmp_path) as path:
        text = (path / "kernels" / "python3" / "kernel.json").read_text(encoding="utf-8")
    assert "ipykernel_launcher" in text and sys.executable in text
