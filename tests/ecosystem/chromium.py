"""A headless Chromium, driven by the DevTools protocol over a pipe: no driver and no library is needed."""

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

START_S, ANSWER_S = 60, 30
FLAGS = ("--headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run --disable-background-networking"
         " --disable-component-update --disable-sync --hide-scrollbars --remote-debugging-pipe").split()

# A promise of the first value of an expression that is true.
WAIT = """new Promise((resolve, reject) => {
  const observer = new MutationObserver(evaluate);
  function evaluate() {
    try {
      const value = (%s);
      if (value) { observer.disconnect(); removeEventListener('resize', evaluate); resolve(value); }
    } catch (error) { observer.disconnect(); removeEventListener('resize', evaluate); reject(error); }
  }
  observer.observe(document, { subtree: true, childList: true, characterData: true, attributes: true });
  addEventListener('resize', evaluate);
  evaluate();
})"""


def find():
    return shutil.which("chromium")


class Chromium:
    """A browser with one page. Its messages that are errors, and its exceptions, are in `errors`; requests that fail, as
    while the server is away, are in `failed`."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="udpsrv-chromium-")
        to_browser, self.output = os.pipe()
        self.input, from_browser = os.pipe()
        self.process = subprocess.Popen([find(), *FLAGS, f"--user-data-dir={self.folder}", "about:blank"], pass_fds=(3, 4),
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                        preexec_fn=lambda: move(to_browser, from_browser))
        os.close(to_browser)
        os.close(from_browser)
        self.unread, self.number, self.session = b"", 0, None
        self.errors, self.failed, self.loaded = [], [], 0
        self.requested = []
        target = self.call("Target.getTargets", within_s=START_S)["targetInfos"]
        page = [each for each in target if each["type"] == "page"][0]
        self.session = self.call("Target.attachToTarget", targetId=page["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.input)
        os.close(self.output)
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # ---- messages ----

    def read(self, until):
        """Returns the next message, or None at that time."""
        while b"\0" not in self.unread:
            left = until - time.monotonic()
            if left <= 0 or not select.select([self.input], [], [], left)[0]:
                return None
            part = os.read(self.input, 1 << 20)
            if not part:
                raise RuntimeError("the browser has ended")
            self.unread += part
        message, self.unread = self.unread.split(b"\0", 1)
        return json.loads(message)

    def note(self, message):
        method, values = message.get("method"), message.get("params", {})
        if method == "Runtime.exceptionThrown":
            self.errors.append(json.dumps(values["exceptionDetails"]))
        elif method == "Runtime.consoleAPICalled" and values["type"] in ("error", "warning", "assert"):
            self.errors.append(json.dumps(values["args"]))
        elif method == "Log.entryAdded" and values["entry"]["level"] in ("error", "warning"):
            (self.failed if values["entry"]["source"] == "network" else self.errors).append(values["entry"]["text"])
        elif method == "Network.requestWillBeSent":
            self.requested.append(values["request"]["url"])
        elif method == "Page.loadEventFired":
            self.loaded += 1

    def call(self, method, within_s=ANSWER_S, **values):
        self.number += 1
        message = {"id": self.number, "method": method, "params": values}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.output, json.dumps(message).encode() + b"\0")
        until = time.monotonic() + within_s
        while True:
            answer = self.read(until)
            if answer is None:
                raise TimeoutError(f"{method} was not answered")
            if answer.get("id") != self.number:
                self.note(answer)
            elif "error" in answer:
                raise RuntimeError(f"{method}: {answer['error']['message']}")
            else:
                return answer["result"]

    # ---- the page ----

    def open(self, url):
        loaded, until = self.loaded, time.monotonic() + ANSWER_S
        self.call("Page.navigate", url=url)
        while self.loaded == loaded:
            message = self.read(until)
            if message is None:
                raise RuntimeError(f"{url} was not loaded")
            self.note(message)

    def show_as(self, width, height, scheme, mobile=False):
        """scheme is "light" or "dark"."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=mobile)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def value(self, expression, within_s=ANSWER_S):
        """Returns the value of an expression, or that of its promise."""
        result = self.call("Runtime.evaluate", within_s, expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise RuntimeError(f"{expression}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def wait_for(self, expression, within_s=ANSWER_S):
        """Waits for the change of the page after which an expression is true, and returns its value."""
        try:
            return self.value(WAIT % expression, within_s)
        except TimeoutError:
            text = self.value("document.body.innerText")
            raise AssertionError(f"in {within_s} s this was never true: {expression}; {text}") from None

    def press(self, key):
        text = {"text": "\r"} if key == "Enter" else {}
        for kind in ("keyDown" if text else "rawKeyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=KEYS[key], **text)

    def screenshot(self, path):
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        image = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(image))


KEYS = {"Tab": 9, "Enter": 13, "Escape": 27, "ArrowLeft": 37, "ArrowRight": 39, " ": 32}


def move(to_browser, from_browser):
    """In the child: the browser reads from descriptor 3 and writes to 4."""
    first, second = os.dup(to_browser), os.dup(from_browser)
    while first in (3, 4):
        first = os.dup(first)
    while second in (3, 4):
        second = os.dup(second)
    os.dup2(first, 3)
    os.dup2(second, 4)
