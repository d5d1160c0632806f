"""What the programs in Python share: the spec that they are given, and what they say meanwhile.

The other side is bench/peers/streams/measure.ts; bench/peers/README.md has the form of both.
"""
import json
import platform
import sys
import time

PYTHON = "CPython " + platform.python_version()
EPOCH_MS = 1_700_000_000_000
SAMPLE_S = 0.1


class Report:
    def __init__(self):
        self.spec = json.loads(sys.argv[-1])
        self.workload = self.spec["workload"]
        self.consumed = [0] * len(self.spec["ends"])
        self._all = sum(self.spec["ends"])
        self._deadline = None
        self._told = 0.0
        # workers put something else in its place
        self._out = sys.stdout

    def ready(self, version):
        """Said once, with the first record or before it."""
        if self._deadline is not None:
            return
        self._deadline = time.monotonic() + self.spec["seconds"]
        self._say({"peer": "ready", "version": "%s, %s" % (version, PYTHON)})

    def is_over(self):
        """Nothing is left, or no time is. Says how far it is, now and then."""
        now = time.monotonic()
        if now - self._told > SAMPLE_S:
            self._told = now
            self._at()
        has_all = sum(self.consumed) >= self._all
        return has_all or (self._deadline is not None and now > self._deadline)

    def done(self):
        self._at()
        self._say({"peer": "done"})
        # until it has been measured
        sys.stdin.readline()

    def answer(self, rows):
        """rows: (url, start, value, ...)"""
        with open(self.spec["answer"], "w") as file:
            for row in [("consumed", *self.consumed), *rows]:
                file.write("\t".join(str(cell) for cell in row) + "\n")

    def _at(self):
        self._say({"peer": "at", "consumed": self.consumed})

    def _say(self, line):
        print(json.dumps(line, separators=(",", ":")), file=self._out, flush=True)


class Sums:
    """What W0 adds up."""

    def __init__(self):
        self.events = self.characters = self.ts = 0
        self.ms = 0.0

    def add(self, url, ms, ts):
        self.events += 1
        self.characters += len(url)
        self.ms += ms
        self.ts += ts - EPOCH_MS

    def rows(self):
        return [("", 0, self.events, self.characters, self.ms, self.ts)]
