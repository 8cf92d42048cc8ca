#!/usr/bin/env python3
"""Checks an HTML report of udpload in a headless browser.

    page.py BROWSER PROFILE PAGE

On a desktop and a phone screen, in the light and the dark colour scheme, it checks: no error or warning on the console, nothing
loaded except the page itself, all charts with their lines, nothing wider than the screen, and a value shown by the arrow keys.
Prints one line for each error and a summary; exits 1 if there are errors. PROFILE is a directory that does not exist yet.
"""

import json
import os
import pathlib
import signal
import subprocess
import sys

OPTIONS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-extensions", "--disable-dev-shm-usage", "--remote-debugging-pipe",
]
DEADLINE_S = 80  # a browser's first start may take long
SCREENS = [(1280, 900, False, "light"), (1280, 900, False, "dark"), (375, 740, True, "light"), (375, 740, True, "dark")]

# Evaluated in the page: what it shows.
INSPECT = """(() => {
    const figures = [...document.querySelectorAll('figure')].map((figure) => {
        const svg = figure.querySelector('.plot > svg');
        return {
            id: figure.id,
            label: svg ? svg.getAttribute('aria-label') : '',
            height: svg ? svg.getBoundingClientRect().height : 0,
            lines: figure.querySelectorAll('.plot path.series, .plot circle.dot').length,
            points: [...figure.querySelectorAll('.plot path.series')].map((path) => path.getTotalLength()).filter((n) => n > 0).length,
            bad: /NaN|Infinity|undefined|null/.test(svg ? svg.outerHTML : ''),
            ticks: figure.querySelectorAll('.plot text').length,
        };
    });
    const plot = document.querySelector('#by-percentile .plot');
    plot.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowRight' }));
    return {
        figures,
        tip: plot.querySelector('.tip').textContent,
        width: document.documentElement.scrollWidth,
        screen: window.innerWidth,
        out: [...document.querySelectorAll('section')].filter((card) => {
            const style = getComputedStyle(card), end = card.getBoundingClientRect().right - parseFloat(style.paddingRight);
            return style.overflowX === 'visible' && [...card.children].some((part) => part.getBoundingClientRect().right > end + 1);
        }).length,
        scripts: document.scripts.length,
        back: getComputedStyle(document.body).backgroundColor,
        title: document.title,
    };
})()"""


class Browser:
    """A browser that is controlled over a pair of pipes by JSON messages, each followed by a NUL."""

    def __init__(self, program, profile):
        commands, self.commands = os.pipe()
        self.answers, answers = os.pipe()
        # The browser reads from descriptor 3 and writes to 4.
        move = 'exec 3<&%d 4>&%d; exec "$@"' % (commands, answers)
        self.process = subprocess.Popen(
            ["bash", "-c", move, "browser", program, *OPTIONS, "--user-data-dir=" + profile, "about:blank"],
            pass_fds=[commands, answers], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(commands)
        os.close(answers)
        self.session, self.calls, self.rest, self.events = None, 0, b"", []

    def receive(self):
        while b"\0" not in self.rest:
            some = os.read(self.answers, 1 << 16)
            if not some:
                raise SystemExit("the browser has ended")
            self.rest += some
        message, self.rest = self.rest.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, **parameters):
        self.calls += 1
        message = {"id": self.calls, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.receive()
            if answer.get("id") == self.calls:
                if "error" in answer:
                    raise SystemExit("%s: %s" % (method, answer["error"]["message"]))
                return answer["result"]
            self.events.append(answer)

    def await_event(self, method):
        while not any(event.get("method") == method for event in self.events):
            self.events.append(self.receive())

    def attach(self):
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(domain + ".enable")

    def open(self, url, screen):
        width, height, phone, scheme = screen
        self.events = []
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=2 if phone else 1, mobile=phone)
        self.call("Emulation.setEmulatedMedia", media="screen", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.call("Page.navigate", url=url)
        self.await_event("Page.loadEventFired")
        result = self.call("Runtime.evaluate", expression=INSPECT, returnByValue=True)
        if "exceptionDetails" in result:
            return None
        return result["result"]["value"]

    def close(self):
        self.session = None
        self.call("Browser.close")
        self.process.wait()


def errors_of_events(events, url):
    for event in events:
        method, parameters = event.get("method"), event.get("params", {})
        if method == "Runtime.exceptionThrown":
            details = parameters["exceptionDetails"]
            yield "exception: " + details.get("exception", {}).get("description", details["text"])
        elif method == "Runtime.consoleAPICalled":
            yield "console: " + json.dumps([argument.get("value") for argument in parameters["args"]])
        elif method == "Log.entryAdded":
            yield "log: " + parameters["entry"]["text"]
        elif method == "Network.requestWillBeSent":
            asked = parameters["request"]["url"]
            if asked != url and not asked.startswith("data:"):
                yield "loads " + asked


def errors_of_page(state, screen):
    if state is None:
        yield "the charts cannot be read"
        return
    ids = [figure["id"] for figure in state["figures"]]
    if ids != ["over-time", "by-percentile", "rate"]:
        yield "charts are %s" % ids
    for figure in state["figures"]:
        if figure["height"] < 100 or figure["lines"] < 2 or figure["points"] < 1 or figure["ticks"] < 6 or not figure["label"]:
            yield "a chart is empty: %s" % figure
        if figure["bad"]:
            yield "%s has a value that is not a number" % figure["id"]
    if state["width"] > screen[0]:
        yield "it is %d pixels wide on a screen of %d" % (state["width"], screen[0])
    if state["out"]:
        yield "%d cards have content that overflows" % state["out"]
    if "corrected" not in state["tip"] or "raw" not in state["tip"]:
        yield "the arrow keys show no value: '%s'" % state["tip"]
    if state["scripts"] != 2:
        yield "it has %d scripts" % state["scripts"]


def main():
    program, profile, page = sys.argv[1:]
    signal.alarm(DEADLINE_S)  # the browser ends when its pipes do
    url = pathlib.Path(page).absolute().as_uri()
    browser = Browser(program, profile)
    browser.attach()
    errors, backs = [], set()
    for screen in SCREENS:
        state = browser.open(url, screen)
        found = [*errors_of_events(browser.events, url), *errors_of_page(state, screen)]
        errors += ["%dx%d %s: %s" % (screen[0], screen[1], screen[3], error) for error in found]
        backs.add(state and state["back"])
    if len(backs) != 2:
        errors.append("light and dark have the same background: %s" % backs)
    browser.close()
    for error in errors:
        print(error)
    print("checked %s on %d screens" % (state["title"] if state else "nothing", len(SCREENS)))
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
