"""The command as a user calls it, where it must refuse."""

from pathlib import Path

from small_runs import write_config
from typer.testing import CliRunner

from experiments.cli.app import app


def refused(*words: object) -> str:
    """Call the command; return its one sentence."""
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == 2, (result.output, result.exception)
    assert "Traceback" not in result.output
    sentence = result.stderr
    assert sentence.count("\n") == 1, sentence
    assert ":" in sentence  # then comes the way out
    return sentence


def refused_run(tmp_path: Path, settings: dict[str, object], *options: object) -> str:
    """Run the loop in vain; return the sentence once sure that nothing was left behind."""
    config = write_config(tmp_path, settings)
    before = set(tmp_path.rglob("*"))
    sentence = refused("run", config, *options)
    left = set(tmp_path.rglob("*")) - before
    assert left <= {tmp_path / "out"}, left
    return sentence
