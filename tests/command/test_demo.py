import shutil
import socket
import sys
import urllib.error
import urllib.request

import pytest

WHY = "needs Gradio: pip install textgan[demo]"


@pytest.fixture
def served(monkeypatch):
    """What the page answered when it was asked, instead of waiting for Ctrl-C."""
    gradio = pytest.importorskip("gradio", reason=WHY)
    answers = []

    def ask(page) -> None:
        with urllib.request.urlopen(page.local_url, timeout=10) as answer:
            answers.append(answer.read().decode())
        page.close()

    monkeypatch.setattr(gradio.Blocks, "block_thread", ask)
    return answers


@pytest.fixture
def taken():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening.getsockname()[1]


def test_the_page_is_served_on_this_machine_alone(textgan, generative, served, tmp_path):
    folder = shutil.copytree(generative, tmp_path / "moons" / "pipeline")
    card = "---\nwidget:\n- text: a red circle on the moon\n---\n"
    (folder / "README.md").write_text(card, encoding="utf-8")
    status, out, err = textgan("demo", str(folder))
    assert status == 0, err
    assert out.startswith("http://127.0.0.1:")
    assert str(folder) in out
    assert "a red circle on the moon" in served[0]
    assert "moons" in served[0]


def test_a_port_can_be_chosen(textgan, generative, served, taken):
    free = taken + 1 if taken < 65535 else taken - 1
    status, out, err = textgan("demo", str(generative), "--port", str(free))
    assert status == 0, err
    assert out.startswith(f"http://127.0.0.1:{free}/")
    assert served


@pytest.mark.parametrize("port", ["0", "-1", "65536"])
def test_a_port_that_cannot_be_is_refused(refused, generative, port):
    err = refused("demo", str(generative), f"--port={port}")
    assert err == f"textgan: --port must be from 1 to 65535, got {port}\n"


def test_a_busy_port_is_said_in_one_sentence(textgan, generative, taken):
    status, _, err = textgan("demo", str(generative), "--port", str(taken))
    assert status == 2
    assert err == f"textgan: --port {taken} is in use: choose another, or leave it out\n"


@pytest.mark.parametrize("host", ["192.0.2.1", "no such host"])
def test_a_host_that_is_not_here_is_said_in_one_sentence(refused, generative, host):
    err = refused("demo", str(generative), "--host", host)
    assert err.startswith(f"textgan: --host {host} cannot be used: ")


@pytest.mark.parametrize("name", ["http://a.example", "a.example:80", "10.0.0.1:80", "a b", ""])
def test_what_no_browser_calls_a_machine_is_refused(refused, generative, name):
    err = refused("demo", str(generative), f"--allow_host={name}")
    assert err.startswith("textgan: --allow_host must be a name such as draw.example.org, ")


def test_an_allowed_host_is_served_and_another_is_not(textgan, generative, monkeypatch):
    gradio = pytest.importorskip("gradio", reason=WHY)
    statuses = {}

    def ask(page) -> None:
        for host in ("127.0.0.1", "draw.example.org", "second.example", "evil.example"):
            request = urllib.request.Request(page.local_url, headers={"Host": host})
            try:
                statuses[host] = urllib.request.urlopen(request, timeout=10).status
            except urllib.error.HTTPError as error:
                statuses[host] = error.code
        page.close()

    monkeypatch.setattr(gradio.Blocks, "block_thread", ask)
    allowed = ["--allow_host", "draw.example.org", "--allow_host", "second.example"]
    status, _, err = textgan("demo", str(generative), *allowed)
    assert status == 0, err
    assert [*statuses.values()] == [200, 200, 200, 400]


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="the machine has no IPv6")
@pytest.mark.parametrize("host", ["::1", "[::1]"])
def test_the_page_is_served_over_ipv6(textgan, generative, served, host):
    status, out, err = textgan("demo", str(generative), "--host", host)
    assert status == 0, err
    assert out.startswith("http://[::1]:")
    assert served


def test_without_gradio_the_package_is_named(refused, generative, monkeypatch):
    for name in ("textgan.app.page", "textgan.app.style"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, "gradio", None)
    err = refused("demo", str(generative))
    assert err == "textgan: textgan demo needs Gradio: pip install textgan[demo]\n"


def test_without_a_run_the_bundled_models_are_offered(textgan, served):
    status, out, err = textgan("demo")
    assert status == 0, err
    for name in ("shapes", "emoji"):
        assert name in out
        assert name in served[0]


def test_one_of_the_bundled_models_is_chosen_by_its_name(textgan, served):
    status, out, err = textgan("demo", "emoji")
    assert status == 0, err
    assert "shapes" not in out
    assert "emoji" in served[0]


def test_a_broken_card_is_said_in_one_sentence(refused, generative, served, tmp_path):
    folder = shutil.copytree(generative, tmp_path / "model")
    (folder / "README.md").write_text("---\nwidget: [\n---\n")
    err = refused("demo", str(folder))
    assert "README.md must begin with valid YAML" in err
    assert not served
