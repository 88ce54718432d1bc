"""The command line as a user has it: real processes, a real daemon, a real engine with a tiny model."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import numpy
import pytest
from PIL import Image

from bridge.client import connect
from bridge.protocol import locations

QUICK = ("--steps", 2, "--seed", 3)
NOISE = numpy.random.default_rng(5).integers(0, 256, (64, 96, 3), dtype=numpy.uint8)


def array_of(path) -> numpy.ndarray:
    return numpy.asarray(Image.open(path))


@pytest.fixture
def picture(tmp_path):
    Image.fromarray(NOISE).save(tmp_path / "picture.png")
    return tmp_path / "picture.png"


@pytest.fixture
def mask(tmp_path):
    values = numpy.zeros((64, 96), numpy.uint8)
    values[16:48, 24:72] = 255
    Image.fromarray(values).save(tmp_path / "mask.png")
    return tmp_path / "mask.png"


def test_a_picture_is_generated_named_and_can_be_made_again_exactly(latent_bridge, tmp_path):
    first = latent_bridge("generate", "mossy cobblestone", "--size", "96x64", *QUICK)
    assert (first.returncode, first.stdout) == (0, "mossy-cobblestone-3.png\n"), first.stderr
    assert Image.open(tmp_path / "mossy-cobblestone-3.png").size == (96, 64)

    again = latent_bridge("generate", "--from", "mossy-cobblestone-3.png")
    assert again.stdout == "mossy-cobblestone-3-2.png\n", again.stderr
    assert (tmp_path / "mossy-cobblestone-3-2.png").read_bytes() == (tmp_path / "mossy-cobblestone-3.png").read_bytes()

    changed = latent_bridge("generate", "--from", "mossy-cobblestone-3.png", "--seed", 4, "-o", "other.png")
    assert changed.returncode == 0, changed.stderr
    assert (array_of(tmp_path / "other.png") != array_of(tmp_path / "mossy-cobblestone-3.png")).any()


def test_the_recipe_can_be_read_by_people_and_programs(latent_bridge, tmp_path):
    latent_bridge("generate", "moss", "--size", "64", *QUICK, "-o", "a.png")
    read = latent_bridge("show", "a.png")
    assert {"task: text-to-image", "prompt: moss", "seed: 3", "steps: 2"} <= set(read.stdout.splitlines())
    recipe = json.loads(latent_bridge("show", "a.png", "--json").stdout)
    assert (recipe["parameters"]["width"], recipe["parameters"]["model"]) == (64, "tiny")
    assert recipe["made_by"]["model"]["hash"]
    assert latent_bridge("show", "a.png", "--json").returncode == 0


def test_several_images_get_several_files_and_each_one_its_own_seed(latent_bridge, tmp_path):
    done = latent_bridge("generate", "moss", "--size", "64", *QUICK, "--images", 2, "--json")
    result = json.loads(done.stdout)
    assert [(file["path"], file["seed"]) for file in result["files"]] == [("moss-3.png", 3), ("moss-3-2.png", 4)]
    alone = latent_bridge("generate", "--from", "moss-3-2.png", "-o", "alone.png")
    assert alone.returncode == 0, alone.stderr
    assert (array_of(tmp_path / "alone.png") == array_of(tmp_path / "moss-3-2.png")).all()


def test_an_edit_has_the_size_of_its_picture(latent_bridge, tmp_path, picture):
    done = latent_bridge("edit", picture, "moss", "--strength", 0.5, *QUICK, "-o", "edited.jpg")
    assert (done.returncode, done.stdout) == (0, "edited.jpg\n"), done.stderr
    assert Image.open(tmp_path / "edited.jpg").size == (96, 64)


def test_upscaling_needs_no_prompt_and_its_recipe_can_be_followed(latent_bridge, tmp_path, picture):
    done = latent_bridge("upscale", picture, "--scale", 1.5, "--strength", 0.5, *QUICK, "-o", "large.png")
    assert (done.returncode, done.stdout) == (0, "large.png\n"), done.stderr
    assert Image.open(tmp_path / "large.png").size == (144, 96)
    again = latent_bridge("upscale", picture, "--from", "large.png", "-o", "again.png")
    assert again.returncode == 0, again.stderr
    assert (array_of(tmp_path / "again.png") == array_of(tmp_path / "large.png")).all()


def test_a_seamless_picture_says_so_in_its_recipe(latent_bridge):
    done = latent_bridge("generate", "moss", "--size", "64", "--seamless", "x", *QUICK, "--json")
    assert done.returncode == 0, done.stderr
    (file,) = json.loads(done.stdout)["files"]
    assert file["recipe"]["parameters"]["seamless"] == "x"


def test_inpainting_gives_the_finished_picture_unchanged_outside_the_mask(latent_bridge, tmp_path, picture, mask):
    done = latent_bridge(
        "inpaint", picture, mask, "moss", *QUICK, "--grow", 0, "--feather", 0, "--blend", 0, "-o", "done.png"
    )
    assert done.returncode == 0, done.stderr
    finished, inside = array_of(tmp_path / "done.png"), array_of(mask) > 0
    assert finished.shape == NOISE.shape
    assert (finished[~inside] == NOISE[~inside]).all()
    assert (finished[inside] != NOISE[inside]).any()

    again = latent_bridge("inpaint", picture, mask, "--from", "done.png", "-o", "again.png")
    assert again.returncode == 0, again.stderr
    assert (array_of(tmp_path / "again.png") == finished).all()
    assert again.stderr == ""
    other = latent_bridge("inpaint", mask, mask, "--from", "done.png", "-o", "other.png")
    assert "not those that the recipe was made with" in other.stderr


def test_16_bit_grey_is_inpainted_in_16_bit(latent_bridge, tmp_path, mask):
    values = (NOISE[..., 0].astype(numpy.uint16) << 8) | NOISE[..., 1]
    Image.fromarray(values).save(tmp_path / "deep.png")
    done = latent_bridge(
        "inpaint", "deep.png", mask, "moss", *QUICK, "--grow", 0, "--feather", 0, "--blend", 0, "-o", "done.png"
    )
    assert done.returncode == 0, done.stderr
    finished, inside = array_of(tmp_path / "done.png"), array_of(mask) > 0
    assert finished.dtype == numpy.uint16
    assert (finished[~inside] == values[~inside]).all()
    assert (finished[inside] != values[inside]).any()


def test_the_new_layer_alone_has_an_alpha_and_says_where_it_belongs(latent_bridge, tmp_path, picture, mask):
    done = latent_bridge("inpaint", picture, mask, "moss", *QUICK, "--layer", "-o", "layer.png", "--json")
    assert done.returncode == 0, done.stderr
    file = json.loads(done.stdout)["files"][0]
    layer = Image.open(tmp_path / "layer.png")
    assert (layer.mode, layer.size) == ("RGBA", (file["width"], file["height"]))
    assert file["x"] >= 0
    assert file["x"] + file["width"] <= 96


def test_outpainting_adds_the_sides_that_were_asked_for(latent_bridge, tmp_path, picture):
    done = latent_bridge("outpaint", picture, "moss", "--left", 32, "--bottom", 16, *QUICK, "-o", "wide.png")
    assert done.returncode == 0, done.stderr
    assert array_of(tmp_path / "wide.png").shape == (80, 128, 3)


def test_jobs_are_listed_and_their_images_fetched_again(latent_bridge, tmp_path):
    made = json.loads(latent_bridge("generate", "moss", "--size", "64", *QUICK, "-o", "a.png", "--json").stdout)
    assert made["job_id"][:12] in latent_bridge("jobs").stdout
    listed = json.loads(latent_bridge("jobs", "--json", "--limit", 1).stdout)["jobs"][0]
    assert (listed["job_id"], listed["state"], listed["prompt"]) == (made["job_id"], "finished", "moss")

    shown = latent_bridge("jobs", "show", made["job_id"][:8])
    assert f"id: {made['job_id']}" in shown.stdout
    fetched = latent_bridge("jobs", "show", made["job_id"][:8], "-o", "b.png")
    assert (fetched.returncode, fetched.stdout) == (0, "b.png\n"), fetched.stderr
    assert (tmp_path / "b.png").read_bytes() == (tmp_path / "a.png").read_bytes()
    unknown = latent_bridge("jobs", "show", "nonesuch", "--json")
    assert (unknown.returncode, json.loads(unknown.stdout)["error"]["code"]) == (4, "unknown_job")


def test_models_are_listed_with_the_default_first(latent_bridge):
    assert latent_bridge("models").stdout.startswith("tiny (default)\n")
    assert json.loads(latent_bridge("models", "--json").stdout)["models"][0]["id"] == "tiny"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("generate", "moss", "--model", "nonesuch"), "unknown_model"),
        (("generate", "moss", "--steps", 900), "too_many_steps"),
        (("generate", "moss", "--size", "16384x16384"), "too_many_pixels"),
        (("generate", "moss", "--scheduler", "nonesuch", "--steps", 1, "--size", 64), "invalid_field"),
    ],
)
def test_what_the_daemon_refuses_ends_with_4_and_its_reason(latent_bridge, tmp_path, arguments, code):
    done = latent_bridge(*arguments, "--json")
    assert done.returncode == 4
    assert json.loads(done.stdout)["error"]["code"] == code
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.glob("*.png")) == []


def test_a_wrong_token_ends_with_4_and_says_where_to_get_the_right_one(latent_bridge):
    done = latent_bridge("models", LATENT_BRIDGE_TOKEN="wrong")
    assert done.returncode == 4
    assert "--token-file" in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="a console's Ctrl-C cannot be sent to one process on Windows")
def test_ctrl_c_cancels_the_job_on_the_daemon_and_ends_with_130(tiny_daemon, tmp_path):
    command = [sys.executable, "-m", "bridge.cli.main", "generate", "endless", "--steps", "150", "--size", "512"]
    process = subprocess.Popen(
        command, cwd=tmp_path, env=tiny_daemon.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with connect(tiny_daemon.url, token=tiny_daemon.token) as bridge:

        def state() -> str:
            return next((job.state for job in bridge.jobs() if job.prompt == "endless"), "")

        wait_until(lambda: state() in ("queued", "running"))
        process.send_signal(signal.SIGINT)
        out, error = process.communicate(timeout=60)
        assert (process.returncode, out) == (130, "")
        assert "cancelled" in error.lower()
        assert "Traceback" not in error
        assert state() == "cancelled"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="pseudo-terminals are POSIX")
def test_on_a_terminal_there_is_a_progress_bar_and_stdout_stays_clean(tiny_daemon, tmp_path):
    import pty

    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "bridge.cli.main", "generate", "moss", "--steps", "30", "--size", "64"]
    environment = {**tiny_daemon.environment, "TERM": "xterm", "COLUMNS": "100"}
    process = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=theirs)
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 65536):
            shown += piece
    except OSError:
        pass  # Linux says so that the other end is closed
    out, _ = process.communicate(timeout=60)
    os.close(ours)
    assert process.returncode == 0
    assert out.decode().strip().endswith(".png")
    assert b"denoising" in shown
    assert b"/30" in shown


def test_start_starts_a_daemon_that_stays(tmp_path):
    # The default port may be somebody else's here.
    environment = {**os.environ, "LATENT_BRIDGE_HOME": str(tmp_path / "home"), "LATENT_BRIDGE_PORT": "0"}
    command = [sys.executable, "-m", "bridge.cli.main", "models", "--json", "--start"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    found = locations.read_discovery(tmp_path / "home" / "runtime" / locations.DISCOVERY_NAME)
    try:
        assert done.returncode == 0, done.stderr
        assert found is not None
        again = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
        assert again.returncode == 0, again.stderr
        assert locations.read_discovery(tmp_path / "home" / "runtime" / locations.DISCOVERY_NAME) == found
        assert (tmp_path / "home" / "runtime" / "daemon.log").stat().st_size > 0
        noted = json.loads((tmp_path / "home" / "config" / "installed.json").read_text())
        assert noted == {"python": sys.executable}
    finally:
        if found is not None:
            os.kill(found.pid, signal.SIGTERM)
            wait_until(lambda: not (tmp_path / "home" / "runtime" / locations.DISCOVERY_NAME).exists())


def wait_until(condition, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.02)
