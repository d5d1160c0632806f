"""W0 to W3 by Quix Streams. Started by bench/peers/streams/measure.ts with a spec in JSON."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import quixstreams
from quixstreams import Application
from quixstreams.dataframe.windows import Count, Max, Min, Sum

from report import Report, Sums

GRACE_MS = 5_000
# looked at every so many messages
LOOK = 64

report = Report()
spec = report.spec
sums = Sums()
# the newest result of each cell, as a consumer of the output would have it
cells = {}


def on_message(topic, partition, offset):
    report.ready("Quix Streams " + quixstreams.__version__)
    report.consumed[partition] = offset + 1
    has_partition = report.consumed[partition] == spec["ends"][partition]
    if (offset % LOOK == 0 or has_partition) and report.is_over():
        app.stop()


app = Application(
    broker_address=spec["brokers"],
    consumer_group=spec["id"],
    auto_offset_reset="earliest",
    state_dir=os.path.join(spec["directory"], "state"),
    on_message_processed=on_message,
    loglevel="ERROR",
)
topic = app.topic(spec["topic"], key_deserializer="str", value_deserializer="json")
views = app.dataframe(topic)


def keep(window, key, timestamp, headers):
    value = window["value"] if report.workload == "w1" else window
    cells[key, window["start"]] = value


def count(view, state):
    views = state.get("views", 0) + 1
    state.set("views", views)
    return views


def keep_count(value, key, timestamp, headers):
    cells[key, 0] = value


if report.workload == "w0":
    views.update(lambda view: sums.add(view["url"], view["ms"], view["ts"]))
elif report.workload == "w1":
    windows = views.tumbling_window(10_000, grace_ms=GRACE_MS).count()
    windows.current().update(keep, metadata=True)
elif report.workload == "w2":
    windows = views.hopping_window(60_000, 10_000, grace_ms=GRACE_MS).agg(
        views=Count(), total=Sum("ms"), fastest=Min("ms"), slowest=Max("ms")
    )
    windows.current().update(keep, metadata=True)
else:
    views.apply(count, stateful=True).update(keep_count, metadata=True)


def rows():
    if report.workload == "w0":
        return sums.rows()
    if report.workload != "w2":
        return [(*cell, value) for cell, value in cells.items()]
    names = ("views", "total", "fastest", "slowest")
    return [(*cell, *(value[name] for name in names)) for cell, value in cells.items()]


# stops when on_message says so, and commits state and offsets then
app.run()
report.done()
report.answer(rows())
