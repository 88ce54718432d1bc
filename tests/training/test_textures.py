"""The procedural pictures and captions that the built-in model learns from."""

import numpy as np
import pytest

from training.build_tokenizer import new_tokenizer
from training.textures.captions import plain_caption, vocabulary_text
from training.textures.compose import make_sample, plain_sample
from training.textures.materials import MATERIAL_NAMES
from training.textures.palette import COLOURS, colour_distances, colour_value, nearest_colour


def test_the_same_seed_gives_the_same_pictures_and_captions() -> None:
    first, second = (np.random.default_rng(5) for _ in range(2))
    for _ in range(20):
        one, two = make_sample(first, 64), make_sample(second, 64)
        assert one.caption == two.caption
        np.testing.assert_array_equal(one.picture, two.picture)


def test_another_seed_gives_another_picture() -> None:
    one, two = (make_sample(np.random.default_rng(seed), 64).picture for seed in (1, 2))
    assert not np.array_equal(one, two)


@pytest.mark.parametrize("material", MATERIAL_NAMES)
def test_every_colour_of_a_material_renders_and_is_named_right(material: str) -> None:
    rng, wrong = np.random.default_rng(11), {}
    for colour in COLOURS:
        picture = plain_sample(rng, 128, material, colour).picture
        assert picture.dtype == np.float32
        assert picture.shape == (128, 128, 3)
        assert picture.min() >= 0
        assert picture.max() <= 1
        if nearest_colour(picture) != colour:
            wrong[colour] = colour_distances(picture)
    # Deep creases or crests may push one picture in a hundred over a border between neighbouring names.
    assert len(wrong) <= 1, wrong


@pytest.mark.parametrize("colour", COLOURS)
def test_a_plain_surface_of_a_palette_colour_has_its_name(colour: str) -> None:
    picture = np.broadcast_to(colour_value(colour), (8, 8, 3))
    assert nearest_colour(picture) == colour
    assert min(colour_distances(picture)) < 1e-3


@pytest.mark.parametrize("size", [32, 96, 256])
def test_pictures_come_in_the_size_asked_for(size: int) -> None:
    rng = np.random.default_rng(3)
    for _ in range(4):
        assert make_sample(rng, size).picture.shape == (size, size, 3)


def test_plain_captions_are_ordinary_english() -> None:
    assert plain_caption("brick wall", "red") == "a red brick wall"
    assert plain_caption("brick wall", "orange") == "an orange brick wall"
    assert plain_caption("wood planks", "brown") == "brown wood planks"


def test_every_caption_tokenises_without_unknown_tokens() -> None:
    tokenizer = new_tokenizer()
    captions = [*vocabulary_text(count=300, seed=1), "a zebra, über 漢字 42!", ""]
    for caption, ids in zip(captions, tokenizer(captions).input_ids, strict=True):
        inner = ids[1:-1]
        assert ids[0] == tokenizer.bos_token_id, caption
        assert ids[-1] == tokenizer.eos_token_id, caption
        assert tokenizer.unk_token_id not in inner, caption
        assert len(ids) <= tokenizer.model_max_length, caption


def test_common_words_are_single_tokens() -> None:
    tokenizer = new_tokenizer()
    assert len(tokenizer("a red brick wall").input_ids) == 2 + 4
