"""Files as the reference library writes them, for safetensors.test.ts.

Ran on: Python 3.11.7, safetensors 0.8.0 (version recorded in each file's metadata), numpy 2.4.
Call: python make_safetensors.py   (writes reference.safetensors beside itself)
"""

from pathlib import Path

import numpy
import safetensors
from safetensors.numpy import save_file

save_file(
    {
        "conv/kernel": numpy.arange(24, dtype=numpy.float32).reshape(2, 3, 4) / 7,
        "labels": numpy.array([[-1, 2], [3, 2**31 - 1]], dtype=numpy.int32),
        "pixels": numpy.arange(5, dtype=numpy.uint8),
        "scalar": numpy.array(2.5, dtype=numpy.float32),
        "empty": numpy.zeros((0, 4), dtype=numpy.float32),
    },
    Path(__file__).with_name("reference.safetensors"),
    {"safetensors": safetensors.__version__, "numpy": numpy.__version__, "note": "naïve ✓"},
)
