"""Pages of HTML, each one file that needs no other and no network."""
