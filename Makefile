# make demo        generate an image with the bundled model, then train and test a model like it
# make test        every test that is not slow, on every core
# make test-all    every test, also the slow ones
# make test-lowest a part of the tests with the lowest versions that setup.cfg allows, in .venv-lowest
# make lint        ruff
# make docs        build the manual into site/
# make notebooks   write docs/notebooks/*.py as Jupyter notebooks into notebooks/
# Each target but test-lowest installs the package into .venv first.

PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
# An empty value installs torch from PyPI, for a machine with a GPU: make demo CONSTRAINTS=
CONSTRAINTS ?= -c constraints/cpu.txt

LOWEST ?= .venv-lowest
LOWEST_TESTS = $(addprefix tests/,app/test_answer.py app/test_examples.py app/test_sampling.py caption/test_tokenizer.py \
	cli/test_main.py command data/test_contract.py data/test_huggingface.py data/test_webdataset.py export logger \
	metric/test_fid.py metric/test_kid.py model/test_checkpoint.py model/test_contrastive.py model/test_gan.py \
	model/test_optimization.py pretrained/test_hub.py test_conf.py test_floors.py text_encoder)

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
	$(BIN)/textgan sample $(SCENE) --model textgan/weights/shapes --out $(RUN)-bundled.png
	$(BIN)/textgan fit experiment=demo hydra.run.dir=$(RUN)
	$(BIN)/textgan test ckpt_path=$(RUN)/last.ckpt

test: $(VENV)/.installed-test
	$(BIN)/python -m pytest -q -m "not slow" -n auto --dist loadfile

test-all: $(VENV)/.installed-test
	$(BIN)/python -m pytest -q

test-lowest:
	$(PYTHON) -m venv $(LOWEST)
	$(LOWEST)/bin/python -m pip install -c constraints/lowest.txt \
		-e ".[demo,export,minilm,eyes,diffusion,huggingface,webdataset,sweep]" pytest pytest-timeout
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
