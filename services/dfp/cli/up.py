"""`dfp up`: the whole pipeline on one machine."""

from pathlib import Path
from typing import Annotated

import typer

from dfp.local.source import Source


def up(
    manifests: Annotated[
        list[Path] | None,
        typer.Option("--file", "-f", help="Manifest or folder of manifests; may be repeated. [default: the examples]"),
    ] = None,
    source: Annotated[Source, typer.Option(help="Where ticks come from.")] = Source.SYNTHETIC,
    data: Annotated[
        list[Path] | None, typer.Option(help="File to replay (.parquet, .csv, .csv.gz); may be repeated, in order.")
    ] = None,
    reference: Annotated[
        list[Path] | None,
        typer.Option(help="Table of reference data: limits, sectors, daily bars; may be repeated. [default: invented]"),
    ] = None,
    clock: Annotated[
        str | None, typer.Option(help="With --source raw_ticks: wall, or ticks for trials outside of trading hours.")
    ] = None,
    speed: Annotated[
        str | None, typer.Option(help="Market seconds a second, or max. [default: 1; max with --source replay]")
    ] = None,
    symbols: Annotated[int | None, typer.Option(help="Names of the synthetic market. [default: 300]")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the synthetic market. [default: 1]")] = None,
    duration: Annotated[
        str | None, typer.Option("--for", help="End by itself after this time: 60s, 15m. A replay ends when drained.")
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Write a JSON report at the end.")] = None,
    redis: Annotated[
        str | None, typer.Option(help="redis://, rediss:// or unix:// instead of the embedded Valkey.")
    ] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Keep logs and data there. [default: a new folder, removed at the end]")
    ] = None,
    http_port: Annotated[int, typer.Option(help="Gateway: page, REST and WebSocket.")] = 8888,
    api_port: Annotated[int, typer.Option(help="REST.")] = 8000,
    ws_port: Annotated[int, typer.Option(help="WebSocket.")] = 8100,
    prefix: Annotated[str, typer.Option(help="First part of all stream names; two pipelines on a Redis need two.")] = (
        "dfp"
    ),
    frame_rows: Annotated[
        str, typer.Option(help="Most ticks in a stream entry, or random:SEED to test that it does not matter.")
    ] = "512",
) -> None:
    """Run the whole pipeline on this machine, until Ctrl-C, --for, or the end of a replay.

    \b
    Examples:
      dfp up
      dfp up -f examples/ --for 60s --report report.json
      dfp up --source replay --data day.parquet --speed max --report report.json
      dfp up --source raw_ticks --clock ticks
      dfp up --redis redis://127.0.0.1:6379 --prefix research --speed 20
    """  # noqa: D301 - \b keeps the lines of the examples apart in the help
    import asyncio

    from dfp.local import options as checked
    from dfp.local.resolve import shipped_examples
    from dfp.local.screen import screen
    from dfp.local.up import up as run

    files = tuple(data or ())
    options = checked.Options(
        manifests=tuple(manifests or (shipped_examples(),)),
        source=source,
        data=files,
        reference=tuple(reference or ()),
        clock=clock,
        speed=checked.speed(speed, source),
        symbols=symbols,
        seed=seed,
        duration_s=checked.duration(duration),
        report=report,
        redis_url=checked.redis_url(redis),
        data_dir=data_dir,
        prefix=checked.prefix(prefix),
        frame_rows=checked.frame_rows(frame_rows),
        http_port=http_port,
        api_port=api_port,
        ws_port=ws_port,
    )
    checked.check_source(options)
    checked.check_reference(options.reference)
    checked.check_report(report)
    raise typer.Exit(asyncio.run(run(options, screen())))
