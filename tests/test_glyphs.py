"""Letters in two typefaces: the same letter at the same place, split by letter, none twice."""

import unicodedata

import pytest
import torch

from ganlab import data
from ganlab.data import glyphs


def test_a_letter_comes_in_both_typefaces_at_the_same_place():
    for split, count in (("train", 1221), ("test", 266)):
        letters = data.load("glyphs", split)
        assert letters.images.shape == letters.pairs.shape == (count, 1, 32, 32) and letters.labels is None
        serif, sans = (x.float().flatten(1) / 255 for x in (letters.images, letters.pairs))
        cosine = torch.nn.functional.cosine_similarity
        assert cosine(serif, sans).mean() > max(0.6, 0.25 + cosine(serif, sans.roll(37, 0)).mean())
        assert (serif != sans).any(1).float().mean() > 0.99
        border = torch.cat([letters.images[..., 0], letters.images[..., -1], letters.pairs[..., 0, :]])
        assert border.max() == 0  # nothing is cut off


def test_no_letter_occurs_twice_and_cases_and_accents_stay_together():
    both = [data.load("glyphs", split) for split in data.SPLITS]
    contents = [torch.cat(pair).numpy().tobytes() for one in both for pair in zip(one.images, one.pairs, strict=True)]
    assert len(set(contents)) == len(contents) == 1487
    known = glyphs.letters()
    assert {"A", "á", "Ω", "ж", "ქ", "ա"} <= set(known) and not {"1", "ʰ", "ℝ"} & set(known)
    for letter in known:
        base = unicodedata.normalize("NFD", letter)[0]
        assert len({glyphs.split_of(other) for other in (letter, letter.lower(), base, base.lower())}) == 1
    share = sum(glyphs.split_of(letter) == "test" for letter in known) / len(known)
    assert 0.1 < share < 0.25


def test_they_are_two_domains_for_unpaired_training():
    images, others = data.load("glyphs").domains()
    batch = data.Unpaired(images, others, 16).batch(0)
    assert batch.x.shape == batch.pair.shape == (16, 1, 32, 32) and batch.x.min() == -1
    with pytest.raises(data.DataError, match="size: got 64, expected 32 for 'glyphs'"):
        data.load("glyphs", size=64)
