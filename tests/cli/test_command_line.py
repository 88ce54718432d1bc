"""Usage, exit codes and errors, as far as no daemon is needed for them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

from bridge.cli.failures import Exit, exit_code, run_guarded
from bridge.cli.main import COMMANDS, cli
from bridge.cli.serve import build_settings, serve
from bridge.daemon.config import Settings
from bridge.protocol import locations
from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.messages import Limits


@pytest.fixture(autouse=True)
def empty_home(tmp_path, monkeypatch):
    """A user without a daemon, in a folder with one picture and one mask."""
    monkeypatch.setenv(locations.HOME_VARIABLE, str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (8, 8)).save("picture.png")
    Image.new("L", (8, 8)).save("mask.png")


def run(*arguments: str) -> int:
    return run_guarded(cli, arguments)


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_explains_itself(command):
    answer = CliRunner().invoke(cli, [command, "--help"])
    assert answer.exit_code == 0
    assert "Usage:" in answer.output


def test_the_overview_names_every_command():
    output = CliRunner().invoke(cli, ["--help"]).output
    assert all(f"\n  {name} " in output for name in COMMANDS)


LOOK = """
import json, sys
from bridge.cli.main import cli
from bridge.cli.failures import run_guarded
code = run_guarded(cli, sys.argv[1:])
print(json.dumps(sorted(sys.modules)), file=sys.stderr)
"""


@pytest.mark.parametrize("arguments", [["--help"], ["serve", "--help"], ["generate", "--help"]])
def test_what_a_command_does_not_need_is_not_imported(arguments):
    done = subprocess.run([sys.executable, "-c", LOOK, *arguments], capture_output=True, text=True, check=True)
    modules = set(json.loads(done.stderr.splitlines()[-1]))
    assert not {"rich", "PIL", "numpy", "torch", "uvicorn", "websockets"} & modules


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["generate"], "A prompt is missing"),
        (["generate", "moss", "--size", "big"], "768x512"),
        (["generate", "moss", "--size", "8x8"], "width"),
        (["generate", "moss", "--steps", "0"], "--steps"),
        (["generate", "moss", "-o", "moss.gif"], ".png"),
        (["generate", "moss", "-o", "nowhere/moss.png"], "does not exist"),
        (["generate", "--from", "picture.png"], "no recipe"),
        (["edit", "missing.png", "moss"], "missing.png"),
        (["edit", "picture.png", "moss", "--strength", "2"], "--strength"),
        (["outpaint", "picture.png", "moss"], "--left"),
        (["upscale", "picture.png", "--scale", "0.5"], "--scale"),
        (["generate", "moss", "--seamless", "z"], "--seamless"),
        (["inpaint", "picture.png", "mask.png", "moss", "--fill", "magic"], "magic"),
        (["paint"], "paint"),
    ],
)
def test_a_command_line_that_cannot_be_meant_ends_with_2(capsys, arguments, said):
    assert run(*arguments) == Exit.USAGE
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.out == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ["generate", "moss"],
        ["edit", "picture.png", "moss"],
        ["inpaint", "picture.png", "mask.png", "moss"],
        ["outpaint", "picture.png", "moss", "--left", "8"],
        ["upscale", "picture.png"],
        ["jobs"],
        ["jobs", "show", "abc"],
        ["models"],
    ],
)
def test_without_a_daemon_commands_say_how_to_start_one_and_end_with_3(capsys, arguments):
    assert run(*arguments) == Exit.NO_DAEMON
    error = capsys.readouterr().err
    assert "latent-bridge serve" in error
    assert "--start" in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("arguments", [["generate", "moss", "--json"], ["jobs", "--json"], ["models", "--json"]])
def test_with_json_the_error_is_json_on_stdout_too(capsys, arguments):
    assert run(*arguments) == Exit.NO_DAEMON
    error = json.loads(capsys.readouterr().out)["error"]
    assert (error["code"], error["hint"] != "") == ("not_connected", True)


def test_usage_errors_are_json_too(capsys):
    assert run("generate", "--json") == Exit.USAGE
    assert json.loads(capsys.readouterr().out)["error"]["field"] == "prompt"


@pytest.mark.parametrize("code", list(ErrorCode), ids=lambda code: code.value)
def test_every_error_code_has_an_exit_code_of_its_kind(code):
    meant = exit_code(BridgeError(code, "x"))
    assert meant in set(Exit) - {Exit.DONE, Exit.USAGE}
    known = {
        ErrorCode.NOT_CONNECTED: 3,
        ErrorCode.UNAUTHORISED: 4,
        ErrorCode.INVALID_FIELD: 4,
        ErrorCode.OUT_OF_MEMORY: 1,
        ErrorCode.ENGINE_CRASHED: 1,
        ErrorCode.FILTERED: 1,
        ErrorCode.CANCELLED: 130,
    }
    assert meant == known.get(code, meant)


def test_serve_refuses_to_listen_on_a_network_without_encryption(capsys):
    assert run("serve", "--host", "0.0.0.0", "--port", "0") == Exit.FAILED
    assert "--tls-cert" in capsys.readouterr().err


def test_serve_hands_every_option_on(tmp_path):
    options = {
        "--host": "localhost", "--port": "5", "--model": "a", "--models-dir": str(tmp_path), "--token-file": "token",
        "--allow-origin": "https://example.org", "--log-level": "debug", "--tls-cert": "cert", "--tls-key": "key",
        "--device": "cpu", "--max-megapixels": "2", "--max-steps": "7", "--max-images": "3", "--max-queue": "4",
        "--max-message-mb": "9", "--history-size": "0.5", "--ping-interval": "1.5", "--model-memory": "6",
        "--idle-release": "2", "--safety-filter": str(tmp_path), "--parked-memory": "0",
    }  # fmt: skip
    arguments = [part for pair in options.items() for part in pair] + ["--model", "b", "--log-json"]
    context = serve.make_context("serve", arguments)
    assert {option for parameter in serve.params for option in parameter.opts} == {*options, "--log-json"}

    settings = build_settings(**context.params)
    assert (settings.host, settings.port, settings.models, settings.device) == ("localhost", 5, ("a", "b"), "cpu")
    assert (settings.token_file, settings.allowed_origins) == (Path("token"), ("https://example.org",))
    assert (settings.log_level, settings.log_json) == ("debug", True)
    assert (settings.tls_certificate, settings.tls_key) == (Path("cert"), Path("key"))
    assert settings.model_folders == (tmp_path, *Settings().model_folders)
    assert settings.limits == Limits(message_bytes=9_000_000, pixels=2_000_000, steps=7, images=3, queued_jobs=4)
    assert (settings.history_bytes, settings.ping_interval, settings.ping_timeout) == (500_000_000, 1.5, 3.0)
    assert (settings.model_memory, settings.idle_release, settings.safety_filter) == (6_000_000_000, 120, tmp_path)
    assert settings.parked_memory == 0


def test_serve_without_options_runs_with_the_daemons_own_settings():
    assert build_settings(**serve.make_context("serve", []).params) == Settings()
