"""What chromium printed: pages, where their text stands, and which of it is a heading. Reads PDF as Skia writes it, no other."""

import re
import zlib


def objects(data):
    """Bodies of all objects by number."""
    return {int(m.group(1)): m.group(2) for m in re.finditer(rb"(?:^|\n)(\d+) 0 obj\n(.*?)\nendobj", data, re.S)}


def product(a, b):
    """First a, then b, as matrices of six numbers."""
    return (
        a[0] * b[0] + a[1] * b[2], a[0] * b[1] + a[1] * b[3], a[2] * b[0] + a[3] * b[2], a[2] * b[1] + a[3] * b[3],
        a[4] * b[0] + a[5] * b[2] + b[4], a[4] * b[1] + a[5] * b[3] + b[5])


def texts(content):
    """(number of marked content or None, height above the page's lower edge in points, letters) of each piece of text, top to bottom."""
    found, stack, numbers, letters = [], [], [], 0
    matrix, line, marks = (1, 0, 0, 1, 0, 0), (1, 0, 0, 1, 0, 0), []
    for token in re.finditer(rb"<[0-9A-Fa-f]*>|\((?:[^\\()]|\\.)*\)|/MCID (\d+)|[^\s<>()\[\]]+|[\[\]]|<<|>>", content):
        word = token.group(0)
        if token.group(1):
            mark = int(token.group(1))
        elif word == b"BDC" or word == b"BMC":
            marks.append(mark if word == b"BDC" else None)
        elif word == b"EMC":
            marks = marks[:-1]
        elif word == b"q":
            stack.append(matrix)
        elif word == b"Q":
            matrix = stack.pop() if stack else matrix
        elif word == b"cm":
            matrix = product(numbers[-6:], matrix)
        elif word == b"BT":
            line = (1, 0, 0, 1, 0, 0)
        elif word == b"Tm":
            line = tuple(numbers[-6:])
        elif word in (b"Tj", b"TJ"):
            found.append((marks[-1] if marks else None, product(line, matrix)[5], letters))
            letters = 0
        elif word.startswith(b"<") and word != b"<<":
            letters += len(word) // 4
        if re.fullmatch(rb"[-+]?[\d.]+", word):
            numbers.append(float(word))
        elif not word.startswith((b"<", b"(")):
            numbers = []
    return sorted(found, key=lambda text: -text[1])


class PrintedPages:
    """The pages of a file."""

    def __init__(self, path):
        all_objects = objects(open(path, "rb").read())
        self.pages = {number: body for number, body in all_objects.items() if re.search(rb"/Type\s*/Page\b", body)}
        self.texts, self.pictures = {}, {}
        for number, body in self.pages.items():
            stream = all_objects[int(re.search(rb"/Contents (\d+) 0 R", body).group(1))]
            content = zlib.decompressobj().decompress(stream[stream.index(b"stream") + 6:].lstrip(b"\r\n"))
            self.texts[number] = texts(content)
            self.pictures[number] = len(re.findall(rb"\bDo\b", content))
        self.headings = {number: set() for number in self.pages}
        for body in all_objects.values():
            if re.search(rb"/S /H[1-6]\b", body):
                self._mark(body, all_objects)

    def _mark(self, body, all_objects):
        page, kids = re.search(rb"/Pg (\d+) 0 R", body), re.search(rb"/K (\[[^\]]*\]|\d+(?: 0 R)?)", body)
        if not kids:
            return
        kids = kids.group(1)
        for kid in re.findall(rb"(\d+) 0 R", kids):
            self._mark(all_objects[int(kid)], all_objects)
        for own in re.findall(rb"\d+", re.sub(rb"\d+ 0 R", b"", kids)):
            # A zero stands for nothing where children follow.
            if page and not (own == b"0" and b" R" in kids):
                self.headings[int(page.group(1))].add(int(own))

    def blank(self):
        """Places of pages, from 1, without pictures and with less than a line of text."""
        letters = {number: sum(text[2] for text in found) for number, found in self.texts.items()}
        return [place for place, number in enumerate(self.pages, 1) if letters[number] < 40 and not self.pictures[number]]

    def orphans(self):
        """Places of pages at whose end a heading stands, with nothing below it."""
        return [
            place for place, number in enumerate(self.pages, 1)
            if self.texts[number] and not self.pictures[number] and self.texts[number][-1][0] in self.headings[number]]

    def count_of_headings(self):
        return sum(len(marks) for marks in self.headings.values())
