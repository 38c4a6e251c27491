"""`python -m dfp.cli` is `dfp`, also where no script is on PATH."""

from dfp.cli.main import run

if __name__ == "__main__":
    run()
