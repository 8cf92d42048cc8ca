"""A real browser shows the live page."""

import os
import socket
import unittest

import chromium
from servers import BUILD, STOP_S, Server

# The texts and the values that a reader of the page sees.
TILE = "[...document.querySelectorAll('#tiles div')].find((tile) => tile.children[0].textContent === {name!r}).children[1].textContent"
VERDICT = "document.getElementById('verdict').textContent"
# The end of the next turn of the page's own timer.
NEXT_POLL = "new Promise((done) => { const own = poll; poll = async () => { await own(); poll = own; done(true); }; })"
SCREENS = {"light": (1280, 900, "light", False), "dark": (1280, 900, "dark", False), "phone": (390, 844, "light", True),
           "phone-dark": (390, 844, "dark", True), "wall": (2560, 1440, "dark", False)}


def tile(name):
    return TILE.format(name=name)


@unittest.skipUnless(chromium.find(), "chromium is missing; make deps-ecosystem installs it")
class Page(unittest.TestCase):
    def setUp(self):
        self.server = self.enter(Server("[server]\nworkers = 2\n[broadcast]\nrate = 200\n"))
        self.browser = self.enter(chromium.Chromium())

    def enter(self, resource):
        self.addCleanup(resource.__exit__, None, None, None)
        return resource

    def open(self):
        self.browser.show_as(1280, 900, "light")
        self.browser.open(self.server.metrics + "/")
        self.browser.wait_for(f"{VERDICT}.includes('serving')")

    def expect_no_errors(self):
        self.assertEqual(self.browser.errors, [])
        self.assertEqual([url for url in self.browser.requested if not url.startswith((self.server.metrics, "data:"))], [])

    def test_values_and_charts_move_during_load(self):
        self.open()
        load = self.server.load(rate=300, duration_s=12, clients=600)
        self.browser.wait_for(f"parseFloat({tile('Requests a second')}) > 100")
        self.browser.wait_for(f"{tile('Clients')} === '600'")
        path = self.browser.value("document.querySelector('#requests path.one').getAttribute('d')")
        self.browser.wait_for(f"document.querySelector('#requests path.one').getAttribute('d') !== {path!r}")
        self.server.ctl("broadcast", "--to", "127.0.0.0/8", "hello")
        self.browser.wait_for("document.querySelector('#jobs progress').value > 0")
        self.assertIn("to=127.0.0.0/8", self.browser.value("document.getElementById('jobs').textContent"))
        self.assertEqual(self.browser.value("document.querySelectorAll('#workers tbody tr').length"), 2)
        self.assertIn(f"127.0.0.1:{self.server.port}", self.browser.value("document.getElementById('listeners').textContent"))
        load.wait()
        stats = self.server.stats()
        self.browser.wait_for(f"document.getElementById('tiles').textContent.includes('{stats['replied']:,} in all')")
        self.expect_no_errors()
        self.assertEqual(self.browser.failed, [])

    def test_losses_are_shown_with_their_kind(self):
        self.open()
        self.assertIn("drop_oversize", self.browser.value("document.getElementById('no-losses').textContent"))
        self.send_oversize()
        self.browser.wait_for("document.getElementById('losses').textContent.includes('longer than max-datagram')")
        self.browser.wait_for(f"{tile('Lost in 5 minutes')} === '3'")
        self.expect_no_errors()

    def send_oversize(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            for _ in range(3):
                client.sendto(bytes(4000), ("127.0.0.1", self.server.port))

    def test_a_restart_of_the_server_is_survived(self):
        self.open()
        self.server.stop()
        self.browser.wait_for(f"{VERDICT}.includes('no answer since')")
        self.assertTrue(self.browser.value("document.body.classList.contains('stale')"))
        self.server.start()
        self.browser.wait_for(f"{VERDICT}.includes('serving, restarted at')")
        self.assertFalse(self.browser.value("document.body.classList.contains('stale')"))
        self.expect_no_errors() # a request without an answer is in browser.failed

    def test_a_pause_stops_the_page_by_the_keyboard(self):
        self.open()
        self.browser.press("Tab")
        self.assertEqual(self.browser.value("document.activeElement.id"), "pause")
        self.browser.press("Enter")
        self.browser.wait_for(f"{VERDICT} === 'paused'")
        self.browser.value(NEXT_POLL) # a request that was on its way has ended
        requests = self.browser.value("performance.getEntriesByType('resource').length")
        self.server.ctl("broadcast", "hello")
        for _ in range(3):
            self.browser.value(NEXT_POLL)
        self.assertEqual(self.browser.value("performance.getEntriesByType('resource').length"), requests)
        self.browser.value("document.getElementById('pause').click()")
        self.browser.wait_for(f"{VERDICT}.includes('serving')")

    def test_the_arrow_keys_show_the_values_of_a_chart(self):
        self.open()
        self.browser.wait_for("document.querySelector('#clients .plot svg')?.getAttribute('aria-label').includes('0 clients')")
        self.browser.value("document.querySelector('#clients .plot').focus()")
        self.browser.press("ArrowLeft")
        tip = "document.querySelector('#clients .tip')"
        self.browser.wait_for(f"!{tip}.hidden && {tip}.textContent.includes('clients')")
        self.browser.value("document.querySelector('#clients .plot svg').dataset.drawn = 'old'")
        self.browser.wait_for("document.querySelector('#clients .plot svg').dataset.drawn !== 'old'")
        self.assertFalse(self.browser.value(f"{tip}.hidden")) # it stays when the chart moves
        self.browser.press("Escape")
        self.assertTrue(self.browser.value(f"{tip}.hidden"))

    def test_a_screen_reader_finds_names_for_everything(self):
        self.open()
        self.server.ctl("broadcast", "hello")
        self.browser.wait_for("document.querySelectorAll('#jobs progress').length === 1")
        nodes = self.browser.call("Accessibility.getFullAXTree")["nodes"]
        named = [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes if not node["ignored"]]
        for role in ("button", "image", "table", "link", "region", "progressbar", "heading", "group"):
            names = [name for each, name in named if each == role]
            self.assertTrue(names and all(names), f"{role}: {names}")
        self.assertIn("status", [role for role, _ in named])
        self.assertIn(("heading", f"127.0.0.1:{self.server.metrics_port}"), named)

    def test_light_dark_phone_and_wall(self):
        self.open()
        self.server.load(rate=200, duration_s=5).wait()
        folder = os.path.join(BUILD, "ecosystem")
        os.makedirs(folder, exist_ok=True)
        colours = {}
        for name, screen in SCREENS.items():
            self.browser.show_as(*screen)
            self.browser.wait_for(f"document.querySelector('#requests svg').viewBox.baseVal.width <= {screen[0]}")
            self.assertLessEqual(self.browser.value("document.documentElement.scrollWidth"), screen[0], name)
            colours[name] = self.browser.value("getComputedStyle(document.body).backgroundColor")
            self.browser.screenshot(os.path.join(folder, f"page-{name}.png"))
        self.assertNotEqual(colours["light"], colours["dark"])
        self.assertEqual(colours["dark"], colours["wall"])
        self.expect_no_errors()

    def test_a_name_that_leads_to_loopback_is_refused(self):
        """DNS rebinding: the page of another site that has become this host."""
        self.browser.open(f"http://rebound.localhost:{self.server.metrics_port}/status.json")
        self.assertIn("on loopback the host must be an address or localhost", self.browser.value("document.body.innerText"))

    def test_the_page_says_that_a_crashed_server_is_away(self):
        self.open()
        self.server.process.kill()
        self.server.process.wait(STOP_S)
        self.browser.wait_for(f"{VERDICT}.startsWith('✗ no answer since ')")
        self.assertEqual(self.browser.value("document.title"), "udpsrv: away")
        self.expect_no_errors()


if __name__ == "__main__":
    unittest.main()
