"""`python -m whisperwatch`: the command, for where its script is not on the PATH or Python needs options."""

import sys

from whisperwatch.cli import main

sys.exit(main())
