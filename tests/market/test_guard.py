"""Downloads reach public addresses of known hosts, and nothing else: not by name, by redirect, by a changed answer."""

import socket
import threading

import pytest
import requests

from algotrade.errors import MarketDataError
from algotrade.market.vendors import guard
from algotrade.market.vendors.exchanges import Exchange, hosts_of, known_exchanges
from algotrade.market.vendors.guard import AddressRefused, GuardedSession, is_public
from tests import exchange as fake
from tests.exchange import EXCHANGE, LocalExchange


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.1", "172.16.3.4", "192.168.1.1", "169.254.169.254", "100.64.0.1",
        "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1%eth0", "fc00::1", "ff02::1", "::ffff:127.0.0.1",
        "::ffff:10.0.0.1", "2002:7f00:1::", "64:ff9b::7f00:1", "2001:db8::1",
        "64:ff9b:1::1", "64:ff9b:1:ffff::808:808", "fec0::1", "feff::1", "::127.0.0.1", "::8.8.8.8", "5f00::1",
        "192.0.0.8", "192.0.0.9", "192.88.99.1", "192.88.99.255", "::ffff:192.88.99.1", "64:ff9b::c058:6301",
        "3fff::1", "2001::1", "2001:10::1", "100::1", "4000::1", "1fff::1", "240.0.0.1", "198.18.0.1", "192.0.2.1",
    ],
)  # fmt: skip
def test_address_that_is_not_public_is_known(address):
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "8.8.8.8", "104.18.32.7", "192.0.1.1", "192.88.98.1", "2606:4700::6812:2007", "2a00:1450::1", "::ffff:8.8.8.8",
        "64:ff9b::808:808", "2002:808:808::1",
    ],
)  # fmt: skip
def test_address_that_is_public_is_known(address):
    assert is_public(address)


class Listener:
    """A server on this machine that nothing should reach."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        self.came = []
        self.thread = threading.Thread(target=self._accept)
        self.thread.start()

    def _accept(self):
        try:
            while True:
                self.came.append(self.socket.accept()[1])
        except OSError:
            return

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.socket.close()


@pytest.fixture
def listener():
    server = Listener()
    yield server
    server.close()


def resolves_to(monkeypatch, *answers):
    """Let every name resolve to the answers, one look-up after the other; return the names that were looked up."""
    asked, left = [], list(answers)

    def getaddrinfo(host, port, *_args, **_kwargs):
        asked.append(host)
        addresses = left.pop(0) if len(left) > 1 else left[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["8.8.8.8", "10.0.0.7"], ["169.254.169.254"]])
def test_name_that_leads_inside_is_refused(monkeypatch, addresses):
    resolves_to(monkeypatch, addresses)
    with pytest.raises(AddressRefused, match="is not a public address"):
        GuardedSession({"api.example.com"}).get("https://api.example.com/x", timeout=2)


def test_name_that_leads_inside_the_second_time_gets_no_connection(monkeypatch):
    """A connection goes to an address that was looked at: the name is not resolved again between look and connect."""
    asked = resolves_to(monkeypatch, ["8.8.8.8"], ["127.0.0.1"])
    went = []
    monkeypatch.setattr(socket.socket, "connect", lambda _self, address: went.append(address) or _fail())
    with pytest.raises(requests.ConnectionError):
        GuardedSession({"api.example.com"}).get("https://api.example.com/x", timeout=2)
    assert (asked, went) == (["api.example.com"], [("8.8.8.8", 443)])
    with pytest.raises(AddressRefused):
        GuardedSession({"api.example.com"}).get("https://api.example.com/x", timeout=2)
    assert went == [("8.8.8.8", 443)]


def _fail():
    raise ConnectionRefusedError("nobody there")


@pytest.mark.parametrize(
    "url",
    [
        "http://api.example.com/x",
        "https://other.example.com/x",
        "https://api.example.com.evil.example/x",
        "https://api.example.com@evil.example/x",
        "https://api.example.com:8443/x",
        "https://127.0.0.1/x",
        "ftp://api.example.com/x",
    ],
)
def test_other_places_are_refused_before_anything_is_resolved(monkeypatch, url):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_a, **_k: pytest.fail("it was resolved"))
    with pytest.raises((AddressRefused, requests.RequestException)):
        GuardedSession({"api.example.com"}).get(url, timeout=2)


def test_redirect_is_not_followed(listener):
    with LocalExchange() as server:
        where = f"{listener.url}/inside"
        server.troubles.append(fake.redirects(where))
        exchange = Exchange(EXCHANGE, server.url)
        exchange.instruments()
        with pytest.raises(AddressRefused, match=f"redirects to {where}"):
            exchange.fetch(fake.ASSET, "1h", fake.BEGIN * 10**9, 10)
    assert listener.came == []


def test_proxies_of_the_environment_are_not_asked(monkeypatch, listener):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, listener.url)
    resolves_to(monkeypatch, ["10.0.0.1"])
    with pytest.raises(AddressRefused, match="leads to 10"):
        GuardedSession({"api.example.com"}).get("https://api.example.com/x", timeout=2)
    assert listener.came == []


def test_answer_without_end_is_cut_off(monkeypatch):
    monkeypatch.setattr(guard, "LARGEST_ANSWER_BYTES", 100_000)
    with LocalExchange() as server:
        server.troubles.append(lambda handler, _found: handler.send(b" " * 1_000_000))
        exchange = Exchange(EXCHANGE, server.url)
        exchange.instruments()
        with pytest.raises(MarketDataError, match="more than 100,000 bytes"):
            exchange.fetch(fake.ASSET, "1h", fake.BEGIN * 10**9, 10)


def test_every_exchange_has_hosts_of_its_own():
    import ccxt

    for name in known_exchanges():
        hosts = hosts_of(getattr(ccxt, name)())
        assert hosts, name
        assert all("{" not in host and "." in host for host in hosts), name
