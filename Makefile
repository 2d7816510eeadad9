# make demo        draw with the model in the box, train one like it, and test it (installs itself first)
# make test        the tests that need minutes at most, on every core (installs itself first, with the test extra)
# make test-all    every test
# make lint        ruff

PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
# A machine with a GPU takes PyPI's own torch: make demo CONSTRAINTS=
CONSTRAINTS ?= -c constraints/cpu.txt

.PHONY: demo test test-all lint clean

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(BIN)/python setup.cfg setup.py constraints/cpu.txt
	$(BIN)/python -m pip install $(CONSTRAINTS) -e .
	touch $@

$(VENV)/.installed-test: $(BIN)/python setup.cfg setup.py constraints/cpu.txt
	$(BIN)/python -m pip install $(CONSTRAINTS) -e ".[test]"
	touch $@ $(VENV)/.installed

RUN := runs/demo-$(shell date +%Y-%m-%d-%H-%M-%S)
SCENE := "a large red circle above a small blue square on a white background"
demo: $(VENV)/.installed
	$(BIN)/textgan sample $(SCENE) --model textgan/weights/shapes --out $(RUN)-in-the-box.png
	$(BIN)/textgan fit experiment=demo hydra.run.dir=$(RUN)
	$(BIN)/textgan test ckpt_path=$(RUN)/last.ckpt

test: $(VENV)/.installed-test
	$(BIN)/python -m pytest -q -m "not slow" -n auto --dist loadfile

test-all: $(VENV)/.installed-test
	$(BIN)/python -m pytest -q

lint: $(VENV)/.installed-test
	$(BIN)/ruff check .

clean:
	rm -rf $(VENV) build *.egg-info .pytest_cache .ruff_cache
