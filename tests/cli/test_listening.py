"""A socket is had at the first port that is free, or refused in a line."""

import socket

import pytest

from lrensemble.cli.listening import address_of, listen
from lrensemble.errors import ConfigError


def test_a_port_that_is_taken_is_refused_or_passed_over() -> None:
    with listen("127.0.0.1", (0,)) as first:
        taken = first.getsockname()[1]
        with pytest.raises(
            ConfigError, match=rf"cannot listen at 127.0.0.1, port {taken}: .*in use; give another --port"
        ):
            listen("127.0.0.1", (taken,))
        with listen("127.0.0.1", (taken, 0)) as second:
            free = second.getsockname()[1]
            assert free != taken
            assert address_of(second) == f"http://127.0.0.1:{free}"


@pytest.mark.parametrize("host", ["no.such.host.invalid", "x" * 70 + ".invalid"])
def test_a_host_that_is_not_this_machine_is_refused(host: str) -> None:
    with pytest.raises(ConfigError, match=rf"cannot listen at {host}, port 8123 to 8125: .*; give another --port"):
        listen(host, range(8123, 8126))


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
def test_an_address_is_written_as_browsers_take_it() -> None:
    with listen("0.0.0.0", (0,)) as everywhere:
        assert address_of(everywhere).startswith("http://127.0.0.1:")
    try:
        listening = listen("::1", (0,))
    except ConfigError:
        pytest.skip("no IPv6 here")
    with listening:
        assert address_of(listening).startswith("http://[::1]:")


def test_answers_do_not_wait_for_one_another() -> None:
    """A connection sends what it has at once (RFC 896 would hold the second part of an answer back)."""
    with (
        listen("127.0.0.1", (0,)) as listening,
        socket.create_connection(listening.getsockname()),
        listening.accept()[0] as connection,
    ):
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
