"""Downloads, against servers of our own on 127.0.0.1: good, wrong, cut, absent, and back again."""

import contextlib
import dataclasses
import gzip
import hashlib
import http.server
import sys
import threading
import time

import numpy as np
import pytest
import torch

from ganlab import data
from ganlab.data import downloads


def idx(values: np.ndarray) -> bytes:
    """Return `values` (uint8) in MNIST's file format."""
    return bytes([0, 0, 8, values.ndim]) + np.array(values.shape, ">i4").tobytes() + values.tobytes()


PIXELS = {"train": np.arange(5 * 784).reshape(5, 28, 28) % 256, "test": np.arange(2 * 784).reshape(2, 28, 28) % 199}
LABELS = {"train": np.array([3, 1, 4, 1, 5]), "test": np.array([9, 2])}
UNZIPPED = [idx(part[split].astype(np.uint8)) for split in data.SPLITS for part in (PIXELS, LABELS)]
CONTENT = dict(zip(downloads.FILES, (gzip.compress(content, mtime=0) for content in UNZIPPED), strict=True))


class Server(http.server.ThreadingHTTPServer):
    """Serves CONTENT under /good/; /wrong/ flips a bit, /cut/ stops half way, /flaky/ is cut once; else 404."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[str] = []

    def url(self, kind: str) -> str:
        return f"http://127.0.0.1:{self.server_port}/{kind}/"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        _, kind, file = self.path.split("/")
        content = CONTENT.get(file, b"")
        if kind == "gone" or not content:
            return self.send_error(404)
        if kind == "wrong":
            content = content[:-1] + bytes([content[-1] ^ 1])
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        cut = kind == "cut" or (kind == "flaky" and self.server.asked.count(self.path) == 1)
        self.wfile.write(content[: len(content) // 2] if cut else content)

    def log_message(self, *args) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def server():
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def small(monkeypatch, tmp_path, server):
    """Return a maker of a small MNIST with the mirrors named, in a cache of its own."""
    monkeypatch.setenv("GANLAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(time, "sleep", lambda seconds: None)  # pooch waits between its tries
    server.asked.clear()
    md5 = tuple(hashlib.md5(content).hexdigest() for content in CONTENT.values())

    def make(*kinds: str) -> downloads.DownloadedSet:
        source = dataclasses.replace(downloads.MNIST, mirrors=tuple(map(server.url, kinds)), md5=md5)
        monkeypatch.setitem(data.SETS, "mnist", source)
        return source

    return make


@contextlib.contextmanager
def refused(*phrases: str):
    with pytest.raises(data.DataError) as caught:
        yield
    message = str(caught.value)
    assert all(phrase in message for phrase in phrases), message


def kept(folder) -> list[str]:
    return sorted(path.name for path in (folder / "cache" / "mnist").iterdir())


def test_a_download_is_parsed_kept_and_not_asked_for_again(small, server, tmp_path):
    assert small("good").status().state == "to be downloaded"
    for split in data.SPLITS:
        one = data.load("mnist", split)
        assert one.images.dtype == torch.uint8 and one.labels.dtype == torch.int64
        assert np.array_equal(one.images[:, 0].numpy(), PIXELS[split]) and one.images.shape[1] == 1
        assert one.labels.tolist() == LABELS[split].tolist()
    assert kept(tmp_path) == sorted(downloads.FILES) and len(server.asked) == 4
    if sys.platform != "win32":  # a class may share one cache folder
        assert all(path.stat().st_mode & 0o044 for path in (tmp_path / "cache" / "mnist").iterdir())
    status = data.fetch("mnist")
    assert len(server.asked) == 4 and (status.state, status.fix, status.download_megabytes) == ("present", "", 0)
    assert data.load("mnist", size=32).images.shape == (5, 1, 32, 32)


def test_only_the_split_that_is_asked_for_is_downloaded(small, server):
    source = small("good")
    data.load("mnist", "test")
    assert sorted(server.asked) == sorted(f"/good/{file}" for file in downloads.FILES if file.startswith("t10k"))
    assert source.status().state == "to be downloaded"


def test_a_mirror_that_fails_gives_way_to_the_next(small, server, tmp_path):
    for kind in ("gone", "wrong", "cut"):
        server.asked.clear()
        small(kind, "good")
        assert len(data.load("mnist", "test")) == 2
        tries = [path.split("/")[1] for path in server.asked]
        assert tries == ([kind] * (1 + downloads.RETRIES) + ["good"]) * 2
        for file in (tmp_path / "cache" / "mnist").iterdir():
            file.unlink()


def test_a_connection_cut_once_is_tried_again_at_the_same_mirror(small, server):
    small("flaky")
    assert len(data.load("mnist", "test")) == 2
    assert len(server.asked) == 4


@pytest.mark.parametrize(("kind", "said"), [("gone", "404"), ("wrong", "MD5 differs"), ("cut", "cut")])
def test_a_download_that_fails_everywhere_is_one_error_and_leaves_nothing(small, server, tmp_path, kind, said):
    small(kind, kind)
    with refused("mnist: train-images", "python -m ganlab data fetch mnist", said, server.url(kind)):
        data.load("mnist")
    assert kept(tmp_path) == []
    with refused("python -m ganlab data fetch mnist"):
        data.fetch("mnist")


def test_without_a_network_the_error_says_what_to_do(small, monkeypatch):
    closed = Server()
    closed.server_close()  # the port is free again: nobody answers there
    source = dataclasses.replace(small("good"), mirrors=(closed.url("good"),))
    monkeypatch.setitem(data.SETS, "mnist", source)
    with refused("no connection", "python -m ganlab data fetch mnist", closed.url("good")):
        data.load("mnist")


def test_a_damaged_copy_is_replaced_with_a_network_and_named_without(small, server, tmp_path):
    small("good")
    data.load("mnist", "test")
    path = tmp_path / "cache" / "mnist" / "t10k-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:50])
    small("gone")
    with refused("is damaged", str(path.parent), path.name, "python -m ganlab data fetch mnist"):
        data.load("mnist", "test")
    small("good")
    assert len(data.load("mnist", "test")) == 2 and path.read_bytes() == CONTENT[path.name]


def test_a_folder_that_cannot_be_written_is_named(small, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("GANLAB_CACHE", str(tmp_path / "file"))
    small("good")
    with refused("cannot write to", str(tmp_path / "file"), "GANLAB_CACHE"):
        data.load("mnist")


def packaged(source: downloads.DownloadedSet, folder) -> downloads.DownloadedSet:
    """Return `source` as a system package in `folder` would carry it; gzip headers differ from the download's."""
    folder.mkdir()
    for file, content in zip(downloads.FILES, UNZIPPED, strict=True):
        (folder / file).write_bytes(gzip.compress(content, mtime=12345))
    md5 = tuple(hashlib.md5(content).hexdigest() for content in UNZIPPED)
    return dataclasses.replace(source, packaged=folder, packaged_md5=md5)


def test_a_system_package_spares_the_download(small, server, tmp_path):
    source = packaged(small("good"), tmp_path / "package")
    assert source.status().state == "present" and source.status().path == tmp_path / "package"
    assert source.read("train")["labels"].tolist() == LABELS["train"].tolist()
    assert server.asked == []


@pytest.mark.parametrize(
    "harm",
    [gzip.compress(idx(np.zeros((2, 28, 28), np.uint8))), b"", b"\x1f\x8b\x08 not gzip"],
    ids=["other", "empty", "broken"],
)
def test_a_system_package_with_other_content_is_passed_over_with_one_warning(small, server, tmp_path, harm):
    source = packaged(small("good"), tmp_path / "package")
    path = tmp_path / "package" / "t10k-images-idx3-ubyte.gz"
    path.write_bytes(harm)
    with pytest.warns(UserWarning) as warned:
        images = source.read("test")["images"]
    (said,) = [str(warning.message) for warning in warned if warning.category is UserWarning]  # sockets may warn too
    assert str(path) in said
    assert np.array_equal(images[:, 0].numpy(), PIXELS["test"]) and server.asked == [f"/good/{path.name}"]


@pytest.mark.skipif(not downloads.FASHION.packaged.is_dir(), reason="dataset-fashion-mnist is not installed")
def test_debian_s_fashion_mnist_is_whole():
    for split, each in (("train", 6000), ("test", 1000)):
        fashion = data.load("fashion", split)
        assert fashion.images.shape == (10 * each, 1, 28, 28)
        assert torch.bincount(fashion.labels).tolist() == [each] * 10
    trousers = fashion.images[fashion.labels == fashion.classes.index("Trouser")].float().mean(0)[0]
    assert trousers[:, :6].mean() < 2 and trousers[:, 10:18].mean() > 100  # narrow and upright


def test_the_registry_is_complete():
    for source in (downloads.FASHION, downloads.MNIST, downloads.KMNIST):
        assert len(source.md5) == len(set(source.md5)) == len(downloads.FILES) == 4 and len(source.classes) == 10
        assert all(len(digest) == 32 and int(digest, 16) for digest in source.md5)
        assert all(mirror.startswith("http") and mirror.endswith("/") for mirror in source.mirrors)
    assert len({digest for s in (downloads.FASHION, downloads.MNIST, downloads.KMNIST) for digest in s.md5}) == 12
