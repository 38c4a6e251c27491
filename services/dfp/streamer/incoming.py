"""Puts the frames that a client sends together to messages, and refuses what no client of ours has a reason to send."""

from dfp.contracts.errors import ContractError

LARGEST = 64 * 1024
"""Bytes of a message, in one frame or several: some 5,000 symbols."""


class Unacceptable(Exception):
    """The connection has to end.

    Attributes:
        code: to close it with, see RFC 6455, 7.4.1.
    """

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class Incoming:
    """The message of which some frames have come.

    Memory: `LARGEST` at most.
    """

    def __init__(self) -> None:
        self._data = bytearray()  # no list: thousands of fragments of one byte would be large
        self._open = False
        self._binary = False

    def add(self, payload: bytes, *, begins: bool, binary: bool, fin: bool) -> bytes | None:
        """Take the next data frame; the message when it is whole.

        Args:
            begins: it is no continuation.
            binary: of the first frame.

        Raises:
            Unacceptable: the connection has to end.
            ContractError: a binary message, which says nothing that we know.
        """
        if begins is self._open:
            raise Unacceptable(1002, "a message within a message" if begins else "a continuation of nothing")
        if begins:
            self._binary = binary
        self._open = not fin
        if len(self._data) + len(payload) > LARGEST:
            raise Unacceptable(1009, f"more than {LARGEST} bytes in one message")
        self._data += payload
        if not fin:
            return None
        data = bytes(self._data)
        self._data = bytearray()
        if self._binary:
            raise ContractError("message", f"{len(data)} bytes in a binary frame", "a text frame with JSON")
        try:
            data.decode()
        except UnicodeDecodeError as error:
            raise Unacceptable(1007, f"not UTF-8: {error.reason} at byte {error.start}") from None
        return data
