"""Textual inversions by their file names, where nobody can have meant a word."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file

from bridge.daemon.embedding_names import tagged, with_tags
from bridge.protocol.messages import AdapterInfo, JobResult
from bridge.protocol.pixels import Picture, PixelFormat
from bridge.protocol.tasks import Region, TextToImage
from tests.conftest import DaemonFactory
from tests.daemon.peer import Peer, small

NAMES = ("EasyNegative", "bad-hands-5", "bad-hands", "ng_v1_75t", "moss")


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("EasyNegative", "<embedding:EasyNegative>"),
        ("easynegative, blurry", "<embedding:EasyNegative>, blurry"),
        ("(bad-hands-5:1.2)", "(<embedding:bad-hands-5>:1.2)"),
        ("{bad-hands|ng_v1_75t}", "{<embedding:bad-hands>|<embedding:ng_v1_75t>}"),
        ("EasyNegative.safetensors", "<embedding:EasyNegative>"),
        ("embedding:moss on stone", "<embedding:moss> on stone"),
        ("embedding:EasyNegative.pt.", "<embedding:EasyNegative>."),
        # Words, parts of words, and what is a tag already, stay.
        ("moss on stone", "moss on stone"),
        ("bad-hands-50 and bad-hands-5x", "bad-hands-50 and bad-hands-5x"),
        ("EasyNegatives", "EasyNegatives"),
        ("<embedding:bad-hands-5> <lora:ng_v1_75t:0.8>", "<embedding:bad-hands-5> <lora:ng_v1_75t:0.8>"),
        ("embedding:unknown", "embedding:unknown"),
        (r"\EasyNegative", r"\EasyNegative"),
        ("", ""),
    ],
)
def test_what_is_written_out(prompt: str, expected: str) -> None:
    assert tagged(prompt, NAMES) == expected


def test_of_two_that_are_called_alike_none_is_meant() -> None:
    assert tagged("bad-hands", ["bad-hands", "Bad-Hands"]) == "bad-hands"


@given(st.text(), st.lists(st.text(min_size=1)))
def test_writing_out_twice_is_as_good_as_once(prompt: str, names: list[str]) -> None:
    once = tagged(prompt, NAMES)
    assert tagged(once, NAMES) == once
    assert isinstance(tagged(prompt, names), str)


def test_every_prompt_of_a_task_is_read_and_only_what_fits_its_model_is_meant() -> None:
    mask = Picture(1, 1, PixelFormat.GRAY8, b"\0")
    region = Region(mask=mask, prompt="v-2", negative_prompt="x-1")
    task = TextToImage(prompt="x-1", negative_prompt="v-2 l-3 b-4", regions=(region,))
    known = (
        AdapterInfo(id="x-1", type="embedding", family="sdxl"),
        AdapterInfo(id="v-2", type="embedding", family="sd1"),
        AdapterInfo(id="l-3", type="lora", family="sd1"),
        AdapterInfo(id="b-4", type="embedding", family="sd1", unusable="damaged"),
    )
    written = with_tags(task, known, "sd1")
    assert (written.prompt, written.negative_prompt) == ("x-1", "<embedding:v-2> l-3 b-4")
    assert (written.regions[0].prompt, written.regions[0].negative_prompt) == ("<embedding:v-2>", "x-1")
    assert with_tags(task, known[2:], "sd1") is task


def test_a_job_that_names_an_embedding_plainly_uses_it(
    daemon_factory: DaemonFactory, tiny_model: Path, tmp_path: Path
) -> None:
    (tmp_path / "embeddings").mkdir()
    vectors = torch.randn(2, 32, generator=torch.Generator().manual_seed(0))
    save_file({"emb_params": vectors}, tmp_path / "embeddings" / "worn-2.safetensors")
    daemon = daemon_factory("--model", str(tiny_model), "--models-dir", str(tmp_path))
    with Peer(daemon.url, daemon.token) as peer:
        made = []
        for number, prompt in enumerate(("a worn-2 b", "a <embedding:worn-2> b", "a b")):
            peer.submit(f"job-{number}", small(prompt))
            (result,) = [event for event in peer.events(f"job-{number}") if isinstance(event, JobResult)]
            made.append(result.layer)
    daemon.stop()
    plainly, by_tag, without = made
    assert plainly.picture.pixels == by_tag.picture.pixels
    assert plainly.picture.pixels != without.picture.pixels
    assert plainly.recipe["adapters"][0]["id"] == "worn-2"
