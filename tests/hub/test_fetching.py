"""The downloading process against a stand-in hub: what it brings, what it resumes, and what it says when it cannot."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bridge.hub.cache import complete_snapshot, missing_from, repository_folder, snapshot_of
from bridge.hub.reports import PROGRAM, Complete, Fetched, Refused, Report, decode_report
from bridge.protocol.errors import ErrorCode
from tests.standin_hub import StandInHub

UNET = "unet/diffusion_pytorch_model.safetensors"
CUT = 100_000


@pytest.fixture(scope="module")
def hub(tiny_model: Path) -> Iterator[StandInHub]:
    serving = StandInHub({"tiny/model": tiny_model})
    yield serving
    serving.close()


@pytest.fixture(autouse=True)
def well_behaved(hub: StandInHub) -> None:
    hub.behave()


class Puller:
    """Runs the process as the daemon does."""

    def __init__(self, url: str, cache: Path) -> None:
        self.cache = cache
        self.environment = {**os.environ, "HF_ENDPOINT": url, "HF_HUB_OFFLINE": "0", "HF_HOME": str(cache.parent)}

    def start(
        self, hub_id: str = "tiny/model", *options: str, before: Callable[[], None] | None = None
    ) -> subprocess.Popen[bytes]:
        command = [sys.executable, *PROGRAM, hub_id, "--cache", str(self.cache), *options]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, env=self.environment, stdin=pipe, stdout=pipe, stderr=pipe, preexec_fn=before)

    def run(self, hub_id: str = "tiny/model", *options: str, before: Callable[[], None] | None = None) -> list[Report]:
        process = self.start(hub_id, *options, before=before)
        said, complaints = process.stdout.read(), process.stderr.read()
        process.stdin.close()
        process.wait(60)
        assert said, complaints
        return [decode_report(line) for line in said.splitlines()]


@pytest.fixture
def puller(hub: StandInHub, tmp_path: Path) -> Puller:
    return Puller(hub.url, tmp_path / "hub")


def refusal(reports: list[Report]) -> Refused:
    assert isinstance(reports[-1], Refused), reports[-1]
    assert reports[-1].error.hint
    return reports[-1]


def test_a_model_lies_in_the_hub_s_own_cache_afterwards(puller: Puller, tiny_model: Path) -> None:
    reports = puller.run()
    assert isinstance(reports[-1], Complete)
    folder = Path(reports[-1].folder)
    assert complete_snapshot(puller.cache, "tiny/model") == folder
    assert (folder / UNET).read_bytes() == (tiny_model / UNET).read_bytes()
    progress = [report for report in reports if isinstance(report, Fetched)]
    assert progress[-1].done == progress[-1].total
    check = "from huggingface_hub import snapshot_download as s; print(s('tiny/model', local_files_only=True))"
    offline = {**puller.environment, "HF_HUB_OFFLINE": "1"}
    found = subprocess.run([sys.executable, "-c", check], env=offline, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == str(folder)


def test_what_is_here_already_is_not_sent_again(puller: Puller, hub: StandInHub) -> None:
    puller.run()
    hub.behave()
    assert isinstance(puller.run()[-1], Complete)
    assert not hub.sent


def test_a_process_that_was_killed_left_a_beginning_that_the_next_continues(puller: Puller, hub: StandInHub) -> None:
    hub.behave(pause_at={UNET: CUT})
    process = puller.start()
    whole = (hub.repositories["tiny/model"] / UNET).stat().st_size
    for line in process.stdout:
        report = decode_report(line)
        if isinstance(report, Fetched) and 0 < report.total - report.done < whole:
            break
    process.kill()
    process.wait(10)
    hub.behave()
    reports = puller.run()
    assert isinstance(reports[-1], Complete)
    assert whole - CUT <= hub.sent[UNET] < whole
    assert not list(repository_folder(puller.cache, "tiny/model").rglob("*.latent-bridge.incomplete"))


def test_a_process_whose_parent_is_gone_ends(puller: Puller, hub: StandInHub) -> None:
    how = hub.behave(pause_at={UNET: CUT})
    process = puller.start()
    assert how.paused.wait(30)
    process.stdin.close()
    assert process.wait(20) == 1


def test_two_processes_that_want_the_same_model_bring_it_once(puller: Puller, hub: StandInHub) -> None:
    how = hub.behave(pause_at={UNET: CUT})
    first = puller.start()
    assert how.paused.wait(30)
    second = puller.start()
    told = iter(decode_report(line) for line in second.stdout)
    assert isinstance(next(told), Fetched)  # so it has looked at what is here, and comes to the file in question
    how.go_on.set()
    assert isinstance(list(told)[-1], Complete)
    assert isinstance(decode_report(first.stdout.read().splitlines()[-1]), Complete)
    assert hub.sent[UNET] == (hub.repositories["tiny/model"] / UNET).stat().st_size
    for process in (first, second):
        process.stdin.close()
        process.wait(10)


def test_a_line_that_breaks_is_taken_up_again_in_the_same_attempt(puller: Puller, hub: StandInHub) -> None:
    hub.behave(cut_at={UNET: CUT})
    assert isinstance(puller.run()[-1], Complete)
    assert hub.requests.count(f"GET /content/tiny/model/{UNET}") == 2


def test_the_smaller_edition_is_taken_and_the_rest_left(puller: Puller, hub: StandInHub, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(hub.repositories["tiny/model"], tmp_path / "both"))
    half = UNET.replace(".safetensors", ".fp16.safetensors")
    shutil.copy(folder / UNET, folder / half)
    (folder / "everything.safetensors").write_bytes(b"all in one")
    hub.repositories["tiny/both"] = folder
    snapshot = Path(puller.run("tiny/both")[-1].folder)
    assert (snapshot / half).is_file()
    assert not (snapshot / UNET).exists()
    assert not (snapshot / "everything.safetensors").exists()


def test_settings_come_without_the_weights_and_the_weights_later(puller: Puller, hub: StandInHub) -> None:
    assert isinstance(puller.run("tiny/model", "--settings")[-1], Complete)
    assert not any(name.endswith(".safetensors") for name in hub.sent)
    snapshot = snapshot_of(repository_folder(puller.cache, "tiny/model"))
    assert (missing_from(snapshot, weights=False), missing_from(snapshot)) == ("", "text_encoder")
    assert isinstance(puller.run()[-1], Complete)
    assert missing_from(snapshot) == ""


def test_pickles_are_refused_before_anything_large_comes(puller: Puller, hub: StandInHub, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(hub.repositories["tiny/model"], tmp_path / "pickled"))
    (folder / UNET).rename(folder / "unet" / "diffusion_pytorch_model.bin")
    hub.repositories["tiny/pickled"] = folder
    assert refusal(puller.run("tiny/pickled")).error.code is ErrorCode.UNSAFE_WEIGHTS
    assert set(hub.sent) == {"model_index.json"}


@pytest.mark.parametrize("how", ["no index", "unknown class"])
def test_what_this_program_cannot_use_is_refused_before_it_comes(
    how: str, puller: Puller, hub: StandInHub, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(hub.repositories["tiny/model"], tmp_path / "odd"))
    index = folder / "model_index.json"
    said = json.loads(index.read_text())
    index.unlink() if how == "no index" else index.write_text(json.dumps({**said, "_class_name": "VideoPipeline"}))
    hub.repositories["tiny/odd"] = folder
    assert refusal(puller.run("tiny/odd")).error.code is ErrorCode.MODEL_UNUSABLE
    assert not any(name.endswith(".safetensors") for name in hub.sent)


def test_changed_bytes_are_noticed_and_thrown_away(puller: Puller, hub: StandInHub) -> None:
    hub.behave(corrupt=(UNET,))
    error = refusal(puller.run()).error
    assert error.code is ErrorCode.DOWNLOAD_FAILED
    assert "checksum" in error.message
    hub.behave()
    assert isinstance(puller.run()[-1], Complete)


def test_terms_that_were_not_accepted_are_named(puller: Puller, hub: StandInHub) -> None:
    hub.behave(gated=frozenset({"tiny/model"}))
    error = refusal(puller.run()).error
    assert error.code is ErrorCode.MODEL_UNUSABLE
    assert "terms" in error.message
    assert "hf auth login" in error.hint


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (401, ErrorCode.MODEL_UNUSABLE),
        (403, ErrorCode.MODEL_UNUSABLE),
        (404, ErrorCode.MODEL_UNUSABLE),
        (500, ErrorCode.DOWNLOAD_FAILED),
    ],
)
def test_a_refusal_of_the_hub_is_explained(status: int, code: ErrorCode, puller: Puller, hub: StandInHub) -> None:
    hub.behave(status={"/api/models/tiny/model": status})
    assert refusal(puller.run()).error.code is code


def test_an_unknown_model_is_named(puller: Puller) -> None:
    assert "tiny/missing" in refusal(puller.run("tiny/missing")).error.message


def test_without_a_network_the_hint_says_so(puller: Puller) -> None:
    puller.environment["HF_ENDPOINT"] = "http://127.0.0.1:9"
    error = refusal(puller.run()).error
    assert error.code is ErrorCode.DOWNLOAD_FAILED
    assert "network" in error.hint


def test_offline_mode_is_obeyed(puller: Puller, hub: StandInHub) -> None:
    puller.environment["HF_HUB_OFFLINE"] = "1"
    assert "HF_HUB_OFFLINE" in refusal(puller.run()).error.message
    assert hub.requests == []


def test_a_cache_that_cannot_be_written_is_named(puller: Puller, tmp_path: Path) -> None:
    puller.cache.write_text("a file where the cache should be")
    error = refusal(puller.run()).error
    assert error.code is ErrorCode.DOWNLOAD_FAILED
    assert "HF_HOME" in error.hint


def test_a_disk_that_fills_up_is_named_and_the_next_attempt_goes_on(puller: Puller, hub: StandInHub) -> None:
    # No disk of a few kilobytes is at hand; a limit on the size of files cuts a write off in the same way.
    limited = puller.run(before=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (CUT, CUT)))
    error = refusal(limited).error
    assert error.code is ErrorCode.DOWNLOAD_FAILED
    assert "stored" in error.message or "disk" in error.message
    hub.behave()
    assert isinstance(puller.run()[-1], Complete)
    large = (UNET, "vae/diffusion_pytorch_model.safetensors")
    assert sum(hub.sent[name] for name in large) < sum(
        (hub.repositories["tiny/model"] / n).stat().st_size for n in large
    )
