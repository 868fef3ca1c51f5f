"""Make three photographs in data/pictures: from scikit-learn, a test extra, and a wheel of scikit-image 0.26.0.

    python -m pip download --no-deps scikit-image==0.26.0
    python tests/tools/pictures.py scikit_image-0.26.0-*.whl

Each is the middle square of the original, made 256 pixels wide, so that it is sharp to its last pixel.
"""

import hashlib
import importlib.resources
import io
import sys
import zipfile
from pathlib import Path

import PIL.Image
import PIL.ImageOps

FOLDER = Path(__file__).resolve().parents[2] / "data" / "pictures"
SIDE = 256
FROM_SCIKIT_IMAGE = {"chelsea": "skimage/data/chelsea.png", "coffee": "skimage/data/coffee.png"}
FROM_SCIKIT_LEARN = {"china": "china.jpg"}


def main(wheel: str) -> None:
    """Write the files, and print the hashes that belong into ganlab/data/pictures.py."""
    with zipfile.ZipFile(wheel) as archive:
        contents = {name: archive.read(file) for name, file in FROM_SCIKIT_IMAGE.items()}
    for name, file in FROM_SCIKIT_LEARN.items():
        contents[name] = (importlib.resources.files("sklearn.datasets.images") / file).read_bytes()
    FOLDER.mkdir(exist_ok=True)
    for name, content in contents.items():
        with PIL.Image.open(io.BytesIO(content)) as picture:
            square = PIL.ImageOps.fit(picture.convert("RGB"), (SIDE, SIDE), PIL.Image.Resampling.LANCZOS)
        square.save(FOLDER / f"{name}.jpg", quality=90, subsampling=0, optimize=True)
        print(f'    "{name}": "{hashlib.sha256((FOLDER / f"{name}.jpg").read_bytes()).hexdigest()}",')


if __name__ == "__main__":
    main(sys.argv[1])
