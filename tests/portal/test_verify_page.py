"""The page that checks a receipt in the browser: one file, the same for everybody, as strict as the command line."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
import yaml
from playwright.sync_api import Browser, Page, expect
from portal_browser import axe_source, served
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from consents.receipt_desk import BASE, CHECKPOINT, EPOCH, NOW, RECEIPT, Desk, desk, private, record
from placet.consents import jws, receipt_form
from placet.consents.model import Decision
from placet.consents.receipt_check import Fault, NotGenuine, verify
from placet.consents.receipt_file import ReceiptFile, format_file
from placet.interfaces.portal import verify_page
from placet.kernel import jcs
from placet.ledger.notes import NOTE

ROOT = Path(__file__).parents[2]
PARTS = ROOT / "src" / "placet" / "interfaces" / "portal" / "verify"
OURS = desk()
AT = 5
GENUINE = OURS.receipt(AT)


def proved(**changes: Any) -> bytes:
    return format_file(attrs.evolve(OURS.file(AT), proof=attrs.evolve(OURS.proof(AT), **changes)))


def signed(payload: dict[str, Any]) -> bytes:
    """What a lying operator could sign."""
    return format_file(OURS.file(AT, payload))


def evidence(**changes: Any) -> bytes:
    payload = OURS.payload(AT)
    return signed(payload | {"evidence": payload["evidence"] | changes})


def forgeries() -> dict[str, bytes]:
    """One for each way in which a receipt can be wrong."""
    file, payload = OURS.file(AT), OURS.payload(AT)
    other_log = Desk(OURS.records, base="log.other.example")
    later = attrs.evolve(record(AT), recorded_at=NOW.replace(hour=13))
    future = desk()
    future = attrs.evolve(future, records=[*future.records[: AT - 1], later, *future.records[AT:]])
    checkpoint_kid = receipt_form.key_id(OURS.log.signer(EPOCH).verifier(NOTE))
    misused = jws.sign(jcs.canonical(payload), jws.Header(checkpoint_kid, receipt_form.MEDIA_TYPE), CHECKPOINT.sign)
    token = jws.sign(jcs.canonical(payload), jws.Header(jws.read_header(file.signed).kid, "JWT"), RECEIPT.sign)
    return {
        "genuine": GENUINE,
        "pending": format_file(ReceiptFile(file.signed, None, proof_pending=True)),
        "cut in the middle": GENUINE[: len(GENUINE) // 2],
        "cut near the end": GENUINE.rstrip()[:-1],
        "empty": b"",
        "no JSON": b"%PDF-1.7",
        "a list": b"[]",
        "something more": GENUINE.replace(b'"proof_pending"', b'"extra": 1, "proof_pending"'),
        "changed payload": format_file(
            attrs.evolve(file, signed=attrs.evolve(file.signed, payload=jws.encode(jcs.canonical(payload | {"a": 1}))))
        ),
        "a stranger": Desk(OURS.records, receipt_key=private(9)).receipt(AT),
        "the checkpoint's key": format_file(attrs.evolve(file, signed=misused)),
        "another type": format_file(attrs.evolve(file, signed=token)),
        "no evidence": signed({name: said for name, said in payload.items() if name != "evidence"}),
        "another record": evidence(record=OURS.records[AT].body.decode()),
        "a record with spaces": evidence(record=OURS.records[AT - 1].body.decode().replace(":", ": ", 1)),
        "another salt": evidence(salt="00" * 32),
        "another statement": signed(payload | {"dct:created": "2020-01-01T00:00:00.000000Z"}),
        "no proof": format_file(attrs.evolve(file, proof=None)),
        "a proof though pending": format_file(attrs.evolve(file, proof_pending=True)),
        "another operator's checkpoint": proved(checkpoint=other_log.checkpoint()),
        "a checkpoint of nobody": proved(checkpoint=Desk(OURS.records, checkpoint_key=private(8)).checkpoint()),
        "a changed checkpoint": proved(checkpoint=OURS.checkpoint().replace("\n11\n", "\n12\n")),
        "no checkpoint": proved(checkpoint="nothing"),
        "a smaller tree": proved(checkpoint=OURS.checkpoint(3), size=3),
        "another size": proved(size=10),
        "another index": proved(index=AT),
        "another leaf": proved(leaf=bytes(32)),
        "a longer path": proved(path=(*OURS.proof(AT).path, bytes(32))),
        "a shorter path": proved(path=OURS.proof(AT).path[:-1]),
        "a changed path": proved(path=(bytes(32), *OURS.proof(AT).path[1:])),
        "a record of the future": future.receipt(AT),
    }


def page_text() -> str:
    return verify_page.verify_page().html.decode()


@pytest.fixture
def site() -> Iterator[str]:
    """The page beside a log, as the operator serves them."""

    async def keys(_request: Any) -> PlainTextResponse:
        return PlainTextResponse(OURS.published)

    with served(Starlette(routes=[*verify_page.routes(), Route("/log/keys", keys)])) as address:
        yield address


@pytest.fixture
def opened(browser: Browser, site: str) -> Iterator[Callable[..., Page]]:
    contexts = []

    def open_page(address: str | None = None, *, language: str = "en", width: int = 1280, **more: Any) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            locale={"lv": "lv-LV", "ru": "ru-RU", "en": "en-GB"}[language],
            **more,
        )
        contexts.append(context)
        page = context.new_page()
        page.goto(address or f"{site}/verify")
        return page

    yield open_page
    for context in contexts:
        context.close()


def check(page: Page, data: bytes) -> str:
    """Choose the file, press the button, read the answer."""
    page.set_input_files("#receipt", {"name": "receipt-5.json", "mimeType": "application/json", "buffer": data})
    page.click("#check")
    page.wait_for_selector(".verdict")
    return page.inner_text(".verdict")


# One file


def test_everything_is_inside_and_nothing_is_loaded() -> None:
    text = page_text()
    assert "{{" not in text.replace("${{", "")
    assert not re.search(r"<link|<img|@import|\burl\(| src=|<iframe", text)
    assert re.findall(r"https?://[^\s\"'`]+", text) == [
        "https://w3id.org/dpv/schema/dpv-27560#receipt-eu-gdpr",
        "https://w3id.org/dpv/schema/dpv-27560#record-eu-gdpr",
    ]


def test_the_policy_allows_this_script_and_style_by_their_hashes_and_nothing_else() -> None:
    with TestClient(Starlette(routes=verify_page.routes())) as client:
        answer = client.get("/verify")
    policy = answer.headers["content-security-policy"]
    assert policy.startswith(verify_page.verify_page().policy)
    assert "unsafe" not in policy
    assert policy.count("'sha256-") == 2
    assert f'content="{verify_page.verify_page().policy}"' in answer.text


def test_the_published_hash_is_that_of_the_page_everywhere() -> None:
    with TestClient(Starlette(routes=verify_page.routes())) as client:
        page, digest = client.get("/verify").content, client.get("/verify/sha256").text
    actual = hashlib.sha256(page).hexdigest()
    assert digest == f"{actual}  verify.html\n"
    guide = (ROOT / "docs" / "how-to" / "verify-a-receipt.md").read_text(encoding="utf-8")
    assert actual in guide, f"docs/how-to/verify-a-receipt.md must say {actual}"


def test_every_fault_and_every_phrase_has_its_words_in_three_languages() -> None:
    words = yaml.safe_load((PARTS / "words.yaml").read_text(encoding="utf-8"))
    assert {name: set(said) for name, said in words.items() if set(said) != {"lv", "ru", "en"}} == {}
    faults = {fault.value for fault in Fault} - {"text-differs"}
    assert faults - set(words) == set()
    assert {f"decision_{decision.value}" for decision in Decision} - set(words) == set()
    used = set(re.findall(r'say\("([a-z_-]+)"', (PARTS / "page.js").read_text(encoding="utf-8")))
    used |= set(re.findall(r'data-say="([a-z_0-9]+)"', (PARTS / "page.html").read_text(encoding="utf-8")))
    assert used - set(words) == set()


def test_the_footer_of_every_page_leads_to_it(pages: Starlette) -> None:
    with TestClient(pages, base_url="http://127.0.0.1:8000") as client:
        for address in ("/", "/sign-in", "/nothing-here"):
            assert '<a href="/verify">' in client.get(address).text
        assert client.get("/verify").content == verify_page.verify_page().html


# In the browser


@pytest.mark.browser
def test_it_judges_as_the_command_line_does(opened: Callable[..., Page]) -> None:
    page = opened()
    judge = """async ([file, keys]) => {
        const data = Uint8Array.from(atob(file), (one) => one.charCodeAt(0));
        try { await verify(data, keys); return null; }
        catch (error) { return error instanceof Fault ? error.fault : String(error); }
    }"""
    cases = forgeries()
    expected = {what: verify(data, OURS.keys) for what, data in cases.items()}
    wanted = {what: said.fault.value if isinstance(said, NotGenuine) else None for what, said in expected.items()}
    found = {
        what: page.evaluate(judge, [base64.b64encode(data).decode(), OURS.published]) for what, data in cases.items()
    }
    assert found == wanted
    # The forgeries are worth something: all but one of the faults occur.
    assert {fault.value for fault in Fault} - set(filter(None, wanted.values())) <= {"text-differs"}


@pytest.mark.browser
def test_every_place_of_every_small_tree_and_every_outcome_is_proved(opened: Callable[..., Page]) -> None:
    page = opened()
    judge = """async ([files, keys]) => {
        const faults = [];
        for (const file of files) {
            try { await verify(new TextEncoder().encode(file), keys); }
            catch (error) { faults.push(error.fault ?? String(error)); }
        }
        return faults;
    }"""
    logs = [desk(size) for size in (1, 2, 3, 7, 8, 9)] + [desk(2, decision) for decision in Decision]
    for log in logs:
        files = [log.receipt(position).decode() for position in range(1, len(log.records) + 1)]
        assert page.evaluate(judge, [files, log.published]) == []


@pytest.mark.browser
def test_a_reader_is_told_what_was_found(opened: Callable[..., Page], site: str) -> None:
    page = opened()
    expect(page.locator("#keys")).not_to_have_value("", timeout=30_000)
    good = check(page, GENUINE)
    for words in (
        "The receipt is genuine",
        "Consent given",
        "Offers",
        "12 March 2026",
        "witness.example",
        f"5, {BASE}/{EPOCH}",
    ):
        assert words in good
    assert "bad-signature" in check(page, forgeries()["changed payload"])
    assert "somebody else made it" in check(page, forgeries()["a stranger"])
    assert "This file is not a receipt" in check(page, b"%PDF-1.7")
    assert "not proved yet" in check(page, forgeries()["pending"])
    page.click("[data-lang=lv]")
    assert "Kvīts ir īsta" in page.inner_text(".verdict")
    assert page.title() == "Kvīts pārbaude"


@pytest.mark.browser
def test_the_saved_page_works_without_a_network_and_sends_nothing(opened: Callable[..., Page], tmp_path: Path) -> None:
    saved = tmp_path / "verify.html"
    saved.write_bytes(verify_page.verify_page().html)
    page = opened(saved.as_uri(), offline=True)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.fill("#keys", OURS.published)
    assert "The receipt is genuine" in check(page, GENUINE)
    assert asked == []


@pytest.mark.browser
def test_a_browser_without_ed25519_is_told_where_else_to_go(opened: Callable[..., Page], site: str) -> None:
    page = opened()
    page.add_init_script("SubtleCrypto.prototype.importKey = () => Promise.reject(new Error('NotSupportedError'))")
    page.reload()
    page.wait_for_selector("#lacking:not([hidden])")
    assert "does not know Ed25519" in page.inner_text("#lacking")
    assert page.is_disabled("#check")
    assert "placet receipt verify" in page.inner_text("main")


@pytest.mark.browser
@pytest.mark.parametrize(
    ("language", "width", "scheme"), [("lv", 390, "dark"), ("ru", 390, "light"), ("en", 1280, "light")]
)
def test_it_is_readable_for_everybody(opened: Callable[..., Page], language: str, width: int, scheme: str) -> None:
    # The policy lets nobody else's script in, a test's neither; what is on the page is the same without it.
    page = opened(language=language, width=width, color_scheme=scheme, bypass_csp=True)
    assert page.evaluate("document.documentElement.lang") == language
    axe = axe_source()
    for data in (None, GENUINE, b"%PDF-1.7"):
        if data is not None:
            check(page, data)
        page.evaluate(axe)
        found = page.evaluate(
            "async () => (await axe.run(document)).violations.map((one) => [one.id, one.nodes[0].html])"
        )
        assert found == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_reader_of_json_finds_the_words_in_the_page() -> None:
    words = re.search(r'<script type="application/json" id="words">(.*?)</script>', page_text(), re.DOTALL)
    assert words is not None
    assert json.loads(words[1])["title"]["lv"] == "Kvīts pārbaude"
