"""W0 to W3 by Bytewax. Started by bench/peers/streams/measure.ts with a spec in JSON."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import json
from datetime import datetime, timedelta, timezone
from importlib.metadata import version

import bytewax.operators as op
import bytewax.operators.windowing as win
from bytewax.connectors.kafka import KafkaSource
from bytewax.dataflow import Dataflow
from bytewax.outputs import DynamicSink, StatelessSinkPartition
from bytewax.run import cli_main

from report import Report, Sums

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
STEP = timedelta(seconds=10)
SIZE = timedelta(seconds=60)
GRACE = timedelta(seconds=5)
BATCH = 1000

report = Report()
spec = report.spec
sums = Sums()
cells = {}


class Source(KafkaSource):
    """Bytewax's own, which ends when the time is over and counts what it hands on."""

    def build_part(self, now, for_part, resume_state):
        part = super().build_part(now, for_part, resume_state)
        partition = int(for_part.split("-", 1)[0])
        read = part.next_batch

        def next_batch(*args):
            report.ready("Bytewax " + version("bytewax"))
            if report.is_over():
                raise StopIteration()
            batch = read(*args)
            report.consumed[partition] += len(batch)
            return batch

        part.next_batch = next_batch
        return part


class Cells(DynamicSink):
    """The newest result of each cell."""

    def build(self, step_id, worker_index, worker_count):
        return CellsPart()


class CellsPart(StatelessSinkPartition):
    def write_batch(self, items):
        for key, value in items:
            cells[key] = value


def event_time(view):
    return EPOCH + timedelta(milliseconds=view["ts"])


# Time stands still: a window ends by what the events say, not by how long the run takes.
clock = win.EventClock(
    event_time,
    wait_for_system_duration=GRACE,
    now_getter=lambda: EPOCH,
    to_system_utc=lambda _: None,
)


def add(stats, view):
    ms = view["ms"]
    if stats is None:
        return (1, ms, ms, ms)
    views, total, fastest, slowest = stats
    return (views + 1, total + ms, min(fastest, ms), max(slowest, ms))


def merge(a, b):
    if a is None or b is None:
        return a or b
    return (a[0] + b[0], a[1] + b[1], min(a[2], b[2]), max(a[3], b[3]))


def to_cell(keyed):
    url, (window, value) = keyed
    return (url, window * 10_000), value


flow = Dataflow("views")
source = Source([spec["brokers"]], [spec["topic"]], tail=False, batch_size=BATCH)
messages = op.input("kafka", flow, source)
views = op.map("json", messages, lambda message: json.loads(message.value))
if report.workload == "w0":
    seen = op.inspect(
        "add", views, lambda _, view: sums.add(view["url"], view["ms"], view["ts"])
    )
    # nothing of it is put out, but a flow needs a sink
    op.output("out", op.filter("none", seen, lambda _: False), Cells())
else:
    by_url = op.key_on("url", views, lambda view: view["url"])
    if report.workload == "w3":
        counts = op.stateful_map("count", by_url, lambda n, _: ((n or 0) + 1,) * 2)
        out = op.map("cell", counts, lambda keyed: ((keyed[0], 0), keyed[1]))
    elif report.workload == "w1":
        windower = win.TumblingWindower(align_to=EPOCH, length=STEP)
        windows = win.count_window("count", views, clock, windower, lambda view: view["url"])
        out = op.map("cell", windows.down, to_cell)
    else:
        windower = win.SlidingWindower(align_to=EPOCH, length=SIZE, offset=STEP)
        windows = win.fold_window("fold", by_url, clock, windower, lambda: None, add, merge)
        out = op.map("cell", windows.down, to_cell)
    op.output("out", out, Cells())


def rows():
    if report.workload == "w0":
        return sums.rows()
    if report.workload != "w2":
        return [(*cell, value) for cell, value in cells.items()]
    return [(*cell, *value) for cell, value in cells.items()]


# all that are open are closed at its end
cli_main(flow)
report.done()
report.answer(rows())
