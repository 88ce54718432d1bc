"""Training of the denoiser: what is drawn how often."""

from __future__ import annotations

import argparse

import pytest
import torch

from training.train_denoiser import Latents, factor, how_often


def test_pictures_of_a_named_material_are_drawn_more_often():
    captions = ["green ivy leaves", "red paving stones", "grey stone wall", "leaves on grey stone"]
    assert how_often(captions, {"leaves": 4.0, "stone": 2.0}).tolist() == [4, 1, 2, 4]
    assert how_often(captions, {}).tolist() == [1, 1, 1, 1]


def test_a_batch_follows_that():
    values = torch.arange(2).view(2, 1, 1, 1).expand(2, 4, 32, 32)
    torch.manual_seed(0)
    drawn, tokens = Latents(values, torch.tensor([[10], [11]]), torch.tensor([1.0, 9.0])).batch(2000, 32)
    assert 0.85 < float(drawn[:, 0, 0, 0].mean()) < 0.95
    assert (tokens[:, 0] - 10 == drawn[:, 0, 0, 0]).all()


@pytest.mark.parametrize("text", ["leafs=2", "leaves", "leaves=0", "leaves=nan", "leaves=much"])
def test_a_factor_that_makes_no_sense_is_refused(text: str):
    with pytest.raises(argparse.ArgumentTypeError):
        factor(text)


def test_a_material_of_two_words_can_be_named():
    assert factor("knitted wool=3") == ("knitted wool", 3.0)
