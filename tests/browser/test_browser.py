"""The whole flow in a phone-sized Chromium without script, against the simulator."""

import pathlib
import re
import tempfile

import pytest
from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.chrome.service import Service as Driver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from harness import canary, database
from harness.phone import Customer
from harness.service import ROOT, Service
from simulator import events
from simulator.server import Simulator, Wiring

WAIT_S = 10
SCREENS = ROOT / "build" / "screens"
FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-sync",
         "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage")


@pytest.fixture(scope="module")
def running(binary, tmp_path_factory):
    """Service and simulator, wired to each other."""
    wiring = Wiring("unset")
    simulator = Simulator(wiring, graph_tokens={"EAAbrowser": events.PAGE_ID})
    service = Service(tmp_path_factory.mktemp("linkd"), LINKD_REDIRECT_HOSTS=simulator.redirect_hosts,
                      LINKD_GRAPH_URL=simulator.url, LINKD_PAGE_ACCESS_TOKEN="EAAbrowser",
                      LINKD_BRAND_NAME="Demo Shop", LINKD_TRUSTED_PROXIES=None)
    wiring.app_secret = simulator.graph.app_secret = service.secret
    service.start()
    wiring.connect(service.url)
    simulator.start()
    yield service, simulator
    simulator.stop()
    service.stop()


def options(profile):
    made = webdriver.ChromeOptions()
    made.binary_location = "/usr/bin/chromium"
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        made.add_argument(flag)
    made.add_experimental_option("mobileEmulation",
                                 {"deviceMetrics": {"width": 375, "height": 667, "pixelRatio": 2.0}})
    made.add_experimental_option("prefs", {"profile.managed_default_content_settings.javascript": 2})
    return made


@pytest.fixture
def browser():
    with tempfile.TemporaryDirectory(prefix="chromium-") as profile:
        driver = webdriver.Chrome(service=Driver("/usr/bin/chromedriver"), options=options(profile))
        driver.set_page_load_timeout(20)
        yield driver
        driver.quit()


@pytest.fixture
def someone(running):
    """A new customer and a fresh Messenger profile's chat address."""
    service, simulator = running
    simulator.psid = canary.secret(events.new_psid(), "PSID")
    return Customer(service), f"{simulator.url}/?psid={simulator.psid}"


def shoot(browser, name):
    SCREENS.mkdir(parents=True, exist_ok=True)
    assert browser.get_screenshot_as_file(str(SCREENS / f"{name}.png"))


def text(browser):
    return browser.find_element(By.TAG_NAME, "body").text


def activate(element):
    """By keyboard (the driver waits for ever for a tap when script is off), until another page is there."""
    browser = element.parent
    before = browser.find_element(By.TAG_NAME, "html").id
    element.send_keys(Keys.ENTER)
    wait(browser, lambda: browser.find_element(By.TAG_NAME, "html").id != before)
    wait(browser, lambda: browser.execute_script("return document.readyState") == "complete")


def wait(browser, true):
    """Until it holds; a page that goes away while one looks is looked for again."""
    WebDriverWait(browser, WAIT_S, 0.05, ignored_exceptions=[WebDriverException]).until(lambda _: true())


def sees(browser, words):
    wait(browser, lambda: words in text(browser))


def press(browser, path):
    """The button whose form leads to that path."""
    for form in browser.find_elements(By.TAG_NAME, "form"):
        for button in form.find_elements(By.CSS_SELECTOR, "button, input[type=submit]"):
            target = button.get_attribute("formaction") or form.get_attribute("action")
            if pathlib.PurePosixPath(re.sub(r"^https?://[^/]+|\?.*$", "", target)).as_posix() == path:
                activate(button)
                return
    raise AssertionError(f"no button leads to {path}: {text(browser)}")


def fill_in(browser, email, password):
    for name, value in (("email", email), ("password", password)):
        field = browser.find_element(By.NAME, name)
        field.clear()
        field.send_keys(value)
    press(browser, "/link/login")


def log_in(browser, chat, customer):
    browser.get(chat)
    activate(browser.find_element(By.CSS_SELECTOR, ".login"))
    fill_in(browser, customer.email, customer.password)


def fits_the_screen(browser):
    size = browser.execute_script("return [document.documentElement.scrollWidth, screen.width]")
    assert size[0] <= size[1], f"scrolls sideways: {size}"


def test_log_in_wrong_then_right_linked_and_log_out(running, someone, browser):
    service, simulator = running
    customer, chat = someone
    browser.get(chat)
    shoot(browser, "1-chat")
    activate(browser.find_element(By.CSS_SELECTOR, ".login"))
    assert browser.current_url.startswith(service.url + "/link?")
    fits_the_screen(browser)
    shoot(browser, "2-login")
    fill_in(browser, customer.email, "wrong-in-browser")
    assert browser.find_element(By.NAME, "email").get_attribute("value") == customer.email
    assert browser.find_element(By.NAME, "password").get_attribute("value") == ""
    shoot(browser, "3-wrong-password")
    fill_in(browser, customer.email, customer.password)
    assert customer.email in text(browser)
    fits_the_screen(browser)
    shoot(browser, "4-consent")
    press(browser, "/link/confirm")
    sees(browser, "Account linked (webhook answered 200")
    assert browser.current_url.startswith(simulator.url), "back in the chat, three origins later"
    shoot(browser, "5-linked")
    assert database.holders(service.database, simulator.psid) == [customer.id]
    activate(browser.find_elements(By.CSS_SELECTOR, ".logout")[-1])
    sees(browser, "Account unlinked (webhook answered 200")
    shoot(browser, "6-logged-out")
    assert database.holders(service.database, simulator.psid) == []


def test_not_me_goes_back_unlinked(running, someone, browser):
    service, simulator = running
    customer, chat = someone
    log_in(browser, chat, customer)
    press(browser, "/link/cancel")
    sees(browser, "Account linking was cancelled")
    assert browser.current_url.startswith(simulator.url)
    shoot(browser, "7-not-me")
    assert database.customer(service.database, customer.id)["fb_psid"] is None


def test_back_button_after_linking(running, someone, browser):
    """Back after Connect changes nothing."""
    service, simulator = running
    customer, chat = someone
    log_in(browser, chat, customer)
    press(browser, "/link/confirm")
    sees(browser, "Account linked")
    before = database.rows(service.database)
    browser.back()
    shoot(browser, "8-back-button")
    assert database.rows(service.database) == before


def test_an_error_page(running, browser):
    service, _ = running
    browser.get(service.url + "/link?account_linking_token=x&redirect_uri=https%3A%2F%2Fevil.example%2F")
    assert browser.current_url.startswith(service.url)
    fits_the_screen(browser)
    shoot(browser, "9-error")
    assert "Log In" in text(browser) and "Messenger" in text(browser)


def test_script_is_really_off(running, browser):
    browser.get("data:text/html,<body>off<script>document.body.textContent='on'</script>")
    assert text(browser) == "off"


def test_the_panel(running, someone, browser):
    service, simulator = running
    customer, chat = someone
    log_in(browser, chat, customer)
    press(browser, "/link/confirm")
    sees(browser, "Account linked")
    for what, status in (("duplicates", "200"), ("forged", "403"), ("wrongcode", "200"), ("batch", "200")):
        activate(browser.find_element(By.ID, f"deliver-{what}"))
        first = browser.find_element(By.CSS_SELECTOR, "#answers tbody tr").text
        assert status in first.split(), first
    assert database.holders(service.database, simulator.psid) == [customer.id]
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                            {"width": 1200, "height": 960, "deviceScaleFactor": 1, "mobile": False})
    shoot(browser, "10-panel")
