"""Scenarios of the server with frames: confirmed broadcasts, and names of clients, trusted and keyed."""

import hashlib
import hmac
import os
import time

import world
from server_scenarios import REPLY_S, Service, udp_client

CHALLENGE, ANSWER, MESSAGE, CONFIRM, HELLO, NAMED = (b"\0UDP" + bytes([kind]) for kind in (1, 2, 6, 7, 8, 9))
COOKIE_BYTES, MAC_BYTES, MESSAGE_HEAD_BYTES = 16, 16, 14
GIVEN, BAD_MAC = 1, 3 # the status of a named
REMEMBERED = 8        # confirmed jobs
WITHIN_S, JOB_S = 1, 4
KEY = bytes(range(32))
OPEN_STATES = ("waiting", "running", "confirming")


def confirm_frame(client, payload, timeout_s):
    """Waits for a message and confirms it. Returns whether it came; what comes before it is not counted."""
    end = time.monotonic() + timeout_s
    while data := world.receive(client, max(0, end - time.monotonic())):
        if data[:5] == MESSAGE and data[MESSAGE_HEAD_BYTES:] == payload:
            client.send(CONFIRM + data[5:13])
            return True
    return False


def receive_frame(service, client, payload):
    """Waits for a message, which is not confirmed; what comes before it are late replies. Returns whether it came."""
    end = time.monotonic() + 2 * REPLY_S
    while data := world.receive(client, max(0, end - time.monotonic())):
        if data[:5] == MESSAGE and data[MESSAGE_HEAD_BYTES:] == payload:
            return True
        service.replies += 1
    return False


def hello(service, client, body):
    """Says hello, with the bytes after its head. Returns the status of the answer, or None."""
    answer = service.request(client, HELLO + body)
    if answer is None or answer[:5] != NAMED:
        return None
    service.replies -= 1
    return answer[5]


def send_to_name(service, client, name, payload):
    """A message to the client of a name, which must get it if the server answers that it was sent."""
    answer = service.command(f"send @{name} {payload.hex()}")
    if answer and "sent 1" in answer and not service.receive_copy(client, payload):
        service.run.lost.append(f"the message to @{name} was sent and did not arrive")


def ended_job(service, job):
    """The words and the pairs of a job when it has ended; none if the server does not say."""
    end = time.monotonic() + JOB_S
    while answer := service.command(f"job {job}"):
        words = answer[1].split() if len(answer) > 1 else []
        if len(words) < 7 or words[2] not in OPEN_STATES:
            return words, dict(word.split("=") for word in words if word.count("=") == 1)
        if time.monotonic() > end:
            service.run.lost.append(f"job {job} does not end")
            break
        time.sleep(0.02)
    return [], {}


def confirmed_broadcast(service, payload, devices, plain):
    """Devices confirm what they get; the server must not count more than these, and say which did not. Returns whether there is a report."""
    answer = world.numbers(service.command(f"broadcast nowait confirm within={WITHIN_S}s {payload.hex()}"))
    if not answer:
        return False
    confirmed = [device for device in devices if confirm_frame(device, payload, 2 * REPLY_S)]
    service.sent += len(confirmed)
    copies = sum(service.receive_copy(client, payload) for client in plain)
    words, pairs = ended_job(service, answer["id"])
    if len(words) < 7 or "confirmed" not in pairs:
        return False
    judge_job(service, words, {key: int(value) for key, value in pairs.items() if value.isdigit()}, len(confirmed),
              len(devices), copies, len(plain))
    return True


def judge_job(service, words, pairs, confirmed, devices, copies, plain):
    run, (targets, sent, failed, skipped) = service.run, map(int, words[3:7])
    if targets != sent + failed + skipped:
        run.unbalanced.append(f"targets = sent + failed + skipped does not hold: {words}")
    if failed or skipped or pairs["silent"]:
        run.evidence += f" failed={failed} skipped={skipped} silent={pairs['silent']}"
    if pairs["confirmed"] > confirmed:
        run.lost.append(f"SENT: {pairs['confirmed']} clients are counted as confirmed, and {confirmed} have sent a confirmation")
    if pairs["confirmed"] < devices:
        run.lost.append(f"{pairs['confirmed']} of {devices} clients are counted as confirmed")
    if copies < pairs["plain"] - failed:
        run.lost.append(f"SENT: {pairs['plain']} plain copies are reported, and {copies} of {plain} arrived")
    if copies < plain:
        run.lost.append(f"{copies} of {plain} clients got the plain copy")


TRUSTED = """[server]
workers = 2
listen = 127.0.0.1:3000, tcp:127.0.0.1:3001
[reply]
message = audi
[clients]
max = 1000
names = trusted
names-max = 100
[admission]
policy = open
"""


def trusted(run):
    """Confirmed broadcasts to devices, plain clients and a stream, of which only the last ones are remembered; names that move."""
    service = Service(run, config=TRUSTED)
    if not service.serves:
        service.end_without_start()
        return
    device, second, other = [udp_client(run, ("127.0.0.1", 3000)) for _ in range(3)]
    stream = run.client(world.connect_stream(("127.0.0.1", 3001)))
    service.request(other, expected=[b"audi"])
    service.line(stream)
    for _ in range(REMEMBERED): # they end at once: no client confirms
        service.command("broadcast wait confirm " + b"nobody confirms".hex())
    for client in (device, second):
        service.request(client, expected=[b"audi"])
    for client in (device, second): # the name moves
        if hello(service, client, b"\1lamp-7") not in (None, GIVEN):
            run.evidence += " a hello was refused"
    hello(service, second, b"\1lamp-8")
    service.request(device)
    hello(service, device, b"\1")
    send_to_name(service, second, "lamp-8", b"only for you")
    confirmed_broadcast(service, b"good evening", [device, second], [other, stream])
    service.command(f"job {REMEMBERED + 1} confirmed")
    service.command(f"job {REMEMBERED + 1} silent")
    service.command("kick @lamp-8")
    service.balance()
    service.stop()


def rounds(run):
    """A device that confirms the second round only, and a broadcast that is cancelled between two rounds."""
    service = Service(run, config=TRUSTED)
    if not service.serves:
        service.end_without_start()
        return
    device = udp_client(run, ("127.0.0.1", 3000))
    service.request(device)
    hello(service, device, b"\1")
    first = world.numbers(service.command("broadcast nowait confirm within=10s " + b"again".hex()))
    if first and receive_frame(service, device, b"again") and not confirm_frame(device, b"again", 4):
        run.lost.append("the message is not repeated for a client that has not confirmed it")
    words, _ = ended_job(service, first["id"]) if first else ([], {})
    if words and words[2] != "done":
        run.lost.append(f"the broadcast has not ended by its confirmation: {words}")
    second = world.numbers(service.command("broadcast nowait confirm " + b"never".hex()))
    if second:
        service.command(f"cancel {second['id']}")
    service.stop()


KEYED = """[server]
listen = 127.0.0.1:3000
[clients]
max = 1000
names = keyed
names-max = 100
names-key-file = {folder}/names.key
[admission]
policy = cookie
"""


def write_key(run):
    path = run.write("names.key", KEY.hex() + "\n")
    os.chmod(path, 0o600)
    return path


def device_key(name):
    return hmac.new(KEY, name, hashlib.sha256).digest()


def join(service, client):
    """Registers a client. Returns its cookie, or None."""
    challenge = service.request(client)
    if challenge is None or challenge[:5] != CHALLENGE:
        return None
    service.replies -= 1
    service.request(client, ANSWER + challenge[5:] + b"hi")
    return challenge[5:5 + COOKIE_BYTES]


def keyed_hello(cookie, key, name):
    return b"\3" + cookie + hmac.new(key, cookie + name, hashlib.sha256).digest()[:MAC_BYTES] + name


def keyed(run):
    """A device with its key gets its name, and one with another key does not."""
    write_key(run)
    service = Service(run, config=KEYED.format(folder=run.folder))
    if not service.serves:
        service.end_without_start()
        return
    device, thief = [udp_client(run, ("127.0.0.1", 3000)) for _ in range(2)]
    for client, key, expected in ((device, device_key(b"lamp-7"), GIVEN), (thief, device_key(b"lamp-8"), BAD_MAC)):
        cookie = join(service, client)
        status = hello(service, client, keyed_hello(cookie, key, b"lamp-7")) if cookie else None
        if status == GIVEN and expected == BAD_MAC:
            run.lost.append("SENT: a client without the key of a name gets the name")
        elif status not in (None, expected):
            run.evidence += " a hello was refused"
            run.lost.append(f"the answer to a keyed hello has the status {status}, not {expected}")
    send_to_name(service, device, "lamp-7", b"only for you")
    confirmed_broadcast(service, b"good evening", [device], [])
    service.balance()
    service.stop()


def check_keyed(run):
    """A configuration with a key file is checked, and one whose key file others may read is refused."""
    path = write_key(run)
    config = run.write("udpsrv.conf", KEYED.format(folder=run.folder))
    run.finish(run.start("udpsrv", "-t", "-c", config))
    os.chmod(path, 0o644)
    refused = run.finish(run.start("udpsrv", "-t", "-c", config), statuses=(78,))
    if refused.status == 78 and b"names-key-file" not in refused.errors + refused.output:
        run.lost.append("udpsrv does not say that others may read the key file")


SCENARIOS = {"trusted names": trusted, "confirmation rounds": rounds, "keyed names": keyed, "check keyed names": check_keyed}
