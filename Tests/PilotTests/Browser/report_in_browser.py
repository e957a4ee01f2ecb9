"""Opens a pilot's report in a real browser: every section is there, nothing is loaded from elsewhere, no error is logged, pages print.

report_in_browser.py REPORT LANGUAGE SCREENSHOTS

Needs chromium, chromedriver and selenium. Prints what it checked; leaves with 1 at the first thing that is not as it should be.
"""

import os
import re
import subprocess
import sys

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

sys.dont_write_bytecode = True
from printed_pages import PrintedPages  # noqa: E402

page, language, folder = sys.argv[1:4]
os.makedirs(folder, exist_ok=True)


def check(is_right, text):
    print("ok  " if is_right else "FAIL", text, flush=True)
    if not is_right:
        sys.exit(1)


options = Options()
options.binary_location = "/usr/bin/chromium"
for flag in ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1100,1400"]:
    options.add_argument(flag)
options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
browser = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
try:
    address = "file://" + os.path.abspath(page)
    browser.get(address)
    check(browser.find_element(By.TAG_NAME, "html").get_attribute("lang") == language, f"the page is in {language}")
    sections = browser.find_elements(By.CSS_SELECTOR, "main > section")
    check([s.get_attribute("id") for s in sections] == [f"section-{n}" for n in range(1, 15)], "sections 1 to 14, in order")
    heads = [s.find_element(By.TAG_NAME, "h2").text for s in sections]
    check(all(h.startswith(f"{n}.") for n, h in enumerate(heads, 1)), "each has its heading")
    check(all(len(s.text) > len(h) + 40 for s, h in zip(sections, heads)), "each says something")
    check(len(browser.find_element(By.ID, "recommendation").text) > 5, "there is a recommendation")
    text = browser.find_element(By.TAG_NAME, "main").text
    check(not re.search(r"\{\d\}|nan\b|\binf\b|Optional\(", text), "no place was left open")
    if language == "ja":
        ascii_lines = [l for l in text.splitlines() if re.fullmatch(r"[A-Za-z ,.’']{40,}", l)]
        check(not ascii_lines, f"no English sentence is left: {ascii_lines[:3]}")
    check(not browser.find_elements(By.TAG_NAME, "script"), "no script")
    images = browser.find_elements(By.CSS_SELECTOR, "image")
    check(all(i.get_attribute("href").startswith("data:image/png") for i in images), f"{len(images)} pictures are in the file")
    errors = [e for e in browser.get_log("browser") if e["level"] in ("SEVERE", "WARNING")]
    check(not errors, f"nothing on the console: {errors[:2]}")
    requests = re.findall(r'"url":"((?:https?|wss?|ftp|file)://[^"]*)"', "".join(e["message"].replace("\\", "") for e in browser.get_log("performance")))
    check(all(r == address for r in requests), f"nothing else was asked for: {[r for r in requests if r != address][:3]}")
    width = browser.execute_script("return document.documentElement.scrollWidth")
    check(width <= 1100, f"nothing runs out at the side ({width} px)")
    for section in sections:
        browser.execute_script("arguments[0].scrollIntoView()", section)
        browser.save_screenshot(f"{folder}/{language}-{section.get_attribute('id')}.png")
    check(len(os.listdir(folder)) >= 14, f"screenshots in {folder}")
    # On A4 within the margins; chromium shrinks a whole document for one table that is wider.
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": 688, "height": 1000, "deviceScaleFactor": 1, "mobile": False})
    wide = browser.execute_script("return [...document.querySelectorAll('table, svg, pre, p')].map(e => [Math.floor(e.getBoundingClientRect().right), e.innerText]).filter(e => e[0] > 688)")
    check(not wide, f"nothing is wider than a printed page: {wide[:2]}")
finally:
    browser.quit()

pdf = f"{folder}/{language}.pdf"
subprocess.run(
    ["/usr/bin/chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer", f"--print-to-pdf={pdf}", "file://" + os.path.abspath(page)],
    check=True, capture_output=True, timeout=120)
printed = PrintedPages(pdf)
pages = len(printed.pages)
check(8 <= pages <= 60, f"prints on {pages} pages")
check(not printed.blank(), f"no page is blank: {printed.blank()}")
check(printed.count_of_headings() >= 14, "headings are found on them")
check(not printed.orphans(), f"no heading stands alone at a page's end: {printed.orphans()}")
print("done")
