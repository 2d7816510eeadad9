# make demo        draw with the model in the box, train one like it, and test it (installs itself first)
# make test        the tests that need minutes at most, on every core (installs itself first, with the test extra)
# make test-all    every test
# make test-lowest a part of the tests with the lowest versions that setup.cfg allows, in a .venv-lowest of their own
# make lint        ruff
# make docs        the manual, into site/ (installs itself first, with the docs extra)
# make notebooks   docs/notebooks/*.py as Jupyter notebooks, into notebooks/

PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
# A machine with a GPU takes PyPI's own torch: make demo CONSTRAINTS=
CONSTRAINTS ?= -c constraints/cpu.txt

LOWEST ?= .venv-lowest
LOWEST_TESTS = $(addprefix tests/,app/test_answer.py app/test_drawing.py app/test_examples.py command data/test_contract.py \
	data/test_huggingface.py data/test_webdataset.py export logger metric/test_fid.py metric/test_kid.py model/test_checkpoint.py \
	model/test_contrastive.py model/test_descent.py model/test_gan.py text_encoder test_cli.py test_conf.py test_floors.py \
	test_hub.py test_tokenizer.py)

.PHONY: demo test test-all test-lowest lint docs notebooks clean

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(BIN)/python setup.cfg setup.py constraints/cpu.txt
	$(BIN)/python -m pip install $(CONSTRAINTS) -e .
	touch $@

$(VENV)/.installed-test: $(BIN)/python setup.cfg setup.py constraints/cpu.txt
	$(BIN)/python -m pip install $(CONSTRAINTS) -e ".[test]"
	touch $@ $(VENV)/.installed

$(VENV)/.installed-docs: $(BIN)/python setup.cfg setup.py constraints/cpu.txt
	$(BIN)/python -m pip install $(CONSTRAINTS) -e ".[docs]"
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

test-lowest:
	$(PYTHON) -m venv $(LOWEST)
	$(LOWEST)/bin/python -m pip install -c constraints/lowest.txt \
		-e ".[demo,export,minilm,huggingface,webdataset,sweep]" pytest pytest-timeout
	$(LOWEST)/bin/python -m pytest -q -m "not slow and not browser" $(LOWEST_TESTS)

lint: $(VENV)/.installed-test
	$(BIN)/ruff check .

docs: $(VENV)/.installed-docs
	$(BIN)/python -m mkdocs build --strict

notebooks: $(VENV)/.installed-docs
	mkdir -p notebooks
	for name in docs/notebooks/*.py; do \
		$(BIN)/python -m jupytext --to ipynb --output notebooks/$$(basename $$name .py).ipynb $$name; done

clean:
	rm -rf $(VENV) $(LOWEST) build site notebooks *.egg-info .pytest_cache .ruff_cache
