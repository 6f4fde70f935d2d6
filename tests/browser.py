"""A real browser without a window, driven over its debugging protocol on loopback."""

import asyncio
import base64
import os
import shutil
import signal
import subprocess
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import ClientSession, ClientTimeout

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge")


def found():
    """Return the browser's command, or None: EXPENSE_RUNNER_TEST_BROWSER names another."""
    named = os.environ.get("EXPENSE_RUNNER_TEST_BROWSER")
    return named or next(filter(None, map(shutil.which, NAMES)), None)


class Tab:
    """One page."""

    def __init__(self, socket):
        self._socket = socket
        self._number = 0
        self.events = []

    async def ask(self, method, **params):
        """Call a method of the protocol; what happens meanwhile is kept in `events`."""
        self._number += 1
        await self._socket.send_json({"id": self._number, "method": method, "params": params})
        while True:
            said = await self._socket.receive_json(timeout=30)
            if said.get("id") == self._number:
                assert "error" not in said, said
                return said["result"]
            self.events.append(said)

    async def open(self, address):
        """Load a page and wait until its scripts have run."""
        await self.ask("Page.enable")
        await self.ask("Runtime.enable")
        await self.ask("Network.enable")
        await self.ask("Log.enable")
        await self.ask("Page.navigate", url=address)
        await self.run(
            "new Promise((done) => document.readyState === 'complete' ? done() : addEventListener('load', done))"
            ".then(() => null)"
        )

    async def run(self, script):
        """Return the value of a script; one that throws fails the test."""
        told = await self.ask("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    async def picture(self, path, *, width=1400, height=1000, scheme="light", whole=False, media=""):
        """Write a screenshot."""
        await self.ask(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False
        )
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        await self.ask("Emulation.setEmulatedMedia", features=features, media=media)
        shot = await self.ask("Page.captureScreenshot", captureBeyondViewport=whole)
        Path(path).write_bytes(base64.b64decode(shot["data"]))  # noqa: ASYNC240 - nothing else runs here

    def complaints(self):
        """Return what the page said on its console or in the log: errors, refused loads."""
        return [
            event for event in self.events
            if event["method"] in {"Runtime.exceptionThrown", "Runtime.consoleAPICalled"}
            or (event["method"] == "Log.entryAdded" and event["params"]["entry"]["level"] == "error")
        ]  # fmt: skip

    def loaded(self):
        """Return every address that was asked for."""
        return [
            event["params"]["request"]["url"] for event in self.events if event["method"] == "Network.requestWillBeSent"
        ]


@asynccontextmanager
async def browser(folder):
    """Start the browser with a profile in this folder, and give one tab of it."""
    command = [
        found(), "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
        "--disable-extensions", "--disable-background-networking", "--disable-component-update", "--mute-audio",
        "--remote-debugging-port=0", f"--user-data-dir={folder}", "about:blank",
    ]  # fmt: skip
    with (Path(folder) / "log").open("wb") as log:
        process = subprocess.Popen(  # noqa: ASYNC220 - nothing else runs here
            command, stdout=log, stderr=log, start_new_session=True
        )
        try:
            port = await _port(Path(folder) / "DevToolsActivePort", process)
            async with ClientSession(timeout=ClientTimeout(total=60)) as session:
                async with session.get(f"http://127.0.0.1:{port}/json/list") as answer:
                    pages = [each for each in await answer.json() if each["type"] == "page"]
                async with session.ws_connect(pages[0]["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                    yield Tab(socket)
        finally:
            # Its own process group: the browser is many processes.
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


async def _port(file, process):
    for _ in range(600):
        if file.exists() and (text := file.read_text()).count("\n"):
            return int(text.split("\n")[0])
        assert process.poll() is None, "the browser ended"
        await asyncio.sleep(0.05)
    raise AssertionError("the browser did not open its debugging port")
