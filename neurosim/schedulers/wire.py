"""Objects to a process and there, such that what several of them share crosses once."""

from __future__ import annotations

import io
import pickle
from typing import Any

__all__ = ["Receiver", "Sender"]

#: Objects after which both ends forget what they share, so that neither keeps all that ever crossed.
_TOGETHER = 32


class Sender:
    """Turns objects into bytes; a part that an earlier one had too is named, not repeated."""

    def __init__(self):
        self.n, self.buffer, self.pickler = 0, io.BytesIO(), None

    def pack(self, item: Any) -> tuple[bool, bytes]:
        """Whether the receiver has to forget first, and the bytes."""
        is_new = self.n % _TOGETHER == 0
        if is_new:
            self.pickler = pickle.Pickler(self.buffer, protocol=pickle.HIGHEST_PROTOCOL)
        self.n += 1
        self.buffer.seek(0)
        self.buffer.truncate()
        try:
            self.pickler.dump(item)
        except BaseException:
            # the receiver knows nothing of what this one brought
            self.n = 0
            raise
        return is_new, self.buffer.getvalue()


class Receiver:
    """The far end of a :class:`Sender`: takes what it packed, in the same order and all of it."""

    def __init__(self):
        self.buffer, self.unpickler = io.BytesIO(), None

    def unpack(self, packed: tuple[bool, bytes]) -> Any:
        is_new, data = packed
        self.buffer.seek(0)
        self.buffer.truncate()
        self.buffer.write(data)
        self.buffer.seek(0)
        if is_new:
            self.unpickler = pickle.Unpickler(self.buffer)
        return self.unpickler.load()
