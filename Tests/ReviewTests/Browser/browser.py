"""What the browser tests share: the program, its server, a page in chromium."""

import argparse
import json
import os
import signal
import subprocess
import sys
import time

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("sipat", help="the program")
    parser.add_argument("folder", help="a scratch folder")
    parser.add_argument("--images", type=int, default=60)
    parser.add_argument("--screenshots", help="a folder for them")
    return parser.parse_args()


options = arguments()


def check(is_right, text):
    print("ok  " if is_right else "FAIL", text, flush=True)
    if not is_right:
        sys.exit(1)


def sipat(*words):
    run = subprocess.run([options.sipat, *map(str, words)], capture_output=True, text=True)
    check(run.returncode == 0, "sipat " + " ".join(map(str, words[:3])) + ("" if run.returncode == 0 else "\n" + run.stderr))
    return run.stdout


def until(what, text, seconds=60):
    end = time.time() + seconds
    while time.time() < end:
        found = what()
        if found:
            return found
        time.sleep(0.02)
    check(False, "in time: " + text)


class Server:
    """sipat review serve (or study), which can be killed and started again on the same port."""

    def __init__(self, review, people, kind="review"):
        self.review, self.people, self.port, self.kind = review, people, 0, kind
        self.start()

    def start(self):
        self.output = open(self.review + ".serve", "w+")
        self.process = subprocess.Popen(
            [options.sipat, self.kind, "serve", self.review, "--people", self.people, "--port", str(self.port)], stdout=self.output, stderr=subprocess.STDOUT)
        until(lambda: "Ctrl-C" in open(self.review + ".serve").read(), "the server listens")
        lines = [line.split(": ", 1) for line in open(self.review + ".serve").read().splitlines() if "#token=" in line]
        self.links = dict(lines)
        self.port = int(next(iter(self.links.values())).split(":")[2].split("/")[0])

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        self.process.terminate()
        check(self.process.wait(timeout=30) == 0, "the server ends when it is told to")


class Page:
    # Of the body: what it shows.
    key_of_what_is_shown = "item"

    def __init__(self, link, size=(1280, 860)):
        chrome = Options()
        for flag in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", f"--window-size={size[0]},{size[1]}", "--lang=en"):
            chrome.add_argument(flag)
        chrome.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(options=chrome, service=Service("/usr/bin/chromedriver"))
        self.driver.set_script_timeout(30)
        self.link = link
        self.driver.get(link)
        self.begin()

    def begin(self):
        self.wait_for_item(None)

    def item(self):
        return self.driver.execute_script("return document.body.dataset[arguments[0]] || null", self.key_of_what_is_shown)

    def wait_for_item(self, other):
        return until(lambda: self.item() not in (None, other) and self.item(), f"another image than {other}")

    def text(self, name):
        return self.driver.execute_script("return document.getElementById(arguments[0]).textContent", name)

    def key(self, *keys):
        ActionChains(self.driver).send_keys(*keys).perform()

    def decide(self, key):
        before = self.item()
        if self.driver.execute_script("return editor.hidden"):
            self.key(Keys.ENTER)
        self.key(key)
        return self.wait_for_item(before)

    def mask(self):
        return self.driver.execute_script("return editor.mask.reduce((a, b) => a + b, 0)")

    def stage(self):
        return self.driver.find_element(By.ID, "stage")

    def drag(self, x, y, x2, y2, shift=False):
        """From and to, as shares of the picture."""
        stage = self.stage()
        width, height = stage.size["width"], stage.size["height"]
        chain = ActionChains(self.driver)
        if shift:
            chain.key_down(Keys.SHIFT)
        chain.move_to_element_with_offset(stage, int((x - 0.5) * width), int((y - 0.5) * height)).click_and_hold()
        chain.move_by_offset(int((x2 - x) * width), int((y2 - y) * height)).release()
        if shift:
            chain.key_up(Keys.SHIFT)
        chain.perform()

    def click(self, x, y):
        stage = self.stage()
        ActionChains(self.driver).move_to_element_with_offset(
            stage, int((x - 0.5) * stage.size["width"]), int((y - 0.5) * stage.size["height"])).click().perform()

    def shot(self, name):
        if options.screenshots:
            os.makedirs(options.screenshots, exist_ok=True)
            path = os.path.join(options.screenshots, name + ".png")
            self.driver.save_screenshot(path)
            reduce(path)

    def complaints(self):
        return [line["message"] for line in self.driver.get_log("browser") if line["level"] == "SEVERE"]


def reduce(path):
    """Makes a picture small enough for the documentation: 96 colours, where Pillow is there."""
    try:
        from PIL import Image
    except ImportError:
        return
    Image.open(path).convert("RGB").quantize(96, dither=Image.Dither.NONE).save(path, optimize=True)


def log(review):
    with open(review + "/log.jsonl") as file:
        return [json.loads(line) for line in file]
