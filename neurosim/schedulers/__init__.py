"""Where tasks run: keys and a callable, no neurons."""

from neurosim.schedulers.base import Outcome, Scheduler, Task
from neurosim.schedulers.local import Local, cpu_count

__all__ = ["Local", "Outcome", "Scheduler", "Task", "cpu_count"]
