"""The student of a few steps: its lesson is exact, and it is a model folder like any other."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler, StableDiffusionPipeline

import bridge.engine
from bridge.daemon.model_folder import read_folder
from training import distil, paths
from training.distil import Distiller
from training.lesson import Lesson, Teacher, ddim_step, grid, signal_and_noise, velocity_between
from training.networks import new_scheduler

TEACHER = Path(bridge.engine.__file__).parent / "builtin" / "bridge-textures"


@pytest.fixture(scope="module")
def teacher() -> StableDiffusionPipeline:
    return StableDiffusionPipeline.from_pretrained(TEACHER, torch_dtype=torch.float32)


@pytest.fixture
def tokens(teacher: StableDiffusionPipeline) -> torch.Tensor:
    return torch.tensor(teacher.tokenizer(["red stone", "moss"], padding="max_length").input_ids)


@pytest.mark.parametrize("steps", [1, 2, 4])
def test_the_lesson_walks_where_the_scheduler_walks(steps: int) -> None:
    scheduler = DDIMScheduler.from_config(new_scheduler().config)
    scheduler.set_timesteps(steps)
    assert grid(Lesson(steps, 3.0, 5))[:-1:5].tolist() == scheduler.timesteps.tolist()


def test_a_step_of_the_lesson_is_the_schedulers_step() -> None:
    scheduler = DDIMScheduler.from_config(new_scheduler().config)
    scheduler.set_timesteps(4)
    places = grid(Lesson(4, 1.0, 1))
    generator = torch.Generator().manual_seed(1)
    latents, velocity = torch.randn(2, 1, 4, 8, 8, generator=generator)
    for index, time in enumerate(scheduler.timesteps):
        here, there = (signal_and_noise(scheduler.alphas_cumprod, places[index + more][None]) for more in (0, 1))
        expected = scheduler.step(velocity, time, latents).prev_sample
        torch.testing.assert_close(ddim_step(latents, velocity, here, there), expected)
        latents = expected


def test_the_wanted_velocity_leads_where_the_teacher_went() -> None:
    alphas = new_scheduler().alphas_cumprod
    generator = torch.Generator().manual_seed(2)
    latents, arrived = torch.randn(2, 4, 4, 8, 8, generator=generator)
    here = signal_and_noise(alphas, torch.tensor([999, 749, 499, 249]))
    there = signal_and_noise(alphas, torch.tensor([749, 499, 249, -1]))
    velocity = velocity_between(latents, arrived, here, there)
    torch.testing.assert_close(ddim_step(latents, velocity, here, there), arrived, rtol=1e-3, atol=1e-4)


def test_a_student_that_is_asked_for_the_teachers_own_step_has_nothing_to_learn(
    teacher: StableDiffusionPipeline, tokens: torch.Tensor
) -> None:
    torch.manual_seed(3)
    distiller = Distiller(Teacher(teacher, Lesson(4, 1.0, 1), torch.device("cpu")))
    assert distiller.picture_loss(torch.randn(2, 4, 16, 16), tokens).item() < 1e-6
    guided = Distiller(Teacher(teacher, Lesson(4, 3.0, 1), torch.device("cpu")))
    assert guided.picture_loss(torch.randn(2, 4, 16, 16), tokens).item() > 1e-4


def test_a_recorded_path_is_the_teachers_own_way_and_is_learned_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, teacher: StableDiffusionPipeline
) -> None:
    np.save(tmp_path / "pictures-64.npy", np.zeros((2, 64, 64, 3), np.uint8))
    (tmp_path / "captions-64.json").write_text(json.dumps(["moss", "red stone"]), encoding="utf-8")
    monkeypatch.setattr(paths, "PART", 2)
    line = ["paths", "--run", str(tmp_path), "--teacher", str(TEACHER), "--size", "64", "--threads", "1"]
    for count in ("2", "4"):
        monkeypatch.setattr("sys.argv", [*line, "--count", count, "--steps", "2", "--substeps", "2", "--device", "cpu"])
        paths.main()
    found = paths.Paths.read(tmp_path, 2, 64, teacher.tokenizer)
    assert found.states.shape == (4, 3, 4, 16, 16)
    torch.manual_seed(5)
    state, following, step, tokens = found.batch(8, torch.device("cpu"))
    shown = Teacher(teacher, Lesson(2, 3.0, 2), torch.device("cpu"))
    torch.testing.assert_close(shown.target(state, step * 2, shown.words(tokens)), following, rtol=0.01, atol=0.02)
    own = Distiller(Teacher(teacher, Lesson(2, 3.0, 2), torch.device("cpu")))
    before = own.path_loss(state, following, step, tokens)
    for _ in range(4):
        own.step(own.path_loss(state, following, step, tokens), 1e-4)
    assert own.path_loss(state, following, step, tokens) < before


def test_without_recorded_paths_it_is_said_what_to_do(tmp_path: Path, teacher: StableDiffusionPipeline) -> None:
    with pytest.raises(FileNotFoundError, match=r"training\.paths"):
        paths.Paths.read(tmp_path, 4, 128, teacher.tokenizer)


def test_distilling_writes_a_folder_and_goes_on_from_its_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run, folder = tmp_path / "run", tmp_path / "fast"
    run.mkdir()
    rng = np.random.default_rng(4)
    np.save(run / "pictures-128.npy", np.zeros((4, 128, 128, 3), np.uint8))
    np.save(run / "latents-128-00000.npy", rng.standard_normal((4, 4, 32, 32)).astype(np.float16))
    (run / "captions-128.json").write_text(json.dumps(["moss", "red stone", "blue sky", "sand"]), encoding="utf-8")
    line = ["distil", "--run", str(run), "--teacher", str(TEACHER), "--folder", str(folder), "--steps", "2"]
    line += ["--batch", "2", "--threads", "1", "--device", "cpu", "--minutes"]
    for minutes in ("0.01", "0.05"):
        monkeypatch.setattr("sys.argv", [*line, minutes])
        distil.main()
    counts = [int(text.split()[1]) for text in capsys.readouterr().out.splitlines() if "updates" in text]
    assert counts[1] > counts[0] > 0
    model = read_folder(folder).info
    assert (model.id, model.steps, model.guidance_scale, model.unusable) == ("fast", 2, 1.0, "")
    assert not [config for config in folder.glob("*/config.json") if str(TEACHER) in config.read_text(encoding="utf-8")]
    student = StableDiffusionPipeline.from_pretrained(folder, torch_dtype=torch.float32)
    assert isinstance(student.scheduler, DDIMScheduler)
    picture = student("red stone", height=64, width=64, num_inference_steps=2, guidance_scale=1.0).images[0]
    assert picture.size == (64, 64)
