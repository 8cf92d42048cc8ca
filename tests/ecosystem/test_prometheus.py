"""A real Prometheus reads the metrics."""

import json
import os
import shutil
import socket
import subprocess
import tempfile
import unittest
import urllib.parse
import urllib.request

from servers import Server, wait_for

CONFIG = """global:
  scrape_interval: 1s
scrape_configs:
  - job_name: udpsrv
    static_configs:
      - targets: ["127.0.0.1:{port}"]
"""
SCRAPES = 60
# Metrics, and what udpctl stats has in their place.
SAME = {
    'udpsrv_datagrams_received_total{outcome="replied"}': "replied",
    'udpsrv_datagrams_received_total{outcome="drop_oversize"}': "drop_oversize",
    "sum(udpsrv_datagrams_received_total)": "received",
    "sum(udpsrv_worker_datagrams_received_total)": "received",
    "udpsrv_clients": "clients",
    "udpsrv_clients_joined_total": "joined",
    "udpsrv_kernel_drops_total": "kernel_drops",
    "udpsrv_broadcasts_total": "broadcasts",
    'udpsrv_copies_total{result="sent"}': "copies_sent",
}


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


class Prometheus:
    def __init__(self, target_port):
        self.folder = tempfile.TemporaryDirectory(prefix="udpsrv-prometheus-")
        path = os.path.join(self.folder.name, "prometheus.yml")
        with open(path, "w", encoding="ascii") as file:
            file.write(CONFIG.format(port=target_port))
        self.url = f"127.0.0.1:{free_port()}"
        self.process = subprocess.Popen(["prometheus", f"--config.file={path}", f"--storage.tsdb.path={self.folder.name}/data",
                                         f"--web.listen-address={self.url}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.folder.cleanup()

    def query(self, expression):
        """Returns the value, or None while it does not answer or has no value."""
        query = urllib.parse.urlencode({"query": expression})
        try:
            with urllib.request.urlopen(f"http://{self.url}/api/v1/query?{query}", timeout=15) as answer:
                result = json.load(answer)["data"]["result"]
        except OSError:
            return None
        return float(result[0]["value"][1]) if result else None


class Metrics(unittest.TestCase):
    @unittest.skipUnless(shutil.which("promtool"), "promtool is missing; make deps-ecosystem installs it")
    def test_promtool_finds_nothing(self):
        for config in ("", "[clients]\nnames = trusted\n[server]\nworkers = 2\n"):
            with Server(config + "[state]\nfile = {folder}/state\n") as server:
                server.ctl("broadcast", "hello")
                check = subprocess.run(["promtool", "check", "metrics"], input=server.get("/metrics"), capture_output=True, text=True,
                                       check=False)
                server.stop()
            self.assertEqual((check.returncode, check.stdout + check.stderr), (0, ""))

    @unittest.skipUnless(shutil.which("prometheus"), "prometheus is missing; make deps-ecosystem installs it")
    def test_a_minute_of_scrapes_has_the_values_of_udpctl_stats(self):
        with Server("[server]\nworkers = 2\n") as server, Prometheus(server.metrics_port) as prometheus:
            load = server.load(rate=500, duration_s=SCRAPES - 10)
            wait_for(lambda: (prometheus.query("udpsrv_clients") or 0) > 0, "a first scrape", 30)
            server.ctl("broadcast", "hello")
            wait_for(lambda: (prometheus.query("rate(udpsrv_datagrams_received_total{outcome='replied'}[10s])") or 0) > 250,
                     "a rate of half the load at least", 30)
            load.wait()
            wait_for(lambda: (prometheus.query("count_over_time(up[5m])") or 0) >= SCRAPES, "a minute of scrapes", 2 * SCRAPES)
            stats = server.stats()
            for expression, name in SAME.items():
                wait_for(lambda e=expression, n=name: prometheus.query(e) == stats[n], f"{expression} = {name}: {stats[name]}, "
                         f"not {prometheus.query(expression)}")
            self.assertEqual(stats["replied"], server.load_report()["replied"])
            self.assertEqual(prometheus.query("min_over_time(up[5m])"), 1)
            self.assertGreater(prometheus.query("process_resident_memory_bytes"), 1e6)
            self.assertEqual(prometheus.query("udpsrv_build_info"), 1)


if __name__ == "__main__":
    unittest.main()
