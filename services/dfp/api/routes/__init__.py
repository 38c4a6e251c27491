"""The routes, one file a subject. Each has an `install` that adds its own to the application."""
