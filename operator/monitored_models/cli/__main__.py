"""`python -m monitored_models.cli` is `mmctl`."""

from .main import main

main()
