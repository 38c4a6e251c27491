import os
import socket
from collections.abc import Iterator

import pytest

from dfp.local.mistake import UserMistake
from dfp.local.ports import any_free_port, check, describe, free_health_ports, is_free, owner


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_port_that_somebody_listens_on_is_not_free(taken: int) -> None:
    assert not is_free(taken)
    assert is_free(any_free_port())


def test_a_port_is_free_again_right_after_its_server_ended() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            accepted, _ = server.accept()
            accepted.close()  # the side that closes first stays in TIME_WAIT
            assert client.recv(1) == b""
    assert is_free(port)


def test_the_owner_of_a_taken_port_is_named_with_pid_and_command(taken: int) -> None:
    assert owner(taken).startswith(f"pid {os.getpid()} (")
    assert "python" in owner(taken) or "pytest" in owner(taken)


def test_a_port_without_a_listener_has_no_known_owner() -> None:
    assert owner(any_free_port()) == "another process"


def test_a_pid_that_is_gone_is_described_by_its_number() -> None:
    assert describe(2**22 + 1) == f"pid {2**22 + 1}"


def test_every_port_that_cannot_be_had_is_refused_in_one_message(taken: int) -> None:
    free = any_free_port()
    with pytest.raises(UserMistake) as refused:
        check({"--http-port": taken, "--api-port": free, "--ws-port": free, "--other": 70_000})
    message = str(refused.value)
    assert f"--http-port: port {taken} is taken by pid {os.getpid()}" in message
    assert "choose another port with --http-port" in message
    assert f"--ws-port: {free} is not allowed; --api-port has it already" in message
    assert "--other: 70000 is not allowed; expected a port from 1 to 65535" in message


def test_free_ports_pass_the_check() -> None:
    check({"--http-port": any_free_port()})


def test_health_ports_are_the_first_free_ones_without_the_doors() -> None:
    first = free_health_ports(1, ())[0]
    with socket.create_server(("127.0.0.1", first)):
        found = free_health_ports(3, doors={first + 1})
    assert len(set(found)) == 3
    assert min(found) > first + 1


def test_too_many_health_ports_are_refused() -> None:
    with pytest.raises(UserMistake, match="801 free ports are needed"):
        free_health_ports(801, ())
