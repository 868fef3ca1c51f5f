"""Where a run happens: device, speed, seeds, files, threads, and the measurement that picks what is fast."""

from ganlab.runtime.checks import whole_number
from ganlab.runtime.devices import DEVICES, available_devices, device_name, pick_device, reproducible, synchronize
from ganlab.runtime.files import (
    cache_dir,
    data_file,
    endings_interrupt,
    interrupts_deferred,
    user_path,
    write_atomically,
)
from ganlab.runtime.lab import SPEEDS, Lab, start
from ganlab.runtime.precision import (
    FLOAT32,
    Precision,
    candidates,
    convolutions,
    fastest,
    named_precision,
    precisions,
    remembered,
)
from ganlab.runtime.progress import announce, progress
from ganlab.runtime.seeds import random_states, randomness_kept, seeded, seeded_generator, set_random_states
from ganlab.runtime.terminal import forgiving_output, path_argument
from ganlab.runtime.threads import MOST_THREADS, Contention, thread_counts, using_threads

__all__ = [
    "DEVICES",
    "FLOAT32",
    "MOST_THREADS",
    "SPEEDS",
    "Contention",
    "Lab",
    "Precision",
    "announce",
    "available_devices",
    "cache_dir",
    "candidates",
    "convolutions",
    "data_file",
    "device_name",
    "endings_interrupt",
    "fastest",
    "forgiving_output",
    "interrupts_deferred",
    "named_precision",
    "path_argument",
    "pick_device",
    "precisions",
    "progress",
    "random_states",
    "randomness_kept",
    "remembered",
    "reproducible",
    "seeded",
    "seeded_generator",
    "set_random_states",
    "start",
    "synchronize",
    "thread_counts",
    "user_path",
    "using_threads",
    "whole_number",
    "write_atomically",
]
