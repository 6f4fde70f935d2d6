"""Small changes to the program, for a while: one piece of a function's own text, or of a SQL statement, replaced."""

import inspect
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from importlib import import_module
from sqlite3 import Connection
from types import FunctionType, ModuleType

from runner.journal import store
from tests.scenarios.world.verbs import verb_at_work

Patch = Callable[[], AbstractContextManager[object]]


def edited(target: str, *changes: tuple[str, str]) -> Patch:
    """Change the text of a function or a method, given as `package.module:name` or `package.module:Class.name`.

    Each old text must stand in it exactly once: a mutant must not outlive the line that it breaks unnoticed.
    """

    def patch() -> AbstractContextManager[object]:
        module, owner, name = _found(target)
        return _everywhere(module, owner, name, _changed(module, owner, name, changes))

    return patch


def statement(target: str, old: str, new: str) -> Patch:
    """Change one of the journal's statements, given as `package.module:VARIABLE.name`."""

    @contextmanager
    def patch() -> Iterator[None]:
        module, _, rest = target.partition(":")
        variable, _, name = rest.partition(".")
        statements = getattr(import_module(module), variable)
        before = statements[name]
        statements[name] = _replaced(before, ((old, new),), target)
        try:
            yield
        finally:
            statements[name] = before

    return patch


def added(module: str, name: str, value: object) -> Patch:
    """Give a module one more name, for an edited function to use."""

    @contextmanager
    def patch() -> Iterator[None]:
        setattr(import_module(module), name, value)
        try:
            yield
        finally:
            delattr(import_module(module), name)

    return patch


def together(*patches: Patch) -> Patch:
    """Apply several changes at once."""

    @contextmanager
    def patch() -> Iterator[None]:
        with ExitStack() as stack:
            for each in patches:
                stack.enter_context(each())
            yield

    return patch


def _found(target: str) -> tuple[ModuleType, object, str]:
    module_name, _, path = target.partition(":")
    module = import_module(module_name)
    *owners, name = path.split(".")
    owner: object = module
    for each in owners:
        owner = getattr(owner, each)
    return module, owner, name


def _changed(module: ModuleType, owner: object, name: str, changes: tuple[tuple[str, str], ...]) -> object:
    function = inspect.unwrap(vars(owner)[name]) if inspect.isclass(owner) else getattr(owner, name)
    assert isinstance(function, FunctionType), name
    text = _replaced(textwrap.dedent(inspect.getsource(function)), changes, name)
    made: dict[str, object] = {}
    exec(compile(text, f"<mutant of {module.__name__}.{name}>", "exec"), vars(module), made)
    return made[name]


def _replaced(text: str, changes: tuple[tuple[str, str], ...], where: str) -> str:
    for old, new in changes:
        assert text.count(old) == 1, f"{where} has {text.count(old)} times: {old}"
        text = text.replace(old, new)
    return text


@contextmanager
def _everywhere(module: ModuleType, owner: object, name: str, value: object) -> Iterator[None]:
    """Put it also where it was imported by name."""
    before = vars(owner)[name]
    owners = [owner]
    if owner is module:
        programs = [each for key, each in sys.modules.items() if key.split(".")[0] == "runner"]
        owners = [each for each in programs if vars(each).get(name) is before]
    for each in owners:
        setattr(each, name, value)
    try:
        yield
    finally:
        for each in owners:
            setattr(each, name, before)


def dropped(verb: str) -> Patch:
    """Let one of the journal's verbs, given as `Class.method`, seem to write: nothing of it is on disk."""

    @contextmanager
    def patch() -> Iterator[None]:
        attempt = store._attempt

        def attempted(connection: Connection, pending: store.Pending) -> None:
            if verb_at_work() != verb:
                attempt(connection, pending)
                return
            connection.execute("SAVEPOINT dropped")
            attempt(connection, pending)
            connection.execute("ROLLBACK TO dropped")
            connection.execute("RELEASE dropped")

        store._attempt = attempted
        try:
            yield
        finally:
            store._attempt = attempt

    return patch
