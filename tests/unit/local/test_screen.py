import io

import pytest
from rich.console import Console

from dfp.local.observe import ServiceView, View, resident
from dfp.local.screen import Plain, Terminal, drawn, market_time, screen, summary
from documents import MORNING, opportunity


def view(**changed: object) -> View:
    services = [
        ServiceView("collector", "serving", ready=True, pid=4711, restarts=1, backlog=None, rss=80 << 20),
        ServiceView("features", "compiling feature kernel", ready=False, pid=None, restarts=0, backlog=1234, rss=None),
    ]
    values: dict[str, object] = {
        "services": services,
        "event_time": MORNING,
        "accepted": 20980,
        "rate": 1234.5,
        "signals": 57,
        "opportunities": 12,
        "latest": [opportunity("a"), opportunity("b", price=None)],
    }
    return View(**{**values, **changed})  # type: ignore[arg-type]


def text(drawing: object) -> str:
    out = io.StringIO()
    Console(file=out, width=160).print(drawing)
    return out.getvalue()


def test_market_time_is_exchange_time_with_its_phase() -> None:
    assert market_time(MORNING) == "2022-06-01 09:31:03 CONTINUOUS"
    assert market_time(None) == "no tick yet"


def test_a_plain_line_says_what_came_in_what_came_out_and_who_is_unwell() -> None:
    assert summary(view()) == (
        "2022-06-01 09:31:03 CONTINUOUS | 20,980 ticks | 57 signals | 12 opportunities | 1 restarts"
        " | features compiling feature kernel"
    )


def test_who_was_asked_to_end_is_not_unwell() -> None:
    ended = ServiceView("features", "stopped", ready=False, pid=None, restarts=0, backlog=0, rss=None)
    assert summary(view(services=[ended])).endswith("| 0 restarts")


def test_before_the_first_tick_plain_output_says_nothing() -> None:
    out = io.StringIO()
    Plain(Console(file=out)).show(view(event_time=None))
    assert out.getvalue() == ""


def test_the_table_shows_each_service_and_the_last_opportunities() -> None:
    shown = text(drawn(view()))
    assert "collector  serving                   4711         1        -      80" in shown
    assert "features   compiling feature kernel     -         0    1,234       -" in shown
    assert "20,980 ticks, 1,234/s" in shown
    assert "09:31:03  300122.SZ  Up    Tracking   0.60      87.30  breakout" in shown
    assert "0.60          -  breakout" in shown


def test_plain_output_repeats_no_line_and_keeps_lines_for_people_apart() -> None:
    out = io.StringIO()
    plain = Plain(Console(file=out, width=80))
    plain.say("dfp: [not markup] " + "x" * 100)
    plain.show(view())
    plain.show(view(accepted=20981))
    plain.close()
    lines = out.getvalue().splitlines()
    assert lines == ["dfp: [not markup] " + "x" * 100, summary(view())]


def test_a_terminal_gets_a_table_that_stays_in_place() -> None:
    out = io.StringIO()
    terminal = Terminal(Console(file=out, width=160, force_terminal=True))
    terminal.say("starting")
    terminal.show(view())
    terminal.show(view(accepted=1))
    terminal.close()
    terminal.close()
    assert "starting" in out.getvalue()
    assert "1 ticks" in out.getvalue()


def test_output_that_is_no_terminal_is_plain(capsys: pytest.CaptureFixture[str]) -> None:
    shown = screen()
    shown.say("hello")
    assert isinstance(shown, Plain)
    assert capsys.readouterr().out == "hello\n"


def test_the_memory_of_a_process_that_is_gone_is_unknown() -> None:
    assert resident(None) is None
    assert resident(2**22 + 1) is None
