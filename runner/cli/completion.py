"""`expense-runner completion`: shell completion."""

import click
from click.shell_completion import get_completion_class

from runner.errors import ConfigurationWrong


@click.command(
    epilog='Example: `expense-runner completion bash >> ~/.bashrc`, or eval "$(expense-runner completion zsh)".'
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> int:
    """Print the script that makes a shell complete commands and options."""
    kind = get_completion_class(shell)
    if kind is None:
        raise ConfigurationWrong(f"There is no completion for {shell}.")
    click.echo(kind(context.find_root().command, {}, "expense-runner", "_EXPENSE_RUNNER_COMPLETE").source())
    return 0
