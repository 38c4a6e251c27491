"""The command `dfp`, one file per command group. Rooms are imported when their command runs, so that help is quick."""
