"""THE DOORS: settings, wiring, CLI, HTTP API, console, chat, the clock."""
