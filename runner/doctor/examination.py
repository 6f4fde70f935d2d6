"""All checks in their order; one that fails does not stop the others."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from inspect import isawaitable

from runner.doctor.findings import Finding, Level, problem
from runner.errors import ExitCode, RunnerError

Check = Callable[[], Sequence[Finding] | Awaitable[Sequence[Finding]]]
"""Looks at one thing, and says one or several lines about it."""


async def examine(checks: Sequence[tuple[str, Check]]) -> AsyncGenerator[Finding, None]:
    """Yield what each check says, as soon as it says it. A check is given with its name."""
    for name, check in checks:
        try:
            answer = check()
            found = await answer if isawaitable(answer) else answer
        except RunnerError as error:
            code = getattr(error, "exit_code", ExitCode.INTERNAL)
            yield problem(name, error.message, error.hint, code)
        except OSError as error:
            yield problem(
                name,
                f"{error.filename or 'Something'} cannot be looked at: {error.strerror or error}.",
                "Ask as the user that runs it, such as: sudo -u expenses expense-runner doctor",
                ExitCode.REFUSED,
            )
        except Exception as error:  # noqa: BLE001 - the other checks can still say something
            yield problem(
                name,
                f"The check itself failed: {type(error).__name__}: {error}",
                "This is a defect: run with --debug for the details.",
                ExitCode.INTERNAL,
            )
        else:
            for each in found:
                yield each


def exit_code_of(findings: Sequence[Finding]) -> ExitCode:
    """Return what a run would end with: the code of the first problem, or 0 where there is none."""
    return next((each.exit_code for each in findings if each.level is Level.PROBLEM), ExitCode.OK)
