"""Drives a whole review in a real browser: keys, gestures, undo, reload, two people, a server that is killed.

review_in_browser.py SIPAT FOLDER [--images N] [--screenshots FOLDER]

SIPAT is the program, FOLDER a scratch folder. Needs chromium, chromedriver and selenium. Prints what it checked; leaves with 1 at
the first thing that is not as it should be.
"""

import os
import struct
import time
import zlib

from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from browser import Page, Server, check, log, options, sipat, until


def png(path, width, height, value):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + bytes(value(x, y) for x in range(0, width, 8) for _ in range(8)) for y in range(0, height, 8) for _ in range(8))
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(rows, 1)) + chunk(b"IEND", b""))


def whole_review():
    maps, review = options.folder + "/maps.npy", options.folder + "/review"
    sipat("salience", "estimate", "--data", "synthetic", "--output", maps)
    sipat("review", "plan", "--data", "synthetic", "--maps", maps, "--blind", 0.2, "--output", review)
    server = Server(review, "alice,bob")
    alice = Page(server.links["alice"])
    check("token" not in alice.driver.current_url, "the token leaves the address bar")
    check(alice.text("label") != "" and alice.text("reason") != "", "class and reason are shown")
    check(alice.driver.execute_script("return loaded.size") == 6, "the image and the next five are fetched")
    alice.shot("first")

    # One key decides and goes on.
    while alice.driver.execute_script("return editor.hidden"):
        alice.decide("a")
    count = len(log(review)) if os.path.exists(review + "/log.jsonl") else 0
    first = alice.item()
    second = alice.decide("a")
    check(second != first and log(review)[-1]["action"] == "accept" and len(log(review)) == count + 1, "a: accepted, and on to the next")

    # A held key hides the map.
    ActionChains(alice.driver).key_down("v").perform()
    hidden = alice.driver.execute_script("return editor.overlay.classList.contains('hidden')")
    ActionChains(alice.driver).key_up("v").perform()
    check(hidden and not alice.driver.execute_script("return editor.overlay.classList.contains('hidden')"), "v hides the map while it is held")

    # Corrections.
    while alice.driver.execute_script("return editor.hidden"):
        alice.decide("a")
    before = alice.mask()
    alice.drag(0.05, 0.05, 0.4, 0.3)
    boxed = alice.mask()
    check(boxed > before, "a dragged box is added")
    alice.drag(0.05, 0.05, 0.4, 0.3, shift=True)
    check(alice.mask() < boxed, "with Shift it is removed")
    alice.key("z")
    check(alice.mask() == boxed, "z takes a gesture back")
    alice.shot("corrected")
    alice.click(0.2, 0.2)
    check(alice.mask() < boxed, "a click removes a blob")
    alice.key("z")
    alice.key("+")
    check(alice.driver.execute_script("return editor.level") < 128, "+ lowers the threshold")
    corrected = alice.item()
    alice.decide("a")
    line = log(review)[-1]
    check(line["item"] == int(corrected) and line["action"] == "corrected" and sum(line["runs"]) == 32 * 32, "the corrected region is saved")
    check([g["kind"] for g in line["gestures"]] == ["box", "threshold"], "with the gestures that led to it")

    # Without a mouse.
    while alice.driver.execute_script("return editor.hidden"):
        alice.decide("a")
    alice.key("k")
    before = alice.mask()
    for _ in range(12):
        alice.key(Keys.ARROW_LEFT, Keys.ARROW_UP)
    alice.key(Keys.ENTER, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ARROW_DOWN, Keys.ARROW_DOWN, Keys.ARROW_DOWN, Keys.ENTER)
    check(alice.mask() != before, "a box by keys alone")
    alice.shot("keyboard")
    alice.key("k", "z")
    check(alice.mask() == before, "and back")
    for key, action in (("x", "nothing"), ("w", "wrong"), ("u", "unsure")):
        alice.decide(key)
        check(log(review)[-1]["action"] == action, f"{key}: {action}")

    # Undo, over images.
    held = len([line for line in log(review) if line["kind"] == "decision"])
    for _ in range(3):
        here = alice.item()
        alice.key("z")
        alice.wait_for_item(here)
    lines = log(review)
    check([line["kind"] for line in lines[-3:]] == ["undo"] * 3 and len(lines) == held + 3, "z takes three decisions back, over three images; the log only grows")
    for key in ("x", "w", "u"):
        alice.decide(key)

    # What people say before they see the map.
    until(lambda: alice.driver.execute_script("return editor.hidden") or not alice.decide("a"), "an image whose map is hidden first", 120)
    here = alice.item()
    alice.key("a")
    time.sleep(0.2)
    check(alice.item() == here, "where the map is hidden first, nothing is decided before it was seen")
    alice.drag(0.3, 0.3, 0.7, 0.7)
    own = alice.mask()
    alice.shot("hidden-first")
    alice.driver.execute_script("document.getElementById('button-reveal').click()")
    check(not alice.driver.execute_script("return editor.hidden || document.getElementById('button-reveal')"), "a button shows the map, and goes")
    seen, hidden = alice.driver.execute_script("""
        let visibility = "visible";
        Object.defineProperty(document, "visibilityState", { get: () => visibility, configurable: true });
        const times = [], turn = (to) => { visibility = to; document.dispatchEvent(new Event("visibilitychange")); times.push(clock.active); };
        clock.start();
        clock.last -= 5000;
        turn("hidden");
        clock.last -= 3600000;
        turn("visible");
        delete document.visibilityState;
        return times;
    """)
    check(4900 < seen < 6000 and hidden == seen, "time counts up to when the page is hidden, and not until it is back")
    alice.decide("a")
    check(sum(log(review)[-1]["own"][1::2]) == own and not log(review)[-1]["mapShown"], "what was marked first is kept")

    # Another person's link in the same tab, with a decision of the first on its way; and back.
    person = lambda name: until(lambda: alice.driver.execute_script("return typeof session !== 'undefined' && session && session.person") == name, name)
    count = len(log(review))
    alice.driver.execute_script("pending.keep({ item: current.item, id: newId(), action: 'wrong', activeMilliseconds: 1 })")
    alice.driver.get(server.links["bob"])
    person("bob")
    until(lambda: "dropped" in alice.text("notice"), "that it was dropped is said")
    check(len(log(review)) == count and not alice.driver.execute_script("return sessionStorage.getItem('pending')"), "nobody decides in another's name")
    alice.driver.get(server.links["alice"])
    person("alice")
    alice.begin()
    alice.decide("u")

    # Dialogs, and the other language.
    alice.key("?")
    check(alice.driver.execute_script("return document.getElementById('dialog').open"), "? shows the keys")
    alice.shot("keys")
    alice.key("?")
    alice.key("l")
    check(alice.driver.execute_script("return document.documentElement.lang") == "ja" and "保存" in alice.text("saved"), "l: Japanese")
    alice.shot("japanese")
    alice.key("s")
    until(lambda: "person-hours" in alice.text("dialog-body") or "人時" in alice.text("dialog-body"), "the status is shown")
    alice.shot("status-japanese")
    alice.key("s")
    alice.key("l")

    # A reload goes on where it was.
    here = alice.item()
    alice.driver.refresh()
    check(alice.wait_for_item(None) == here, "a reload shows the same image")

    # Two people never get one image.
    bob = Page(server.links["bob"])
    check(bob.item() != alice.item(), "bob gets another image")
    for _ in range(8):
        alice.decide("a")
        bob.decide("a")
    firsts = [(line["item"], line["person"]) for line in log(review) if line["kind"] == "decision"]
    check(len({item for item, _ in firsts[-16:]}) == 16, "sixteen decisions by two people, sixteen items")

    # The server is killed: what was shown as saved is there, the gesture in hand is sent again.
    for round in range(3):
        saved = len(log(review))
        here = alice.item()
        if alice.driver.execute_script("return editor.hidden"):
            alice.key(Keys.ENTER)
        server.kill()
        alice.key("a")
        until(lambda: alice.driver.execute_script("return document.getElementById('notice').dataset.kind") == "lost", "the page says that the connection is lost")
        if round == 0:
            alice.shot("lost")
        check(alice.item() == here and len(log(review)) == saved, "nothing goes on while the server is away")
        server.start()
        alice.wait_for_item(here)
        line = log(review)[-1]
        check(line["item"] == int(here) and len(log(review)) == saved + 1, "what was decided meanwhile is saved once")
    bob.decide("a")

    # On to the end of what is asked for.
    start, begun = len(log(review)), time.time()
    while len(log(review)) < options.images and alice.item() != "none":
        number = len(log(review))
        alice.decide("x" if number % 17 == 0 else "w" if number % 23 == 0 else "a")
    if len(log(review)) > start:
        print(f"    {(time.time() - begun) / (len(log(review)) - start) * 1000:.0f} ms from key to next image, test included", flush=True)
    alice.key("s")
    until(lambda: "person-hours" in alice.text("dialog-body"), "the status is shown")
    alice.shot("status")
    alice.key("s")
    # Fetches that fail while the server is killed are what is to be seen there, and no fault.
    for page in (alice, bob):
        check([line for line in page.complaints() if "ERR_CONNECTION" not in line and "ERR_EMPTY" not in line] == [], "the browser has nothing to complain of")
        page.driver.quit()
    server.stop()
    print(sipat("review", "status", review))
    print(sipat("review", "verify", review))
    print(sipat("review", "export", review, "--output", options.folder + "/reviewed"))


def large_images():
    folder = options.folder + "/large"
    for split, count in (("a", 2), ("b", 2)):
        os.makedirs(f"{folder}/{split}")
        for number in range(count):
            png(f"{folder}/{split}/{number}.png", 4000, 4000, lambda x, y: (x // 40 * 7 + y // 40 * 13 + (120 if (x - 2000) ** 2 + (y - 1600) ** 2 < (500 + 200 * number) ** 2 else 0)) & 255)
    pack, maps, review = options.folder + "/large.pack", options.folder + "/large.npy", options.folder + "/large-review"
    sipat("data", "pack", folder, "--size", 4000, "--channels", 1, "--test-share", 0, "--output", pack)
    sipat("salience", "estimate", "--data", pack, "--estimator", "centre-prior", "--output", maps)
    sipat("review", "plan", "--data", pack, "--maps", maps, "--blind", 0, "--output", review)
    server = Server(review, "alice")
    page = Page(server.links["alice"], size=(1500, 1000))
    check(page.driver.execute_script("return editor.width") == 4000, "4000 pixels are shown")
    page.drag(0.1, 0.1, 0.3, 0.3)
    page.shot("large")
    page.decide("a")
    line = log(review)[-1]
    check(line["action"] == "corrected" and sum(line["runs"]) == 4000 * 4000, "and corrected")
    check(page.complaints() == [], "the browser has nothing to complain of")
    page.driver.quit()
    server.stop()


def names_are_text():
    """Names of classes, images and people, and the policy, are shown as they are, whatever markup they hold."""
    folder, label, person = options.folder + "/markup", "<img src=x onerror=document.title='run'>", "<i onclick=x>eve"
    for name in (label, "plain"):
        os.makedirs(f"{folder}/{name}")
        for number in range(4):
            png(f"{folder}/{name}/<b>{number}.png", 32, 32, lambda x, y: (x * 5 + y * 3 + 40 * number) & 255)
    policy, maps, review = options.folder + "/policy.txt", options.folder + "/markup.npy", options.folder + "/markup-review"
    with open(policy, "w") as file:
        file.write("<script>document.title = 'run'</script>Mark <u>all</u> of it.\n")
    sipat("salience", "estimate", "--data", folder, "--size", 32, "--test-share", 0, "--estimator", "centre-prior", "--output", maps)
    sipat("review", "plan", "--data", folder, "--size", 32, "--test-share", 0, "--maps", maps, "--blind", 0, "--policy", policy, "--output", review)
    server = Server(review, person)
    page = Page(server.links[person])
    while page.text("label") != label:
        page.decide("a")
    check("<b>" in page.text("name"), "a class and an image named like markup are shown as text")
    page.decide("a")
    for key, expected in (("p", "<u>all</u>"), ("s", person)):
        page.key(key)
        until(lambda: expected in page.text("dialog-body"), f"{expected} is shown as text")
        page.key(key)
    found = page.driver.execute_script("return document.querySelectorAll('img, b, i, u, script:not([src])').length + document.title")
    check(found.startswith("0") and "run" not in found, "and nothing of it became an element or ran")
    check(page.complaints() == [], "the browser has nothing to complain of")
    page.driver.quit()
    server.stop()


whole_review()
large_images()
names_are_text()
print("done")
