"""`python -m monitored_models.codegen` writes the generated files, or compares them with --check."""

import sys

from .generated_files import main

sys.exit(main())
