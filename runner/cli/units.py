"""The text of a systemd service and its timer: pure rendering."""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from runner.errors import ConfigurationWrong

MARK: Final = "# Written by `expense-runner schedule install`"
CREDENTIAL: Final = "codat-api-key"
"""The name under which a run finds the key in `$CREDENTIALS_DIRECTORY`."""
DRAIN: Final = 240.0
"""Seconds beyond the request timeout that a run may take to end in good order: large receipts are under way longer."""
_TEMPORARY: Final = ("/tmp", "/var/tmp")  # noqa: S108 - places that other files may lie in
_UNIT_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9:_.-]{0,100}")

_EVERYWHERE: Final = """\
# What the program needs of the machine: the network, its journal, its inputs. Everything else is closed.
NoNewPrivileges=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
ProtectControlGroups=yes
ProtectKernelTunables=yes
ProtectSystem=strict
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM
# A core dump would hold the key and expenses.
LimitCORE=0
UMask=0077
"""
_SYSTEM_ONLY: Final = """\
AmbientCapabilities=
CapabilityBoundingSet=
DevicePolicy=closed
KeyringMode=private
PrivateDevices=yes
PrivateMounts=yes
PrivateUsers=yes
# Not ProcSubset=pid: the journal's times rely on the boot id, which is below /proc/sys.
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectProc=invisible
RemoveIPC=yes
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the two units are made of; all paths absolute."""

    name: str
    system: bool
    account: str | None
    """The account that a system unit runs as."""
    command: Sequence[str]
    folder: Path | None
    """Where it runs; None is its state folder."""
    written: Sequence[Path]
    """Folders that the run writes to."""
    touched: Sequence[Path]
    """All paths that it uses, the program's own included."""
    credential: Path | None
    encrypted: bool
    on_calendar: Sequence[str]
    random_delay: float
    watchdog: float
    request_timeout: float
    on_failure: str | None

    @property
    def service(self) -> str:
        """The service's file name."""
        return f"{self.name}.service"

    @property
    def timer(self) -> str:
        """The timer's file name."""
        return f"{self.name}.timer"


def check_name(name: str) -> None:
    """Raise `ConfigurationWrong` for what cannot be the name of a unit."""
    if not _UNIT_NAME.fullmatch(name) or name.endswith((".service", ".timer")):
        raise ConfigurationWrong(f"{name!r} cannot name a unit.", hint="Write it without .service, such as: expenses")


def render(plan: Plan) -> dict[str, str]:
    """Return the text of both units by file name; raises `ConfigurationWrong` for what no unit can hold."""
    return {plan.service: marked(_service(plan)), plan.timer: marked(_timer(plan))}


def marked(body: str) -> str:
    """Return a unit's text with the line that says who wrote it, and by which an edit is known."""
    return f"{MARK} (sha256 {_digest(body)}).\n# Own settings belong into a drop-in: systemctl edit.\n\n{body}"


def is_ours(text: str) -> bool:
    """Say whether this program wrote it."""
    return text.startswith(MARK)


def is_edited(text: str) -> bool:
    """Say whether somebody changed what this program wrote."""
    head, _, body = text.partition("\n\n")
    return f"(sha256 {_digest(body)})" not in head


def _digest(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()[:32]


def _service(plan: Plan) -> str:
    unit = ["[Unit]", "Description=Expenses into the books through Codat"]
    if plan.system:
        unit += ["Wants=network-online.target", "After=network-online.target"]
    if plan.on_failure:
        unit += [f"OnFailure={_value(plan.on_failure)}"]
    service = [
        "[Service]",
        "Type=notify",
        "NotifyAccess=main",
        f"ExecStart={' '.join(quoted(each) for each in plan.command)}",
        *_place(plan),
        *_key(plan),
        "# Work remains, another run is at it, a budget is reached, stopped in good order: the next run goes on.",
        "SuccessExitStatus=4 8 75 143",
        "TimeoutStartSec=300",
        "# Longer than what is in flight may take; while it drains the run asks for more.",
        f"TimeoutStopSec={plan.request_timeout + DRAIN:.0f}",
        "KillMode=mixed",
    ]
    if plan.watchdog:
        service += ["# Fed only while the run gets on or waits for something that will come.", _watchdog(plan)]
    return "\n".join([*unit, "", *service, "", *_sandbox(plan)]) + "\n"


def _watchdog(plan: Plan) -> str:
    return f"WatchdogSec={plan.watchdog:.0f}"


def _place(plan: Plan) -> list[str]:
    lines = [f"User={_value(plan.account)}"] if plan.system and plan.account else []
    if plan.system:
        lines += [f"StateDirectory={plan.name}", "StateDirectoryMode=0700"]
    folder = "%S/" + plan.name if plan.folder is None else path_value(plan.folder)
    return [*lines, f"WorkingDirectory={folder}"]


def _key(plan: Plan) -> list[str]:
    if plan.credential is None:
        return []
    kind = "LoadCredentialEncrypted" if plan.encrypted else "LoadCredential"
    return [f"{kind}={CREDENTIAL}:{path_value(plan.credential)}"]


def _sandbox(plan: Plan) -> list[str]:
    lines = _EVERYWHERE.splitlines()
    if plan.system:
        lines += _SYSTEM_ONLY.splitlines()
    lines.append(f"ProtectHome={_homes(plan)}")
    if _below(plan.touched, *_TEMPORARY):
        # A private one would hide what the run is to read.
        lines.append(f"ReadWritePaths={' '.join(_TEMPORARY)}")
    else:
        lines.append("PrivateTmp=yes")
    # Written with a minus: one that is missing is the run's to report, in words that say which.
    lines += [f"ReadWritePaths=-{path_value(path)}" for path in plan.written]
    return lines


def _homes(plan: Plan) -> str:
    return "read-only" if not plan.system or _below(plan.touched, "/home", "/root", "/run/user") else "yes"


def _below(paths: Iterable[Path], *folders: str) -> bool:
    return any(path.is_relative_to(folder) for path in paths for folder in folders)


def _timer(plan: Plan) -> str:
    return "\n".join(
        [
            "[Unit]",
            f"Description=When {plan.service} runs",
            "",
            "[Timer]",
            *(f"OnCalendar={_value(each)}" for each in plan.on_calendar),
            "# A run that was missed, because the machine was off, is made up for.",
            "Persistent=yes",
            f"RandomizedDelaySec={plan.random_delay:.0f}",
            "",
            "[Install]",
            "WantedBy=timers.target",
            "",
        ]
    )


def quoted(argument: str) -> str:
    """Return one argument as ExecStart takes it: no variable, no specifier, no word boundary inside."""
    _refuse_controls(argument)
    escaped = argument.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    plain = re.fullmatch(r"[A-Za-z0-9_./:=,@+%-]+", escaped)
    return escaped if plain else f'"{escaped}"'


def path_value(path: Path) -> str:
    """Return a path as a setting takes it; raises `ConfigurationWrong` where none can hold it."""
    text = str(path)
    _refuse_controls(text)
    if re.search(r"[\s\"'\\:]", text):
        raise ConfigurationWrong(
            f"The path {text!r} has a space, a quote, a colon or a backslash, which units cannot always hold.",
            hint="Use another folder, or a link to it without these.",
        )
    return text.replace("%", "%%")


def _value(text: str) -> str:
    _refuse_controls(text)
    return text.replace("%", "%%")


def _refuse_controls(text: str) -> None:
    if any(not character.isprintable() for character in text):
        raise ConfigurationWrong(f"{text!r} has a character that a unit cannot hold.")
