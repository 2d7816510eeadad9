import os
import signal
import subprocess
import sys
import time

import pytest

from textgan.cli.main import main
from textgan.process.stop import Signals, Stop, leave_to_parent, name_of

CODES = {"SIGTERM": 143, "SIGHUP": 129, "SIGINT": 130}


@pytest.fixture
def default_handlers():
    """The signals as a process of its own has them: a job of & ignores Ctrl-C."""
    before = {name: signal.getsignal(getattr(signal, name)) for name in CODES}
    for name in CODES:
        default = signal.default_int_handler if name == "SIGINT" else signal.SIG_DFL
        signal.signal(getattr(signal, name), default)
    yield
    for name, handler in before.items():
        signal.signal(getattr(signal, name), handler)


@pytest.mark.parametrize("name", CODES)
def test_a_signal_ends_what_has_no_steps_at_once(name, default_handlers):
    number, signals = getattr(signal, name), Signals()
    before = signal.getsignal(number)
    with pytest.raises(Stop) as stopped, signals.handled():
        os.kill(os.getpid(), number)
    assert stopped.value.code == CODES[name]
    assert str(stopped.value) == f"stopped by {name_of(number)}"
    assert signal.getsignal(number) is before
    assert signals.asked == 0


def test_a_patient_process_only_notes_it_and_hears_one_request_once(default_handlers):
    signals = Signals()
    with signals.handled(), signals.handled():
        signals.patient = True
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.05)
        assert signals.asked == signal.SIGTERM


def test_a_signal_that_is_ignored_stays_so(default_handlers):
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # nohup
    signal.signal(signal.SIGTERM, lambda *_: None)
    mine = signal.getsignal(signal.SIGTERM)
    with Signals().handled():
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
        assert signal.getsignal(signal.SIGTERM) is mine


@pytest.mark.parametrize("name", CODES)
def test_the_command_ends_with_the_status_of_the_signal(
    name, default_handlers, monkeypatch, capsys
):
    monkeypatch.setattr("textgan.command.sample.main", lambda words: _signal_itself(name))
    assert main(["sample", "a circle"]) == CODES[name]
    assert capsys.readouterr().err == f"textgan: stopped by {name_of(getattr(signal, name))}\n"


def _signal_itself(name: str) -> int:
    os.kill(os.getpid(), getattr(signal, name))
    time.sleep(5)
    return 0


SCRIPT = """
import os, signal, subprocess, sys, threading, time
import textgan.process.stop
from textgan.process.stop import signals
textgan.process.stop._UNHANDLED = 0.3
signals.start()
signals.patient = {patient}
signals.at_once = lambda: print("children ended", flush=True)
threading.Timer({wait}, lambda: print("started", flush=True)).start()
{work}
print("survived", flush=True)
"""


def script(work: str, *, patient: bool, wait: float = 0) -> subprocess.Popen:
    text = SCRIPT.format(work=work, patient=patient, wait=wait)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen([sys.executable, "-c", text], **pipes)
    assert process.stdout.readline() == "started\n"
    return process


def test_a_second_signal_ends_a_patient_process_at_once():
    process = script("while True: time.sleep(0.01)", patient=True)
    process.send_signal(signal.SIGTERM)
    time.sleep(1.2)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=10)
    assert process.returncode == 143
    assert out == "children ended\n"
    assert err == "textgan: stopped at once by a second SIGTERM\n"


def test_a_main_thread_that_does_not_return_to_python_is_ended():
    held_up = (
        "import ctypes\n"
        "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])\n"  # the watch's thread has it
        "ctypes.CDLL(None).sleep(60)"
    )
    process = script(held_up, patient=False, wait=0.2)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 143
    assert (out, err) == ("children ended\n", "textgan: stopped by SIGTERM\n")


def test_the_process_of_a_loader_outlives_the_signal_that_its_parent_answers(default_handlers):
    before = signal.getsignal(signal.SIGALRM)
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    try:
        leave_to_parent()
        for name in CODES:
            os.kill(os.getpid(), getattr(signal, name))
        assert signal.alarm(0) in range(25, 31)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def test_a_terminal_that_is_gone_ends_no_run(tmp_path):
    import pty

    text = (
        "import os, time\nfrom textgan.process.stop import signals\nsignals.start()\n"
        "signals.patient = True\nprint('started', flush=True)\n"
        "while not signals.asked: time.sleep(0.01)\nprint('more', flush=True)\n"
        f"open({str(tmp_path / 'done')!r}, 'w').close()"
    )
    process, terminal = pty.fork()
    if process == 0:
        os.execv(sys.executable, [sys.executable, "-c", text])
    assert b"started" in os.read(terminal, 100)
    os.close(terminal)
    assert os.waitpid(process, 0)[1] == 0
    assert (tmp_path / "done").exists()
