"""Pretend reviewers of known error rates, over HTTP: see Scripts/review-simulation, which starts this."""

import argparse
import hashlib
import json
import math
import os
import shutil
import struct
import subprocess
import sys
import time
import urllib.request
import xml.etree.ElementTree as xml
import zlib

THRESHOLD = 128
# A map is wrong that has less than this in common with the boxes (intersection over union). Planted maps have less than 0.4.
RIGHT_FROM = 0.4

parser = argparse.ArgumentParser()
for name in ("sipat", "pack", "maps", "boxes", "annotations", "folder"):
    parser.add_argument(name)
parser.add_argument("--reviews", type=int, default=20)
parser.add_argument("--share", type=float, default=0.4, help="of the queue that is decided")
options = parser.parse_args()
failures = []


def sipat(*words):
    run = subprocess.run([options.sipat, *map(str, words)], capture_output=True, text=True)
    if run.returncode:
        sys.exit(f"sipat {' '.join(map(str, words))}: {run.returncode}\n{run.stderr}")
    return run.stdout


def check(is_right, text):
    if not is_right:
        failures.append(text)
        print("FAIL", text, flush=True)


def chance(*keys):
    """A number in [0, 1) that follows from the keys."""
    return int.from_bytes(hashlib.sha256(repr(keys).encode()).digest()[:6], "big") / 2**48


def grey(data):
    """Size and pixels of an 8-bit grey PNG."""
    place, parts, width, height = 8, b"", 0, 0
    while place < len(data):
        length, kind = struct.unpack(">I4s", data[place:place + 8])
        body = data[place + 8:place + 8 + length]
        if kind == b"IHDR":
            width, height = struct.unpack(">II", body[:8])
        if kind == b"IDAT":
            parts += body
        place += 12 + length
    raw, rows, above = zlib.decompress(parts), bytearray(), bytearray(width)
    for y in range(height):
        kind, line = raw[y * (width + 1)], bytearray(raw[y * (width + 1) + 1:(y + 1) * (width + 1)])
        if kind:
            for i in range(width):
                left, up, corner = (line[i - 1] if i else 0), above[i], (above[i - 1] if i else 0)
                if kind == 4:
                    p = left + up - corner
                    a, b, c = abs(p - left), abs(p - up), abs(p - corner)
                    guess = left if a <= b and a <= c else up if b <= c else corner
                else:
                    guess = (0, left, up, (left + up) // 2)[kind]
                line[i] = (line[i] + guess) & 255
        rows += line
        above = line
    return width, height, bytes(rows)


def boxes(name, width, height):
    """The region of the boxes that people drew, a byte per pixel."""
    stem = os.path.splitext(os.path.basename(name))[0]
    root = xml.parse(os.path.join(options.annotations, stem + ".xml")).getroot()
    full = (int(root.findtext("size/width")), int(root.findtext("size/height")))
    region = bytearray(width * height)
    for box in root.iter("bndbox"):
        left, top, right, bottom = (float(box.findtext(key)) for key in ("xmin", "ymin", "xmax", "ymax"))
        for y in range(height):
            if top - 1 <= (y + 0.5) * full[1] / height <= bottom:
                for x in range(width):
                    if left - 1 <= (x + 0.5) * full[0] / width <= right:
                        region[y * width + x] = 1
    return bytes(region)


def is_right(shown, truth):
    """Whether a map marks about what the boxes do."""
    a, b = int.from_bytes(bytes(1 if value >= THRESHOLD else 0 for value in shown), "big"), int.from_bytes(truth, "big")
    either = (a | b).bit_count()
    return either == 0 or (a & b).bit_count() / either >= RIGHT_FROM


def runs(region):
    found, value, length = [], 0, 0
    for pixel in region:
        if pixel != value:
            found.append(length)
            value, length = pixel, 0
        length += 1
    return found + [length]


class Server:
    def __init__(self, review, people):
        self.log = open(review + ".serve", "w+")
        self.process = subprocess.Popen([options.sipat, "review", "serve", review, "--people", ",".join(people), "--port", "0"], stdout=self.log, stderr=subprocess.STDOUT)
        while "Ctrl-C" not in open(review + ".serve").read():
            if self.process.poll() is not None:
                sys.exit(open(review + ".serve").read())
            time.sleep(0.02)
        links = [line for line in open(review + ".serve").read().splitlines() if "#token=" in line]
        self.tokens = [link.split("=")[1] for link in links]
        self.base = "http" + links[0].split("http")[1].split("/#")[0] + "/api/"

    def ask(self, person, path, message=None):
        request = urllib.request.Request(
            self.base + path, data=None if message is None else json.dumps(message).encode(), headers={"Authorization": "Bearer " + self.tokens[person]})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.read()

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Reviewer:
    """Changes a wrong map with the chance `caught`, leaves a right one alone with the chance `passed`."""

    def __init__(self, seed, caught, passed):
        self.seed, self.caught, self.passed = seed, caught, passed

    def changes(self, image, shown, truth):
        draw = chance(self.seed, image, hashlib.sha256(shown).hexdigest())
        return draw >= self.passed if is_right(shown, truth) else draw < self.caught


def review(number):
    caught, passed = [(0.9, 0.97), (0.8, 0.9), (0.95, 0.99)][number % 3]
    folder = f"{options.folder}/review-{number}"
    shutil.rmtree(folder, ignore_errors=True)
    sipat("review", "plan", "--data", options.pack, "--maps", options.maps, "--trusted", options.boxes, "--audit", 0.3, "--honeypots", 0.06, "--seed", number, "--output", folder)
    queue = [json.loads(line) for line in open(folder + "/queue.jsonl")]
    pots = {pot["item"] for pot in json.load(open(folder + "/honeypots.json"))}
    reviewer, decided, people = Reviewer(number, caught, passed), {}, ["alice", "bob"]
    server, seen = Server(folder, people), set()
    took = []
    for step in range(int(options.share * len(queue))):
        person = step % 2
        items = json.loads(server.ask(person, "next", {}))["items"]
        if not items:
            break
        item = items[0]
        width, height, shown = grey(server.ask(person, f"map/{item['item']}"))
        truth = truths.setdefault(item["name"], boxes(item["name"], width, height))
        changes = reviewer.changes(item["name"], shown, truth)
        # Nobody decides quite alike when an image comes again.
        if item["name"] in seen and chance(number, "again", item["item"]) < 0.05:
            changes = not changes
        seen.add(item["name"])
        message = {"item": item["item"], "id": f"simulated-{step}", "action": "accept", "activeMilliseconds": 2500}
        if changes:
            kind = chance(number, "kind", item["item"])
            message["action"] = "corrected" if kind < 0.7 else "wrong" if kind < 0.9 else "nothing"
            if message["action"] == "corrected":
                message["runs"] = runs(truth)
        start = time.perf_counter()
        server.ask(person, "decision", message)
        took.append(time.perf_counter() - start)
        decided[item["item"]] = (message["action"], people[person])
    status = json.loads(server.ask(0, "status"))
    server.stop()

    # What is known of the images that nobody looked at.
    firsts = {entry["image"]: entry for entry in queue if "of" not in entry and entry["item"] not in pots}
    reached = max((entry["rank"] + 1 for entry in queue if entry["item"] in decided and entry["kind"] == "doubtful"), default=0)
    rest = [entry for entry in firsts.values() if entry["rank"] >= reached and entry["item"] not in decided]
    check(len(rest) == status["rest"]["rest"], f"review {number}: {len(rest)} images are left, the status says {status['rest']['rest']}")
    truth = {entry["image"]: truths.setdefault(entry["name"], boxes(entry["name"], width, height)) for entry in rest}
    would = sum(reviewer.changes(entry["name"], estimated(entry["image"]), truth[entry["image"]]) for entry in rest) / len(rest)
    wrong = sum(not is_right(estimated(entry["image"]), truth[entry["image"]]) for entry in rest) / len(rest)
    share, corrected = status["rest"]["share"], status.get("corrected")
    caught_found, passed_found = status["caught"], status["passed"]
    print(
        f"| {number} | {len(decided)} | {len(rest)} | {100 * would:.1f} % | {100 * share['low']:.1f}–{100 * share['high']:.1f} % | {100 * wrong:.1f} % | "
        + (f"{100 * corrected['low']:.1f}–{100 * corrected['high']:.1f} %" if corrected else "–")
        + f" | {caught_found['hits']}/{caught_found['trials']} ({caught}) | {passed_found['hits']}/{passed_found['trials']} ({passed}) | {1000 * sorted(took)[len(took) // 2]:.1f} ms |",
        flush=True)
    return folder, queue, pots, decided, share["low"] <= would <= share["high"], corrected is None or corrected["low"] <= wrong <= corrected["high"]


def export(folder, queue, pots, decided):
    """Compares every record with what was decided."""
    output = options.folder + "/reviewed"
    shutil.rmtree(output, ignore_errors=True)
    print(sipat("review", "export", folder, "--output", output).rstrip())
    print(sipat("review", "verify", folder).splitlines()[0])
    origins = json.load(open(output + "/salience.json"))["origins"]
    records = [json.loads(line) for line in open(output + "/records.jsonl")]
    lines = {line["image"]: line for line in map(json.loads, open(output + "/review.jsonl"))}
    log = {line["item"]: line for line in map(json.loads, open(folder + "/log.jsonl"))}
    before = [json.loads(line) for line in open(options.maps + "/records.jsonl")]
    firsts = {entry["image"]: entry["item"] for entry in queue if "of" not in entry and entry["item"] not in pots}
    counts = {}
    for image, (record, old) in enumerate(zip(records, before, strict=True)):
        action, person = decided.get(firsts[image], (None, None))
        origin = origins[record["origin"]] if "origin" in record else None
        counts[action] = counts.get(action, 0) + 1
        what = f"export: {record['image']}, {action} by {person}, is {record['state']} of {origin and origin['name']}"
        check(record["image"] == old["image"], what)
        if action is None:
            check(record["state"] == old["state"] and origin["kind"] == "estimator" and record.get("map") == old.get("map") and record["image"] not in lines, what)
            continue
        line = lines[record["image"]]
        check((line["action"], line["person"], line["line"]) == (action, person, log[firsts[image]]["line"]), what + ": its line")
        check(any(f"{action} by {person}" in remark and f"line {line['line']} " in remark for remark in record["remarks"]), what + ": its remark")
        check(origins[record["replaced"][0]["origin"]]["kind"] == "estimator" and record["replaced"][0].get("map") == old.get("map"), what + ": what was replaced")
        if action == "wrong":
            check(record["state"] == "unseen" and origin is None, what)
        else:
            check(origin["kind"] == "review" and origin["name"] == person and record["state"] == ("empty" if action == "nothing" else "map"), what)
        if action == "accept":
            check(record.get("map") == old.get("map"), what)
        if action == "corrected":
            region = truths[line["image"]]
            check(record["map"] == hashlib.sha256(bytes(255 * value for value in region)).hexdigest(), what + ": the region")
    check(len(lines) == sum(count for action, count in counts.items() if action), "export: as many lines as decisions")
    print("every record is what was decided: " + ", ".join(f"{action or 'nobody'} {count}" for action, count in sorted(counts.items(), key=lambda pair: -pair[1])))


truths = {}
header = json.load(open(options.maps + "/salience.json"))
pixels = header["height"] * header["width"]
stored = open(options.maps + "/maps.u8", "rb").read()
entries = open(options.maps + "/index.bin", "rb").read()


def estimated(image):
    """The machine's map."""
    state, content, _, _, place = struct.unpack("<BBHIQ", entries[16 * image:16 * image + 16])
    return stored[place * pixels:(place + 1) * pixels] if content == 1 else bytes(pixels)


print("| review | decided | left | would be changed | status says | wrong | status says | planted caught (rate) | right left alone (rate) | a decision |")
print("| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
results = [review(number) for number in range(options.reviews)]
hits = [sum(result[4 + column] for result in results) for column in (0, 1)]
print(f"inside the intervals of 95 %: what would be changed in {hits[0]} of {options.reviews} reviews, what is wrong in {hits[1]} of {options.reviews}")
# So many misses come about less than once in a hundred times.
misses = next(k for k in range(options.reviews + 1) if sum(
    math.comb(options.reviews, i) * 0.05**i * 0.95 ** (options.reviews - i) for i in range(k + 1)) > 0.99)
for column, name in enumerate(("what would be changed", "what is wrong")):
    check(options.reviews - hits[column] <= misses, f"{name} was outside in {options.reviews - hits[column]} of {options.reviews} reviews")
export(*results[0][:4])
sys.exit(1 if failures else 0)
