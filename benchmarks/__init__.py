"""Every figure that README quotes, as a command: `make bench NAME=features`."""
