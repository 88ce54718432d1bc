"""A recipe holds what is needed to make a picture again, and survives its file."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.cli.recipes import Recipe, build_task, differences, plain_parameters, recipe_of
from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.pixels import Picture, PixelFormat
from bridge.protocol.tasks import ImageToImage, Inpaint, Layer, TextToImage

PICTURE = Picture(2, 2, PixelFormat.RGB8, bytes(12))
VALUES = st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.floats(allow_nan=False) | st.text()


@given(st.dictionaries(st.text(), VALUES), st.integers(-9999, 9999), st.integers(-9999, 9999))
def test_a_recipe_survives_being_written_and_read(parameters, x, y):
    recipe = Recipe("inpaint", parameters, {"model": {"hash": "abc"}}, x, y)
    assert Recipe.from_json(recipe.to_json()) == recipe


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "null", '{"latent_bridge_recipe": 1}', '{"latent_bridge_recipe": []}']
)
def test_what_is_no_recipe_is_refused_in_one_sentence(text):
    with pytest.raises(BridgeError) as caught:
        Recipe.from_json(text)
    assert caught.value.code is ErrorCode.INVALID_FIELD


def test_a_recipe_of_a_newer_version_is_refused_and_says_so():
    with pytest.raises(BridgeError, match="newer"):
        Recipe.from_json('{"latent_bridge_recipe": 2, "task": "inpaint", "parameters": {}}')


def test_what_the_engine_resolved_goes_over_what_was_asked():
    task = Inpaint(prompt="moss", image=PICTURE, mask=PICTURE, images=4)
    made = Layer(
        picture=PICTURE,
        x=-3,
        y=5,
        seed=9,
        recipe={"task": "inpaint", "parameters": {"steps": 20, "fill": "blur", "unknown": 1}, "versions": {"a": "1"}},
    )
    recipe = recipe_of("inpaint", made, plain_parameters(task))
    assert {name: recipe.parameters[name] for name in ("prompt", "steps", "fill", "seed", "images", "strength")} == {
        "prompt": "moss", "steps": 20, "fill": "blur", "seed": 9, "images": 1, "strength": 1.0,
    }  # fmt: skip
    assert not {"image", "mask", "unknown"} & set(recipe.parameters)
    assert (recipe.x, recipe.y, recipe.made_by) == (-3, 5, {"versions": {"a": "1"}})


def test_the_task_of_a_recipe_is_the_task_that_made_it():
    task = ImageToImage(prompt="moss", image=PICTURE, strength=0.3, seed=4, steps=7, result_format=PixelFormat.RGBA16)
    assert build_task(ImageToImage, plain_parameters(task), {"image": PICTURE}) == task


def test_nothing_given_means_the_defaults():
    assert build_task(TextToImage, {"prompt": "moss", "steps": None}, {}) == TextToImage(prompt="moss")


@pytest.mark.parametrize(("name", "value"), [("steps", 0), ("width", 9), ("seed", -1), ("prompt", 5)])
def test_values_out_of_range_are_refused_before_anything_is_sent(name, value):
    with pytest.raises(BridgeError) as caught:
        build_task(TextToImage, {"prompt": "moss", name: value}, {})
    assert (caught.value.code, caught.value.field) == (ErrorCode.INVALID_FIELD, name)


def test_a_repetition_under_other_circumstances_says_what_differs():
    before = Recipe("inpaint", {}, {"model": {"hash": "a"}, "inputs": {"image": "x"}, "device": "cpu"})
    after = Recipe("inpaint", {}, {"model": {"hash": "b"}, "inputs": {"image": "x"}, "versions": {}})
    assert [sentence.split()[1] for sentence in differences(before, after)] == ["model"]
    assert differences(before, before) == []


@pytest.mark.parametrize(
    ("name", "entry"),
    [
        ("controls[0].image", {"controls": [{"image": {"hash": "sha256:1"}, "adapter": "edges"}]}),
        ("regions[0].mask", {"regions": [{"mask": {"hash": "sha256:1"}, "prompt": "moss"}]}),
    ],
)
def test_a_recipe_made_with_pictures_that_nobody_gives_says_so(name, entry):
    with pytest.raises(BridgeError) as caught:
        build_task(TextToImage, entry, {})
    assert (caught.value.code, caught.value.field) == (ErrorCode.INVALID_FIELD, name)
