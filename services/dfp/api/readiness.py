"""One health of several feeds: it is as good as the worst of them."""

from dfp.runtime.probes import Health


class Readiness:
    """Combines feeds for the service's probes.

    Args:
        whole: what the probes answer by.
    """

    def __init__(self, whole: Health) -> None:
        self.whole = whole
        self._parts: list[Health] = []

    def part(self) -> Health:
        """The health of one more feed."""
        part = _Part(self)
        self._parts.append(part)
        return part

    def tell(self) -> None:
        """Something has changed."""
        worst = next((part for part in self._parts if not part.ready), self._parts[0])
        if (self.whole.state, self.whole.ready) != (worst.state, worst.ready):
            self.whole.become(worst.state, ready=worst.ready)
        self.whole.turn()


class _Part(Health):
    def __init__(self, joint: Readiness) -> None:
        super().__init__("reading the log")
        self._joint = joint

    def turn(self) -> None:
        super().turn()
        self._joint.whole.turn()

    def become(self, state: str, *, ready: bool = False) -> None:
        super().become(state, ready=ready)
        self._joint.tell()
