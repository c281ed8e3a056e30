"""
Turns a plain function of a `Visit` into a page: language, colour scheme, form checks, templates, error pages.

    shell = Shell(parts={"portal": "placet.interfaces.portal"}, config=config, form_key=key)
    site = shell.site([Route("/", shell.page(welcome))])
    def welcome(visit: Visit) -> Response: return shell.render(visit, "portal/welcome.html", notices=…)
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from functools import cache
from html import unescape
from importlib.resources import files
from typing import Any, Literal, TypeAlias
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import anyio
import anyio.to_thread
import attrs
import structlog
from jinja2 import Environment, PackageLoader, PrefixLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from placet.access.places import Place, place_of
from placet.config import Config
from placet.interfaces.web import forms, languages
from placet.interfaces.web.languages import LANGUAGES, OWN_NAMES, Language, Words
from placet.interfaces.web.origin import caller
from placet.interfaces.web.security import SecurityHeaders, cookie_name, drop_cookie, set_cookie
from placet.interfaces.web.uploads import Sent, Upload, read_upload
from placet.kernel import clock
from placet.kernel.errors import BadInput, Denied, NotFound, PlacetError, TooMany, Unavailable

Scheme = Literal["auto", "light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("auto", "light", "dark")
_YEAR = 31_536_000
_PACKED = 2
"""How hard pages are packed: half a millisecond, a quarter of the size."""
_LANGUAGE, _SCHEME, _SEED = "placet_language", "placet_scheme", "placet_visit"
_KINDS = {
    403: "denied",
    404: "not-found",
    405: "bad-method",
    413: "too-large",
    429: "too-many",
    500: "error",
    503: "unavailable",
}
"""Which text the error page has for a status."""
_READERS = anyio.CapacityLimiter(3)
"""
How many pages a process makes at the same time; the others wait in line. More threads would not make a page sooner:
they share one interpreter, and the last of twenty would wait for all its turns. A form has no such limit, since it may
wait for a commit.
"""
_log = structlog.get_logger(__name__)


@attrs.frozen
class Visit:
    """One request as a page sees it; *form* and *files* are empty unless something was posted and its token held."""

    request: Request
    words: Words
    scheme: Scheme
    seed: str
    form: Mapping[str, str]
    now: datetime
    address: str | None
    """Who calls, in full, for the limits on guessing; None when the server does not know it."""
    files: Mapping[str, tuple[Upload, ...]] = attrs.field(factory=dict)

    @property
    def place(self) -> Place:
        """The same coarsely, with the browser, for lists of sessions."""
        return place_of(self.address, self.request.headers.get("user-agent", ""))

    def here(self, **changed: str) -> str:
        """This page's path and query with *changed* parameters, for the language and colour links."""
        query = [(name, value) for name, value in self.request.query_params.multi_items() if name not in changed]
        query += changed.items()
        return f"{self.request.url.path}?{urlencode(query)}"


Page: TypeAlias = Callable[[Visit], Response]


@attrs.frozen
class Frame:
    """What stands around every page of a part, error pages too: its template, and the values that needs."""

    template: str = "web/base.html"
    values: Callable[[Visit], Mapping[str, object]] = lambda _visit: {}


class Shell:
    """Holds the templates and keys of one process; safe to share between threads."""

    def __init__(
        self,
        *,
        parts: Mapping[str, str],
        config: Config,
        form_key: forms.FormKey,
        frame: Frame | None = None,
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        self.https = config.url.startswith("https://")
        self.mode = config.mode
        self._zone = ZoneInfo(config.time_zone)
        self._proxies = config.proxies
        self._form_key = form_key
        self._frame = frame or Frame()
        self._now = now
        self._environments = {language: _environment(language, parts) for language in LANGUAGES}

    def page(self, handler: Page) -> Callable[[Request], Any]:
        """An endpoint that runs *handler* in a worker thread; a foreseen error becomes a page of its own."""

        async def posted(request: Request) -> Sent:
            return Sent(await forms.read_form(request), {})

        return self._endpoint(handler, posted)

    def upload(
        self, handler: Page, *, most_bytes: int, first: Callable[[Visit], Response | None]
    ) -> Callable[[Request], Any]:
        """
        As `page`, for a form with files in it, of at most *most_bytes* in all.

        Nothing of it is read before *first* was asked; where that has an answer, it is the answer.
        """

        async def posted(request: Request) -> Sent:
            return await read_upload(request, most_bytes=most_bytes)

        return self._endpoint(handler, posted, first)

    def _endpoint(
        self,
        handler: Page,
        posted: Callable[[Request], Awaitable[Sent]],
        first: Callable[[Visit], Response | None] = lambda _visit: None,
    ) -> Callable[[Request], Any]:
        async def answered(visit: Visit) -> Response:
            if visit.request.method != "POST":
                return await anyio.to_thread.run_sync(handler, visit, limiter=_READERS)
            if (response := await anyio.to_thread.run_sync(first, visit)) is not None:
                return response
            sent = await self._posted(visit.request, posted)
            return await anyio.to_thread.run_sync(handler, attrs.evolve(visit, form=sent.fields, files=sent.files))

        async def endpoint(request: Request) -> Response:
            visit = self._visit(request)
            try:
                response = await answered(visit)
            except PlacetError as error:
                response = self.error_page(visit, error)
            self._remember(visit, response)
            return response

        return endpoint

    def link(self, handler: Page) -> Callable[[Request], Any]:
        """
        As `page`, for an address that is the key itself, as those in messages are: a program that has no page of ours
        open may post to it (RFC 8058 §3.2), and no cookie is set.
        """

        async def endpoint(request: Request) -> Response:
            visit = self._visit(request)
            try:
                if request.method == "POST":
                    visit = attrs.evolve(visit, form=await forms.read_any(request))
                return await anyio.to_thread.run_sync(handler, visit)
            except PlacetError as error:
                return self.error_page(visit, error)

        return endpoint

    def render(self, visit: Visit, template: str, *, status: int = 200, **values: object) -> HTMLResponse:
        """The page *template* (`portal/home.html`) in the visitor's language."""
        page = self._environments[visit.words.language].get_template(template)
        text = page.render(
            visit=visit,
            words=visit.words,
            form_token=self._form_key.token(visit.seed),
            form_field=forms.FIELD,
            languages=OWN_NAMES,
            schemes=SCHEMES,
            mode=self.mode,
            frame=self._frame.template,
            **{**self._frame.values(visit), **values},
        )
        return _answer(visit.request, text, status)

    def text(self, words: Words, template: str, **values: object) -> str:
        """The words of *template* alone, in another reader's language: what is kept or sent, and is no page."""
        text = self._environments[words.language].get_template(template).render(words=words, **values)
        return unescape(text).strip()

    def error_page(self, visit: Visit, error: PlacetError) -> HTMLResponse:
        """What happened, that nothing was lost, and what to do, for a foreseen *error*."""
        response = self._error(visit, status_of(error), error.code)
        if error.retry_after is not None:
            response.headers["retry-after"] = str(error.retry_after)
        return response

    def site(self, routes: Sequence[BaseRoute]) -> Starlette:
        """The ASGI application of *routes*, with the static files and the error pages."""
        return Starlette(
            routes=[*routes, Mount("/static", _Static(packages=[("placet.interfaces.web", "static")]))],
            middleware=[Middleware(SecurityHeaders, https=self.https)],
            exception_handlers={HTTPException: self._unserved, Exception: self._unforeseen},
        )

    def new_seed(self, response: Response) -> None:
        """Forms opened before now stop being accepted: at signing in and out."""
        self.set_cookie(response, _SEED, forms.new_seed())

    def cookie(self, request: Request, name: str) -> str | None:
        return request.cookies.get(cookie_name(name, https=self.https))

    def set_cookie(self, response: Response, name: str, value: str, *, seconds: int | None = None) -> None:
        set_cookie(response, name, value, https=self.https, seconds=seconds)

    def drop_cookie(self, response: Response, name: str) -> None:
        drop_cookie(response, name, https=self.https)

    def _visit(self, request: Request) -> Visit:
        language = languages.choose(
            asked=request.query_params.get("lang"),
            remembered=self.cookie(request, _LANGUAGE),
            accepted=request.headers.get("accept-language", ""),
        )
        peer = None if request.client is None else request.client.host
        scheme = request.query_params.get("scheme") or self.cookie(request, _SCHEME)
        return Visit(
            request=request,
            words=Words(language, self._zone),
            scheme=_scheme(scheme),
            seed=self.cookie(request, _SEED) or forms.new_seed(),
            form={},
            now=self._now(),
            address=caller(peer, request.headers.getlist("x-forwarded-for"), self._proxies),
        )

    async def _posted(self, request: Request, read: Callable[[Request], Awaitable[Sent]]) -> Sent:
        forms.check_origin(request)
        sent = await read(request)
        if not self._form_key.holds(self.cookie(request, _SEED), sent.fields.get(forms.FIELD, "")):
            raise forms.ForeignForm("this page was open too long or came from elsewhere; nothing was changed")
        return sent

    def _remember(self, visit: Visit, response: Response) -> None:
        """The visitor's seed, and language and colours if they were just chosen; nothing that says who they are."""
        query = visit.request.query_params
        if "lang" in query:
            self.set_cookie(response, _LANGUAGE, visit.words.language, seconds=_YEAR)
        if "scheme" in query:
            self.set_cookie(response, _SCHEME, visit.scheme, seconds=_YEAR)
        set_already = any(b"placet_visit=" in value for name, value in response.raw_headers if name == b"set-cookie")
        if self.cookie(visit.request, _SEED) is None and not set_already:
            self.set_cookie(response, _SEED, visit.seed)

    async def _unserved(self, request: Request, error: Exception) -> Response:
        """Addresses and methods that nothing serves."""
        status = error.status_code if isinstance(error, HTTPException) else 500
        return self._error(self._visit(request), status, _KINDS.get(status, "bad-input"))

    async def _unforeseen(self, request: Request, error: Exception) -> Response:
        """The request boundary: a fault of ours is logged without anything the visitor sent."""
        _log.error("page failed", path=_without_keys(request), error=type(error).__name__)
        return self._error(self._visit(request), 500, "error")

    def _error(self, visit: Visit, status: int, code: str) -> HTMLResponse:
        kind = code if code == forms.ForeignForm.code else _KINDS.get(status, "bad-input")
        return self.render(visit, "web/error.html", status=status, code=code, kind=kind)


def status_of(error: PlacetError) -> int:
    """The HTTP status of a foreseen error."""
    match error:
        case NotFound():
            return 404
        case forms.FormTooLarge():
            return 413
        case BadInput():
            return 400
        case TooMany():
            return 429
        case Denied():
            return 403
        case Unavailable():
            return 503
        case _:
            return 500


def _answer(request: Request, text: str, status: int) -> HTMLResponse:
    """
    The page, packed where the browser takes that and nothing of the request can stand in it.

    What is packed together tells by its length how much of a guess was right (BREACH): so a page whose address has
    a question, or that answers a form, goes as it is.
    """
    taken = "gzip" in request.headers.get("accept-encoding", "")
    if not taken or request.method != "GET" or request.url.query:
        return HTMLResponse(text, status_code=status, headers={"vary": "accept-encoding"})
    packed = gzip.compress(text.encode(), _PACKED, mtime=0)
    return HTMLResponse(packed, status_code=status, headers={"content-encoding": "gzip", "vary": "accept-encoding"})


def _without_keys(request: Request) -> str:
    """The path as it may stand in a log: a token in it would open what it opens to whoever reads that."""
    path = request.url.path
    for value in request.path_params.values():
        path = path.replace(str(value), "…")
    return path


class _Static(StaticFiles):
    """Files whose address carries their hash may be kept for good."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        scope: Scope = args[2] if len(args) > 2 else kwargs["scope"]
        kept = b"v=" in scope.get("query_string", b"") or str(scope["path"]).endswith(".woff2")
        response.headers["cache-control"] = f"public, max-age={_YEAR}, immutable" if kept else "public, max-age=300"
        return response


def _environment(language: Language, parts: Mapping[str, str]) -> Environment:
    packages = {"web": "placet.interfaces.web", **parts}
    environment = Environment(
        loader=PrefixLoader({name: PackageLoader(package) for name, package in packages.items()}),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,  # Templates travel in the package; asking for each file's time cost 21 looks a page.
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    translations = languages.catalogue(language)
    environment.install_gettext_callables(translations.gettext, translations.ngettext, newstyle=True)  # type: ignore[attr-defined]
    environment.globals["static"] = _static_address
    return environment


@cache
def _static_address(name: str) -> str:
    """The address of a static file, with the hash of its content."""
    content = files("placet.interfaces.web").joinpath("static", name).read_bytes()
    return f"/static/{name}?v={hashlib.sha256(content).hexdigest()[:12]}"


def _scheme(text: str | None) -> Scheme:
    return next((scheme for scheme in SCHEMES if scheme == text), "auto")
