"""What the snippets of the page "Bring your own" presume, one file a tool: `made()` leaves it in the current folder and
returns the names that the snippet uses beside `lrensemble` and `rows`."""
