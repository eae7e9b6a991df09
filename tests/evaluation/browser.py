"""Drives a headless Chromium over the DevTools protocol, with nothing but the standard library.

    python tests/evaluation/browser.py runs/demo/report.html pictures/

writes what a phone and a screen show of a page, light and dark, and what a printer prints.

The protocol goes through a pair of pipes (`--remote-debugging-pipe`): JSON messages, each ended by a zero byte.
Source: https://chromedevtools.github.io/devtools-protocol/.
"""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PATIENCE = 600.0
"""Seconds that an answer may take: a busy machine may stop for minutes."""

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--no-first-run",
    "--no-default-browser-check",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
    # Whatever a page asks for, no name leads anywhere.
    "--host-resolver-rules=MAP * ~NOTFOUND",
)


def find_browser():
    """The program of an installed Chromium, or None."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class Page:
    """One page of the browser."""

    def __init__(self, read, write):
        self._read, self._write = read, write
        self._next, self._rest, self._session = 0, b"", None
        self.events = []

    def call(self, method, **parameters):
        """The result of one command; events that come in between are kept."""
        self._next += 1
        message = {"id": self._next, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._write, data) :]
        while True:
            answer = self._message()
            if answer.get("id") == self._next:
                assert "error" not in answer, answer["error"]
                return answer["result"]
            self.events.append(answer)

    def attach(self):
        """Opens an empty page and listens to it."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def open(self, path, *, width, dark=False, height=900):
        """Shows a file as a screen of so many pixels does, and waits until it is loaded."""
        self.events.clear()
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.call("Emulation.setEmulatedMedia", features=scheme)
        self.call("Page.navigate", url=Path(path).resolve().as_uri())
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            self.events.append(self._message())
        self.value("Promise.all([...document.images].map(one => one.decode().catch(() => 0))).then(() => 0)")

    def value(self, expression):
        """What a JavaScript expression gives in the page."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def requests(self):
        """Addresses that the page asked for, as far as they are no part of it."""
        asked = [event["params"] for event in self.events if event["method"] == "Network.requestWillBeSent"]
        return [each["request"]["url"] for each in asked if not each["request"]["url"].startswith("data:")]

    def complaints(self):
        """What the page or the browser complained of."""
        found = [event["params"]["entry"]["text"] for event in self.events if event["method"] == "Log.entryAdded"]
        thrown = [event for event in self.events if event["method"] == "Runtime.exceptionThrown"]
        said = [event for event in self.events if event["method"] == "Runtime.consoleAPICalled"]
        return found + [json.dumps(event["params"]) for event in thrown + said]

    def picture(self):
        """The whole page as PNG."""
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        answer = self.call("Page.captureScreenshot", format="png", clip=clip, captureBeyondViewport=True)
        return base64.b64decode(answer["data"])

    def pdf(self):
        """The page as it is printed on A4."""
        answer = self.call("Page.printToPDF", paperWidth=8.27, paperHeight=11.69, printBackground=False)
        return base64.b64decode(answer["data"])

    def _message(self):
        end = time.monotonic() + PATIENCE
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._read], [], [], max(0.0, end - time.monotonic()))
            assert ready, f"the browser said nothing for {PATIENCE:.0f} s"
            part = os.read(self._read, 1 << 20)
            assert part, "the browser ended"
            self._rest += part
        message, _, self._rest = self._rest.partition(b"\0")
        return json.loads(message)


@contextmanager
def browser(program):
    """A page of a browser that runs as long as the block does."""
    to_browser, ours_out = os.pipe()
    ours_in, from_browser = os.pipe()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        # The browser reads from descriptor 3 and writes to 4, whatever numbers the pipes have here.
        line = f'exec "$@" 3<&{to_browser} 4>&{from_browser}'
        command = ["bash", "-c", line, "bash", program, *FLAGS, f"--user-data-dir={home}", "about:blank"]
        process = subprocess.Popen(
            command,
            pass_fds=(to_browser, from_browser),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_browser)
        os.close(from_browser)
        try:
            page = Page(ours_in, ours_out)
            page.attach()
            yield page
        finally:
            os.close(ours_out)
            os.close(ours_in)
            process.terminate()
            process.wait(timeout=PATIENCE)


def main(report, folder):
    """Writes the pictures of a page."""
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    with browser(find_browser()) as page:
        for width in (390, 1280):
            for dark in (False, True):
                page.open(report, width=width, dark=dark)
                (target / f"{width}{'-dark' if dark else ''}.png").write_bytes(page.picture())
        (target / "print.pdf").write_bytes(page.pdf())


if __name__ == "__main__":
    main(*sys.argv[1:])
