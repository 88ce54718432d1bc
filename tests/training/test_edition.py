"""The making of an edition: stages that are done are skipped, and one that fails ends it."""

import argparse
import sys
from pathlib import Path

import pytest

from training.edition import Stage, Worker, data_stages, figure_stages, training_stages


@pytest.fixture
def line(tmp_path: Path) -> argparse.Namespace:
    numbers = {"small": 16, "large": 4, "paths": 300, "workers": 1, "batch": 4, "rate": 1e-4, "guidance": 3.0}
    minutes = dict.fromkeys(("judge", "decoder", "text", "unet", "distil"), 1.0)
    return argparse.Namespace(run=tmp_path / "run", start=tmp_path / "start", **numbers, **minutes)


class Note(Stage):
    """A stage that writes the file it should leave, or fails."""

    def command(self, machine: tuple[str, ...] = ()) -> list[str]:
        return [sys.executable, "-c", self.script, str(self.leaves)]


WRITE = "import pathlib, sys; pathlib.Path(sys.argv[1]).write_text('done')"


def test_a_stage_runs_once(tmp_path: Path) -> None:
    worker, stage = Worker(), Note(tmp_path / "left", WRITE, ())
    worker.finish(worker.begin(stage))
    assert stage.leaves.read_text(encoding="utf-8") == "done"
    assert worker.begin(stage) is None


def test_a_stage_that_fails_ends_the_program(tmp_path: Path) -> None:
    worker = Worker()
    with pytest.raises(SystemExit):
        worker.finish(worker.begin(Note(tmp_path / "left", "raise SystemExit(3)", ())))


def test_every_stage_is_a_script_of_this_folder(line: argparse.Namespace) -> None:
    folder = Path(sys.modules["training.edition"].__file__ or "").parent
    for stage in (*data_stages(line), *training_stages(line), *figure_stages(line)):
        assert (folder / f"{stage.script}.py").is_file()
        assert stage.leaves.is_relative_to(line.run)


def test_scripts_that_use_torch_are_told_the_device(line: argparse.Namespace) -> None:
    machine = ("--device", "cpu")
    told = {stage.script for stage in training_stages(line) if stage.command(machine)[-1] == "cpu"}
    assert told == {"refine_decoder", "train_text_encoder", "train_denoiser", "paths", "distil"}


def test_a_student_learns_once_the_last_path_is_recorded(line: argparse.Namespace) -> None:
    recorded = [stage for stage in training_stages(line) if stage.script == "paths"]
    assert [stage.leaves.name for stage in recorded] == ["path-4-128-00256.npy", "path-2-128-00256.npy"]
    scripts = [stage.script for stage in training_stages(line)]
    assert scripts[-4:] == ["paths", "distil"] * 2


def test_the_second_student_learns_from_the_first(line: argparse.Namespace) -> None:
    first, second = (stage.arguments for stage in training_stages(line) if stage.script == "distil")
    assert first[first.index("--folder") + 1] == second[second.index("--teacher") + 1]
