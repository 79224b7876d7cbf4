"""Days at a site, as data: who came when, and what the site made of it."""
