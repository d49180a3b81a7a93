"""Names of ports and addresses (contract PF33, PF34), whatever this machine's files say."""

from __future__ import annotations

import socket

import pytest

from dtrace_py.output import network

NAMES = {"192.0.2.1": "gateway.example", "2001:db8::1": "six.example"}


@pytest.fixture(autouse=True)
def made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def by_address(address: str) -> tuple[str, list[str], list[str]]:
        if address not in NAMES:
            raise socket.herror(1, "Unknown host")
        return NAMES[address], [], [address]

    def by_port(port: int) -> str:
        if port != 22:
            raise OSError("port/proto not found")
        return "ssh"

    monkeypatch.setattr(socket, "gethostbyaddr", by_address)
    monkeypatch.setattr(socket, "getservbyport", by_port)
    network.host.cache_clear()
    network.service.cache_clear()


@pytest.mark.parametrize(
    ("address", "name"),
    [*NAMES.items(), ("192.0.2.2", "192.0.2.2"), ("2001:db8::2", "2001:db8::2"), ("nobody", "nobody"), ("", "")],
)
def test_host(address: str, name: str) -> None:
    assert network.host(address) == name


def test_service() -> None:
    assert network.service(22) == "ssh"
    assert network.service(2200) == "2200"
