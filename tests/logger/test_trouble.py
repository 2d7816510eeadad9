from textgan.logger.trouble import explain_logger, logger_errors


def test_a_login_that_wandb_lacks_is_one_sentence_with_what_to_do(textgan, tiny, monkeypatch):
    import wandb
    import wandb.errors

    def init(**_: object) -> None:
        raise wandb.errors.UsageError("No API key configured.")

    monkeypatch.setattr(wandb, "init", init)
    online = ["logger=wandb", "trainer.logger.wandb.offline=false"]
    status, _, err = textgan("fit", *tiny, *online, "hydra.run.dir=run")
    (said,) = [line for line in err.splitlines() if line.startswith("textgan: ")]
    assert status == 2
    assert "No API key configured; log in with `wandb login`" in said
    assert "trainer.logger.wandb.offline=true" in said
    assert "Traceback" not in err


def test_a_server_that_cannot_be_reached_is_the_same():
    import wandb.errors

    error = wandb.errors.CommError("Run initialization has timed out\n  after 90 sec.")
    assert isinstance(error, logger_errors())
    assert "Run initialization has timed out after 90 sec; log in" in explain_logger(error)


def test_a_library_that_is_not_installed_is_named(textgan, tiny, monkeypatch):
    from lightning_fabric.loggers import tensorboard

    monkeypatch.setattr(tensorboard, "_TENSORBOARD_AVAILABLE", False)
    monkeypatch.setattr(tensorboard, "_TENSORBOARDX_AVAILABLE", False)
    status, _, err = textgan("fit", *tiny, "logger=tensorboard", "hydra.run.dir=run")
    (said,) = [line for line in err.splitlines() if line.startswith("textgan: ")]
    assert status == 2
    assert "tensorboard" in said
    assert "Traceback" not in err
