"""The only way to the network: hosts that are known before, https, public addresses, no redirects.

A download is aimed by what a user types and by what servers answer. Neither may make this machine talk to itself or
to its neighbours. A name is resolved once, every address that comes of it is looked at, and the connection goes to one
of those very addresses: a name server that answers differently the second time is not asked a second time.
"""

import ipaddress
import socket
from collections.abc import Collection
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from algotrade.errors import MarketDataError

LARGEST_ANSWER_BYTES = 64 << 20
NAT64 = ipaddress.ip_network("64:ff9b::/96")
GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
"""All of IPv6 that is given out to the public; what lies outside leads to one's own site, or inside by a detour."""
NOT_PUBLIC = tuple(map(ipaddress.ip_network, ("192.0.0.0/24", "192.88.99.0/24", "3fff::/20")))
"""What the standard library takes for global: protocol assignments, relays of 6to4, documentation."""
REDIRECTS = range(300, 400)


class AddressRefused(MarketDataError):
    """A request would have gone where downloads may not go; nothing was sent there."""


class GuardedSession(requests.Session):
    """A session that reaches the given hosts only.

    Attributes:
        status: of the last answer; 0 while there was none.
    """

    def __init__(self, hosts: Collection[str], mirror: str = "") -> None:
        """Allow `hosts`, by https.

        Args:
            hosts: their names.
            mirror: scheme, host and port that all requests go to instead, as this installation's settings say; it may
                be anywhere.
        """
        super().__init__()
        self.trust_env = False
        self.status = 0
        self._hosts = frozenset(hosts)
        self._mirror = urlsplit(mirror) if mirror else None
        if self._mirror is None:
            self.adapters.clear()
            self.mount("https://", _GuardedAdapter(max_retries=0))

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Send a request to an allowed host.

        Raises:
            AddressRefused: the host is another one, or its address is not public, or the answer leads elsewhere.
            MarketDataError: the answer is larger than any that is good for something.
            requests.RequestException: there is no answer.
        """
        parts = urlsplit(str(request.url))
        if parts.scheme != "https" or parts.hostname not in self._hosts or parts.port not in (None, 443):
            raise AddressRefused(
                f"{parts.scheme}://{parts.netloc} is not an address of this exchange: "
                f"https with {', '.join(sorted(self._hosts))}."
            )
        if self._mirror is not None:
            request.url = urlunsplit(parts._replace(scheme=self._mirror.scheme, netloc=self._mirror.netloc))
        self.status = 0
        response = super().send(request, **{**kwargs, "allow_redirects": False, "proxies": None, "stream": True})
        self.status = response.status_code
        if response.status_code in REDIRECTS:
            where = response.headers.get("Location", "nowhere")[:200]
            raise AddressRefused(f"{parts.netloc} redirects to {where}; downloads follow no redirect.")
        _read(response, parts.netloc)
        return response


def _read(response: requests.Response, place: str) -> None:
    """Take in the body, and no more of it than an answer may have: what is unpacked counts."""
    body = bytearray()
    for chunk in response.iter_content(1 << 16):
        body += chunk
        if len(body) > LARGEST_ANSWER_BYTES:
            response.close()
            raise MarketDataError(f"{place} answered more than {LARGEST_ANSWER_BYTES:,} bytes.")
    response._content = bytes(body)


class _GuardedConnection(HTTPSConnection):
    """A connection to public addresses only."""

    def _new_conn(self) -> socket.socket:
        try:
            addresses = public_addresses(self._dns_host, self.port)
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error
        last: OSError | None = None
        for family, address in addresses:
            connection = socket.socket(family, socket.SOCK_STREAM)
            try:
                if isinstance(self.timeout, int | float):
                    connection.settimeout(self.timeout)
                connection.connect(address)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return connection
            except OSError as error:
                connection.close()
                last = error
        if isinstance(last, TimeoutError):
            raise ConnectTimeoutError(self, f"Connection to {self.host} timed out.") from last
        raise NewConnectionError(self, f"No connection to {self.host}: {last}.") from last


class _GuardedPool(HTTPSConnectionPool):
    ConnectionCls = _GuardedConnection


class _GuardedAdapter(HTTPAdapter):
    """Opens guarded connections; knows no plain ones."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"https": _GuardedPool}


def public_addresses(host: str, port: int) -> list[tuple[int, Any]]:
    """Return family and address of every address of a host.

    Raises:
        AddressRefused: one of them is not public.
        socket.gaierror: the name is unknown.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    for _, _, _, _, address in found:
        if not is_public(str(address[0])):
            raise AddressRefused(f"{host} leads to {address[0]}, which is not a public address.")
    return [(family, address) for family, _, _, _, address in found]


def is_public(text: str) -> bool:
    """Whether an address is one of the public internet: not private, local, reserved, or a way round to such a one."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address in NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
        if inner is not None:
            return is_public(str(inner))
        if address not in GLOBAL_UNICAST:
            return False
    return address.is_global and not address.is_multicast and not any(address in network for network in NOT_PUBLIC)
