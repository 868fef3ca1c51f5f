"""The paintings and photographs of the lessons on restoration and style: there, whole, small, and credited."""

import pytest
import torch

from ganlab import data, runtime
from ganlab.data import DataError, pictures


@pytest.mark.parametrize("name", data.PICTURES)
def test_a_picture_is_there_in_colour_and_its_sheet_credits_it(name):
    picture = data.picture(name)
    assert picture.shape == (3, 256, 256) and picture.dtype == torch.uint8
    assert picture.float().std() > 40
    assert (picture[0].float() - picture[2].float()).abs().mean() > 5  # it has colours
    assert data.picture(name, 64).shape == (3, 64, 64)
    sheet = runtime.data_file("README.md").read_text(encoding="utf-8").split("## pictures")[1].split("\n## ")[0]
    photographers = {"castle": "Guillaume Piolle", "chelsea": "Stefan van der Walt", "coffee": "Rachel Michetti"}
    maker = (photographers | {"china": "danielbuechele"}).get(name, "van Gogh")
    assert f"`{name}`" in sheet and maker.lower() in data.PICTURES[name].lower() and maker in sheet.replace("\n ", "")


def test_the_folder_holds_these_and_no_more_than_200_kilobytes():
    files = sorted(runtime.data_file("pictures").iterdir())
    assert [path.name for path in files] == sorted(f"{name}.jpg" for name in data.PICTURES)
    assert sum(path.stat().st_size for path in files) < 200e3


def test_another_name_or_size_and_an_altered_file_are_refused(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match=r"name: got 'auver', expected one of auvers, .* Did you mean 'auvers'\?"):
        data.picture("auver")
    with pytest.raises(ValueError, match=r"A file of your own: `data.read_image\(path, size\)`"):
        data.picture("me.jpg")
    with pytest.raises(ValueError, match="size: got 0"):
        data.picture("auvers", 0)
    monkeypatch.setattr(pictures, "data_file", lambda name: tmp_path)
    with pytest.raises(DataError, match="auvers: .*auvers.jpg cannot be read"):
        data.picture("auvers")
    (tmp_path / "auvers.jpg").write_bytes(b"no picture")
    with pytest.raises(DataError, match="is not the file of this course"):
        data.picture("auvers")
