"""The output of the command may be closed, have no reader, or an encoding without its letters."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from textgan.process.stop import Stop, signals
from textgan.process.streams import Pipe
from textgan.run.verbs import LIGHTNING_VERBS, commands

pytestmark = pytest.mark.skipif(os.name != "posix", reason="pipes as on Unix")
WITHOUT_UTF8 = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}


@pytest.fixture
def left() -> int:
    """The number of a file that writes into a pipe that nobody reads."""
    reading, writing = os.pipe()
    os.close(reading)
    yield writing
    os.close(writing)


def run_into(output: int, *words: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "textgan", *words]
    pipes = {"stdout": output, "stderr": subprocess.PIPE, "text": True}
    return subprocess.run(command, **pipes, check=False, timeout=120)


def test_a_reader_that_leaves_ends_the_command_in_silence(left):
    done = run_into(left, "fit", "--help")
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        *([verb, "--help"] for verb in (*LIGHTNING_VERBS, *commands())),
        *([verb, "--help_all"] for verb in LIGHTNING_VERBS),
        ["fit", "--cfg", "job"],
        ["fit", "--print_config"],
        ["fit", "--info", "searchpath"],
        ["completion", "bash"],
        ["--version"],
    ],
    ids=" ".join,
)
def test_a_reader_that_leaves_ends_every_verb_in_silence(words, left):
    done = run_into(left, *words)
    assert done.returncode in (0, 141)  # argparse's own help ends before its output is written
    assert done.stderr == ""


def test_writing_to_nobody_asks_the_command_to_end_and_loses_nothing_else(left):
    stream = Pipe(left, "w", closefd=False)
    with signals.handled():
        with pytest.raises(Stop) as stop:
            stream.write(b"a line\n")
        assert stop.value.signum == 13
        assert stream.write(b"another\n") == 8


def test_a_training_whose_reader_leaves_ends_after_its_step_with_a_checkpoint(
    textgan, tiny, monkeypatch, left
):
    printed = io.TextIOWrapper(Pipe(left, "w", closefd=False), write_through=True)
    monkeypatch.setattr(sys, "stdout", printed)
    often = "trainer.callbacks.progress.seconds_between_lines=0"
    status, _, err = textgan("fit", *tiny, often, "hydra.run.dir=run")
    assert status == 141
    assert "stopped by a closed pipe at 8 images; continue with: textgan fit" in err
    assert Path("run/last.ckpt").is_file()


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_closed_stream_is_as_one_into_nothing(closed):
    command = f"{sys.executable} -m textgan fit --help {closed}"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_file_never_gets_the_number_of_a_closed_output(tmp_path):
    code = (
        "import os, sys; from textgan.process import streams; streams.prepare(); "
        f"file = open({str(tmp_path / 'file')!r}, 'w'); print('lost'); sys.exit(file.fileno() < 3)"
    )
    command = ["sh", "-c", 'exec "$0" -c "$1" >&-', sys.executable, code]
    assert subprocess.run(command, check=False).returncode == 0
    assert (tmp_path / "file").read_text() == ""


def test_where_the_locale_is_not_utf8_files_are_utf8_and_any_letter_is_printed(tmp_path):
    file = tmp_path / "file.txt"
    file.write_text("ünï ✓", encoding="utf-8")
    code = (
        "from textgan.process import streams; streams.prepare(); "
        f"print(open({str(file)!r}).read()); open({str(file)!r}, 'w').write('\\u96ea')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **WITHOUT_UTF8, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == rb"\xfcn\xef \u2713" + b"\n"
    assert file.read_text(encoding="utf-8") == "雪"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_run_in_such_a_locale_reads_and_writes_every_letter(tiny, tmp_path):
    (tmp_path / "bilder-ü").mkdir()
    captions = tmp_path / "bilder-ü" / "texte.txt"
    captions.write_text("ein roter Würfel\n", encoding="utf-8")
    environment = {**os.environ, **WITHOUT_UTF8, "PYTHONIOENCODING": "latin-1"}

    def run(*words: str) -> subprocess.CompletedProcess:
        command = [sys.executable, "-m", "textgan", *words]
        return subprocess.run(
            command, env=environment, cwd=tmp_path, capture_output=True, check=False
        )

    fitted = run("fit", *tiny, "hydra.run.dir=läufe")
    assert fitted.returncode == 0, fitted.stderr
    drawn = run("predict", "ckpt_path=läufe/last.ckpt", f"captions_file={captions}")
    assert drawn.returncode == 0, drawn.stderr
    again = run("fit", "--config", "läufe/run.yaml", "--run_dir", "zwei")
    assert again.returncode == 0, again.stderr
    assert "läufe".encode("latin-1") in fitted.stdout
