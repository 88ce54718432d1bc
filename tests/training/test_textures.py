"""The procedural pictures and captions that the built-in model learns from."""

import numpy as np
import pytest

from training.build_tokenizer import extended, new_tokenizer
from training.textures.captions import (
    COLOUR_WORDS,
    COVERED,
    MATERIAL_WORDS,
    NATURAL_COLOURS,
    plain_caption,
    plain_cover_caption,
    vocabulary_text,
)
from training.textures.compose import make_plane, make_sample, overlay, plain_overlay, plain_sample
from training.textures.materials import MATERIAL_NAMES
from training.textures.overlays import COVER_NAMES, COVERS, FIRM, JOINTED, LOOSE
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


def test_there_are_at_least_twenty_materials_and_each_has_words_and_natural_colours() -> None:
    assert len(MATERIAL_NAMES) >= 20
    assert set(MATERIAL_WORDS) == set(NATURAL_COLOURS) == set(MATERIAL_NAMES)
    assert set(COLOUR_WORDS) == set(COLOURS)
    assert {*LOOSE, *FIRM, *JOINTED} <= set(MATERIAL_NAMES)
    words = [words[0] for words in MATERIAL_WORDS.values()]
    assert len(set(words)) == len(words)


@pytest.mark.parametrize("material", MATERIAL_NAMES)
def test_materials_are_numbers_everywhere(material: str) -> None:
    for seed in range(4):
        assert np.isfinite(plain_sample(np.random.default_rng(seed), 256, material, "teal").picture).all()


def _look(material: str, seed: int) -> np.ndarray:
    """Statistics of a grey picture that colour and place do not change: contrast at four scales, level and upright."""
    light = plain_sample(np.random.default_rng(seed), 128, material, "grey").picture.mean(axis=2)
    light = (light - light.mean()) / (light.std() + 1e-3)
    spectrum = np.abs(np.fft.fft2(light)) ** 2 / light.size**2
    frequency = np.fft.fftfreq(128)
    radius = np.hypot(frequency[:, None], frequency[None])
    upright = np.abs(frequency)[:, None] > np.abs(frequency)[None]
    bands = zip((0.0, 0.02, 0.05, 0.1, 0.2), (0.02, 0.05, 0.1, 0.2, 0.8), strict=True)
    rings = [(radius >= low) & (radius < high) for low, high in bands]
    energy = [spectrum[ring & side].sum() for ring in rings for side in (upright, ~upright)]
    steep = np.abs(np.gradient(light)).mean(axis=(1, 2))
    return np.array([*np.sqrt(energy), *steep, (light**3).mean() / 2, (light**4).mean() / 8])


def test_materials_can_be_told_apart_without_their_colour() -> None:
    seen = np.array([[_look(material, seed) for seed in range(6)] for material in MATERIAL_NAMES])
    spread = seen.std(axis=1).mean(axis=0) + 0.05
    centres = seen[:, ::2].mean(axis=1)
    fresh = seen[:, 1::2].reshape(-1, seen.shape[-1])
    nearest = (np.abs(fresh[:, None] - centres[None]) / spread).sum(axis=2).argmin(axis=1)
    truth = np.repeat(np.arange(len(MATERIAL_NAMES)), 3)
    # Twelve crude numbers and three examples of each: chance would be one in twenty-four.
    assert (nearest == truth).mean() >= 0.5


@pytest.mark.parametrize("cover", COVER_NAMES)
def test_a_cover_shows_both_materials(cover: str) -> None:
    shares = []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        plane = make_plane(rng, 96, 1.0, 0.0, 0.0)
        below = plain_sample(rng, 96, "brick wall", "red").picture
        weight = COVERS[cover](rng, plane, below)
        assert weight.shape == (96, 96)
        assert weight.min() >= 0
        assert weight.max() <= 1
        shares.append(float(weight.mean()))
    assert 0.1 < np.median(shares) < 0.75
    assert min(shares) > 0.02
    assert max(shares) < 0.95


def test_an_overlay_says_what_lies_above_and_below() -> None:
    rng = np.random.default_rng(4)
    samples = [overlay(rng, 32) for _ in range(40)]
    for sample in samples:
        assert sample.above != sample.material
        assert any(word in sample.caption for word in MATERIAL_WORDS[sample.above])
        assert any(word in sample.caption for word in MATERIAL_WORDS[sample.material])
    assert {sample.above for sample in samples} & set(LOOSE)


def test_plain_overlays_show_both_colours() -> None:
    sample = plain_overlay(np.random.default_rng(2), 128, ("moss", "green"), ("stone", "grey"))
    assert sample.caption == "green moss on grey stone"
    named = [
        nearest_colour(sample.picture[top : top + 16, left : left + 16])
        for top in range(0, 128, 16)
        for left in range(0, 128, 16)
    ]
    assert {"green", "grey"} <= set(named)


def test_cover_captions_name_the_upper_material_wherever_it_lies() -> None:
    assert set(COVERED) == set(COVER_NAMES)
    for forms in COVERED.values():
        assert all("{above}" in form and "{below}" in form for form in forms)
    assert plain_cover_caption("sand", "yellow", "brick wall", "red") == "yellow sand on a red brick wall"


def test_an_extended_tokenizer_reads_old_captions_with_the_old_tokens() -> None:
    before = extended(new_tokenizer(), [])
    after = extended(before, ["a quixotic zephyr on grey stone"])
    assert len(after) > len(before)
    assert after.eos_token_id == before.eos_token_id
    for caption in ("a red brick wall", "dark blue marble, seamless", "moss on grey stone"):
        assert after(caption).input_ids == before(caption).input_ids
    assert len(after("zephyr").input_ids) == 3
    assert after("zephyr").input_ids[1] >= len(before)
