"""Takes part in a study in a real browser: instructions, keys, clicks, size on the screen, reload, two windows, a killed server.

study_in_browser.py SIPAT FOLDER [--screenshots FOLDER]

SIPAT is the program, FOLDER a scratch folder. Needs chromium, chromedriver and selenium.
"""

import json
import struct
import time
import zlib

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from browser import Page, Server, check, log, options, sipat, until


class Study(Page):
    key_of_what_is_shown = "trial"

    def begin(self):
        until(lambda: self.driver.execute_script("return document.getElementById('dialog').open"), "the instructions are shown")

    def start(self):
        self.key(Keys.ENTER)
        self.wait_for_item(None)

    def choose(self, key):
        before = self.item()
        self.key(key)
        return self.wait_for_item(before)

    def visible(self):
        return self.driver.execute_script("return document.getElementById('pair').className === ''")

    def pixels(self, side):
        return self.driver.execute_script(
            "const c = document.getElementById(arguments[0]); return Array.from(c.getContext('2d').getImageData(0, 0, c.width, c.height).data)", side)


def decoded(path):
    """The pixels of a PNG file of 8-bit RGB, read without a library."""
    data = open(path, "rb").read()
    place, parts = 8, b""
    while place < len(data):
        length, kind = struct.unpack(">I4s", data[place:place + 8])
        if kind == b"IHDR":
            width, height, depth, colour = struct.unpack(">IIBB", data[place + 8:place + 18])
        if kind == b"IDAT":
            parts += data[place + 8:place + 8 + length]
        place += 12 + length
    channels = {0: 1, 2: 3}[colour]
    raw, stride = zlib.decompress(parts), width * channels
    rows, above = [], [0] * stride
    for y in range(height):
        kind, line = raw[y * (stride + 1)], list(raw[y * (stride + 1) + 1:(y + 1) * (stride + 1)])
        for i in range(stride):
            left = line[i - channels] if i >= channels else 0
            corner = above[i - channels] if i >= channels else 0
            up = above[i]
            if kind == 4:
                p = left + up - corner
                a, b, c = abs(p - left), abs(p - up), abs(p - corner)
                guess = left if a <= b and a <= c else up if b <= c else corner
            else:
                guess = (0, left, up, (left + up) // 2)[kind]
            line[i] = (line[i] + guess) & 255
        rows += line
        above = line
    return channels, rows


weights, study = options.folder + "/run", options.folder + "/study"
sipat("train", "--recipe", "synthetic", "--output", weights, *[word for setting in (
    "synthetic.train=220", "synthetic.test=60", "model.name=cnn", "model.width=4", "epochs=1", "attack.steps=2", "validation.steps=2") for word in ("--set", setting)])
print(sipat("study", "plan", "--weights", f"at={weights},sip-at={weights}", "--region", "at=all", "--epsilons", "2/255,16/255", "--trials", 20, "--catch", 0.2, "--steps", 5, "--output", study))
server = Server(study, "alice,bob", kind="study")
pictures = [json.loads(line) for line in open(study + "/pictures.jsonl")]
by_hash = {picture["sha256"]: picture for picture in pictures}

alice = Study(server.links["alice"])
check("token" not in alice.driver.current_url, "the token leaves the address bar")
check(not alice.visible() and alice.item() is None, "no pair before the instructions were read")
alice.shot("study-instructions")
alice.start()
check(alice.visible() and alice.item() == "0", "Enter starts")
alice.shot("study-pair")

# Fixed size: whole pixels of the screen for each of the image, whatever the window.
boxes = [alice.driver.find_element(By.ID, side).rect for side in ("left", "right")]
check(all(box["width"] == 12 * 32 and box["height"] == 12 * 32 and box["x"] % 1 == 0 and box["y"] % 1 == 0 for box in boxes), "12 pixels of the screen for each of the image")
alice.driver.set_window_size(700, 600)
until(lambda: not alice.visible() and "too small" in alice.text("notice"), "in a window that is too small nothing is shown, and it says why")
alice.key(Keys.ARROW_LEFT)
time.sleep(0.2)
check(alice.item() == "0" and not log(study), "and nothing is answered")
alice.driver.set_window_size(1280, 860)
until(alice.visible, "in a larger one it is shown again")

# One key decides and goes on; what is shown are the files' own values.
for key, answer in ((Keys.ARROW_LEFT, "left"), ("j", "right"), ("f", "left")):
    shown = {side: [value for i, value in enumerate(alice.pixels(side)) if i % 4 != 3] for side in ("left", "right")}
    alice.choose(key)
    line = log(study)[-1]
    check(line["answer"] == answer, f"{answer} by a key")
    clean = "right" if line["changed"] == "left" else "left"
    for side, name in ((line["changed"], line["changedHash"]), (clean, line["cleanHash"])):
        channels, values = decoded(study + "/pictures/" + by_hash[name]["file"])
        check(channels == 3 and values == shown[side], f"the {side} picture is the file {by_hash[name]['file']}, value for value")
alice.driver.find_element(By.ID, "right").click()
alice.wait_for_item("3")
check(log(study)[-1]["answer"] == "right" and log(study)[-1]["display"]["pixelRatio"] == 1, "right by a click")

# No way to look at pairs that are not due.
for path in ("picture/0/left", "picture/19/left", "picture/4/../../plan.json"):
    status = alice.driver.execute_async_script(
        "fetch('/api/' + arguments[0], { headers: { Authorization: 'Bearer ' + sessionStorage.getItem('token') } }).then((a) => arguments[1](a.status))", path)
    check(status == 404, f"{path}: 404")

# The other language, and a reload.
alice.key("l")
check(alice.driver.execute_script("return document.documentElement.lang") == "ja" and "変更" in alice.text("question"), "l: Japanese")
alice.shot("study-japanese")
alice.key("l")
here = alice.item()
alice.driver.refresh()
alice.begin()
alice.start()
check(alice.item() == here, "a reload goes on with the same pair")

# A second window of the same person: no pair is answered twice.
other = Study(server.links["alice"])
other.start()
check(other.item() == here, "a second window shows the same pair")
other.choose("f")
count = len(log(study))
alice.key("j")
until(lambda: alice.item() == other.item(), "the first one goes on to the pair that is due")
check(len(log(study)) == count, "and what was answered stays")
other.driver.quit()

# The server is killed: the answer in hand is sent again.
here, count = alice.item(), len(log(study))
server.kill()
alice.key("j")
until(lambda: alice.driver.execute_script("return document.getElementById('notice').dataset.kind") == "lost", "the page says that the connection is lost")
check(not alice.visible() and len(log(study)) == count, "nothing goes on while the server is away")
server.start()
alice.wait_for_item(here)
check(len(log(study)) == count + 1 and log(study)[-1]["answer"] == "right", "what was answered meanwhile is saved once")

# To the end: alice sees what is plain, bob always says left.
while alice.item() != "none":
    # A catch trial's change is plain to see, as the roughness of its picture.
    left, right = (sum(abs(a - b) for a, b in zip(values, values[4:])) for values in (alice.pixels("left"), alice.pixels("right")))
    alice.choose("f" if left > right else "j")
check("last pair" in alice.text("notice"), "it ends with thanks")
bob = Study(server.links["bob"])
bob.start()
while bob.item() != "none":
    bob.choose("f")
lines = log(study)
mine, his = ([line for line in lines if line["person"] == person] for person in ("alice", "bob"))
check(len(mine) == len(his) == 20 and [line["trial"] for line in his] == list(range(20)), "twenty answers each, in their order")
check({line["image"] for line in his} == set(range(20)) and [line["image"] for line in mine] != [line["image"] for line in his], "the same images, in another order")
seen = {(line["image"], line["method"], line["epsilon"]) for line in mine if "method" in line}
check(not seen & {(line["image"], line["method"], line["epsilon"]) for line in his if "method" in line}, "under other conditions")
check(sum(line["changed"] == "left" for line in his) == 10, "as often left as right")
html = options.folder + "/study.html"
results = sipat("study", "results", study, "--json", options.folder + "/study.json", "--html", html)
print(results)
found = json.load(open(options.folder + "/study.json"))
for person, own in (("alice", mine), ("bob", his)):
    entry = next(p for p in found["people"] if p["name"] == person)
    for cell in entry["cells"]:
        answers = [line for line in own if line.get("method") == cell["method"] and abs(line.get("epsilon", 0) - cell["epsilon"]) < 1e-6]
        check(cell["right"] == {"hits": sum(line["answer"] == line["changed"] for line in answers), "trials": len(answers)}, f"{person}, {cell['method']}: counted again")
# Of alice's first answers, given without looking, some may have been catch trials.
planted = {person: [line["answer"] == line["changed"] for line in own if "method" not in line] for person, own in (("alice", mine), ("bob", his))}
failed = [person for person, right in planted.items() if sum(right) < 0.8 * len(right)]
check(found["failed"] == failed and "bob" in failed, "who failed the catch trials is named, bob among them")
bob.driver.get("file://" + html)
bob.shot("study-results")
# Fetches that fail while the server is killed are what is to be seen there, and no fault; so are those that are refused.
for page in (alice, bob):
    check([line for line in page.complaints() if "ERR_CONNECTION" not in line and "ERR_EMPTY" not in line and "404" not in line and "409" not in line] == [], "the browser has nothing to complain of")
    page.driver.quit()
server.stop()
print(sipat("study", "verify", study))
print("done")
