"""A job that makes maps: what comes out, in which format, and that no model is touched."""

import dataclasses

import numpy as np
import pytest

from bridge.client.images import as_picture
from bridge.engine.cancellation import AbortFlag
from bridge.engine.conversion import linear_from_srgb, read_rgb
from bridge.engine.faults import faults_from
from bridge.protocol.engine_link import Produced, Progressed
from bridge.protocol.errors import ErrorCode
from bridge.protocol.pixels import ColourSpace, PixelFormat
from bridge.protocol.tasks import SurfaceMaps, TextToImage
from tests.engine.bench import pixels, random_picture

from .fields import texture

EVERY = ("metallic", "normal", "occlusion", "height", "roughness")
RGB = random_picture(48, 40, PixelFormat.RGB8)


def maps_of(bench, image, **asked):
    """The results of a job, by name."""
    outcome = bench.run(SurfaceMaps(image=image, **asked))
    assert outcome.ended.error is None
    return {layer.recipe["map"]: layer for layer in outcome.layers}


@pytest.mark.parametrize(
    ("bits", "normal", "height"),
    [
        (8, PixelFormat.RGB8, PixelFormat.GRAY8),
        (16, PixelFormat.RGB16, PixelFormat.GRAY16),
        (32, PixelFormat.RGB32F, PixelFormat.GRAY32F),
    ],
)
def test_height_and_normals_have_the_bits_asked_for_and_all_are_data(bench, bits, normal, height):
    found = maps_of(bench, RGB, maps=EVERY, bits=bits)
    assert tuple(found) == EVERY
    formats = {name: layer.picture.format for name, layer in found.items()}
    grey = dict.fromkeys(("metallic", "occlusion", "roughness"), PixelFormat.GRAY8)
    assert formats == {"normal": normal, "height": height} | grey
    assert {layer.picture.colour_space for layer in found.values()} == {ColourSpace.DATA}
    assert {(layer.picture.width, layer.picture.height) for layer in found.values()} == {(48, 40)}


@pytest.mark.parametrize("pixel_format", list(PixelFormat))
def test_every_pixel_format_is_understood_and_alpha_plays_no_part(bench, pixel_format):
    picture = random_picture(24, 20, pixel_format, opaque=False)
    found = maps_of(bench, picture, bits=32)
    plain = maps_of(bench, as_picture(read_rgb(picture)[0]), bits=32)
    for name, layer in found.items():
        assert (pixels(layer.picture) == pixels(plain[name].picture)).all()


def test_a_linear_picture_gives_the_maps_of_the_same_colours_in_srgb(bench):
    srgb = as_picture(texture(32, 32))
    linear = dataclasses.replace(as_picture(linear_from_srgb(texture(32, 32))), colour_space=ColourSpace.LINEAR_SRGB)
    one, other = (pixels(maps_of(bench, each, bits=32)["height"].picture) for each in (srgb, linear))
    np.testing.assert_allclose(one, other, atol=1e-3)


def test_the_same_request_gives_the_same_bytes_and_each_recipe_makes_its_map_alone(bench):
    first = maps_of(bench, RGB, maps=EVERY, seamless="x", relief=3)
    for name, layer in first.items():
        again = maps_of(bench, RGB, **layer.recipe["parameters"])
        assert list(again) == [name]
        assert again[name] == layer


def test_no_model_is_loaded_and_none_is_put_away(fresh_bench):
    maps_of(fresh_bench, RGB)
    assert fresh_bench.shelf.bytes == 0
    fresh_bench.run(TextToImage(prompt="moss", width=32, height=32, seed=1))
    held = fresh_bench.shelf.bytes
    maps_of(fresh_bench, RGB)
    assert fresh_bench.shelf.bytes == held > 0


def test_progress_is_told_by_map_and_within_the_slow_one(bench):
    told = [
        (message.stage, message.image, message.step, message.steps)
        for message in bench.run(SurfaceMaps(image=RGB, maps=("height", "occlusion"))).messages
        if isinstance(message, Progressed)
    ]
    assert {stage for stage, *_ in told} == {"mapping"}
    assert [image for _, image, *_ in told] == sorted(image for _, image, *_ in told)
    within = [(step, steps) for _, image, step, steps in told if image == 1]
    assert within == [(step, 16) for step in range(17)]


def test_a_job_that_was_interrupted_goes_on_with_the_maps_that_are_missing(bench):
    outcome = bench.run(SurfaceMaps(image=RGB, maps=EVERY), first_image=3)
    produced = [message for message in outcome.messages if isinstance(message, Produced)]
    assert [(message.index, message.layer.recipe["map"]) for message in produced] == [(3, "height"), (4, "roughness")]


def test_a_cancelled_job_ends_before_the_next_map(bench):
    abort = AbortFlag()

    def heard(message):
        if isinstance(message, Produced):
            abort.set()

    outcome = bench.run(SurfaceMaps(image=RGB), abort=abort, heard=heard)
    assert outcome.ended.cancelled
    assert len(outcome.layers) == 1


def test_a_fault_ends_the_job_with_its_name(bench):
    outcome = bench.run(SurfaceMaps(image=RGB), faults=faults_from("error@mapping"))
    assert outcome.error is ErrorCode.INTERNAL
    assert not any(isinstance(message, Produced) for message in outcome.messages)
