"""Who may call, and with what methods: every address of the API, asked by strangers, in vain, and in the wrong way."""

from tests.contract.recorder import in_order

NOWHERE = "00000000-0000-4000-8000-000000000000"
PLACES = {"run_id": NOWHERE, "upload_id": NOWHERE, "key": "NOPE-NONE-1h", "number": "1", "action": "check"}
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
CHANGES = ("POST", "PUT", "PATCH", "DELETE")
POLICY = "Content-Security-Policy"
SECURITY = (POLICY, "X-Frame-Options", "X-Content-Type-Options", "Referrer-Policy",
            "Cross-Origin-Opener-Policy", "Strict-Transport-Security")  # fmt: skip


def record(recorder):
    """Record the parts."""
    document = recorder.part("document").ask("openapi", "GET", "/api/openapi.json", volatile=None)
    _every_address(recorder, document)
    _catalog(recorder)
    _sessions(recorder)


def _every_address(recorder, document):
    """Record how each address answers to those who may not, for what is not there, and to other methods."""
    part = recorder.part("addresses of the API")
    for path, methods in document["paths"].items():
        place = path.format_map(PLACES)
        for method in METHODS:
            callers = ("owner", "guest", "stranger", "forger") if method.lower() in methods else ("owner", "stranger")
            part.note(f"{method} {path}", {name: _short(recorder.callers[name], method, place) for name in callers})
    for path in ("/api/", "/api/nothing", "/api/backtests", "/api/strategies", "/api/backtests/one", "/api/docs"):
        part.note(f"GET {path}", {name: _short(recorder.callers[name], "GET", path) for name in ("owner", "stranger")})


def _short(client, method, path):
    answer = client.ask_json(method, path)
    told = {"status": answer.status, **in_order(answer.headers)}
    is_error = answer.status >= 400 and answer.kind == "application/json"
    return {**told, **answer.json()} if is_error else told


def _catalog(recorder):
    part = recorder.part("strategies")
    part.ask("list", "GET", "/api/strategies/")
    part.ask("list as somebody else", "GET", "/api/strategies/?colour=red", caller="forger")


def _sessions(recorder):
    """Record what a browser's session may do, with the token against forgery and without."""
    part = recorder.part("access")
    browser = recorder.callers["browser"]
    token = next(cookie.value for cookie in browser.cookies if cookie.name == "csrftoken")
    part.ask("list with a session", "GET", "/api/backtests/?limit=1&offset=1000", caller="browser")
    part.ask("submit with a session alone", "POST", "/api/backtests/", {}, caller="browser")
    part.ask("submit with a session and its token", "POST", "/api/backtests/", {}, caller="browser", X_CSRFToken=token)
    part.ask("submit from another site", "POST", "/api/backtests/", {}, caller="browser", X_CSRFToken=token,
             Origin="https://elsewhere.example")  # fmt: skip
    part.ask("call for another host", "GET", "/api/backtests/", Host="elsewhere.example")
    for path in ("/", "/runs", "/login/", "/login/wrong", "/api/docs", "/admin/", "/nowhere", "/static/nothing.js"):
        part.send(f"stranger at {path}", path, None, method="GET", caller="stranger")
    part.send("stranger with a wrong password", "/login/", b"username=trader&password=wrong", caller="stranger")
    for path in ("/runs", "/api/strategies/"):
        headers = browser.ask("GET", path).every
        told = {name: headers[name] for name in SECURITY if headers[name]}
        told[POLICY] = sorted(told[POLICY].split("; "))
        part.note(f"security headers of {path}", told)
