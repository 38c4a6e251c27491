import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import free_port
from dfp.local.mistake import UserMistake
from dfp.local.ports import HEALTH, VALKEY, Ports, describe, is_free, owner


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_port_that_somebody_listens_on_is_not_free(taken: int) -> None:
    assert not is_free(taken)
    assert is_free(free_port())


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
    assert owner(free_port()) == "another process"


def test_a_pid_that_is_gone_is_described_by_its_number() -> None:
    assert describe(2**22 + 1) == f"pid {2**22 + 1}"


@pytest.fixture
def ports() -> Iterator[Ports]:
    ports = Ports()
    yield ports
    ports.close()


def test_every_port_that_cannot_be_had_is_refused_in_one_message(ports: Ports, taken: int) -> None:
    free = free_port()
    with pytest.raises(UserMistake) as refused:
        ports.take_doors({"--http-port": taken, "--api-port": free, "--ws-port": free, "--other": 70_000})
    message = str(refused.value)
    assert f"--http-port: port {taken} is taken by pid {os.getpid()}" in message
    assert "choose another port with --http-port" in message
    assert f"--ws-port: {free} is not allowed; --api-port has it already" in message
    assert "--other: 70000 is not allowed; expected a port from 1 to 65535" in message


def test_a_port_that_another_run_has_reserved_is_refused_before_anybody_listens_on_it(ports: Ports) -> None:
    port = free_port()
    ports.take_doors({"--http-port": port})
    other = Ports()
    with pytest.raises(UserMistake, match=f"port {port} is taken by another `dfp up` that is starting"):
        other.take_doors({"--http-port": port})
    ports.close()
    other.take_doors({"--http-port": port})
    other.close()


def test_two_runs_never_share_a_port_that_nobody_listens_on_yet(ports: Ports) -> None:
    other = Ports()
    mine, theirs = ports.take_free(3, HEALTH), other.take_free(3, HEALTH)
    other.close()
    assert len({*mine, *theirs}) == 6


def test_ports_in_use_are_passed_over(ports: Ports) -> None:
    (first,) = ports.take_free(1, HEALTH)
    ports.close()
    with socket.create_server(("127.0.0.1", first)):
        assert min(ports.take_free(2, HEALTH)) > first


def test_a_range_without_enough_free_ports_is_refused(ports: Ports) -> None:
    with pytest.raises(UserMistake, match=r"ports: 801 free ones are needed from 9100 to 9899, \d+ are free"):
        ports.take_free(801, HEALTH)


def test_no_port_of_ours_can_be_taken_by_an_outgoing_connection() -> None:
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert max(*HEALTH, *VALKEY) < lowest
