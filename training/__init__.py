"""Training of the models that `mmrag` runs."""

import mmrag  # noqa: F401  # before peft, which would import bitsandbytes with its warning
