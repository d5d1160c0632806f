"""W0 to W3 by Faust. Started by bench/peers/streams/measure.ts with a spec in JSON."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from datetime import timedelta

import faust

from report import Report, Sums

POLL_S = 0.02
# Windows expire by the wall clock: the events are of 2023.
KEPT = timedelta(days=365 * 20)

report = Report()
spec = report.spec
sums = Sums()

app = faust.App(
    spec["id"],
    broker="kafka://" + spec["brokers"],
    store="rocksdb://",
    datadir=os.path.join(spec["directory"], "data"),
    topic_partitions=len(spec["ends"]),
    topic_replication_factor=1,
    web_enabled=False,
)


class PageView(faust.Record, serializer="json"):
    user: str
    url: str
    ms: float
    ts: int


topic = app.topic(spec["topic"], key_type=str, value_type=PageView)


def add(stats, ms):
    views, total, fastest, slowest = stats
    return [views + 1, total + ms, min(fastest, ms), max(slowest, ms)]


def read(event):
    view = event.value
    sums.add(view.url, view.ms, view.ts)


if report.workload == "w1":
    table = app.Table("views", key_type=str, value_type=int, default=int).tumbling(
        timedelta(seconds=10), expires=KEPT
    )

    def work(event):
        table[event.value.url] += 1

elif report.workload == "w2":
    table = app.Table(
        "views", key_type=str, default=lambda: [0, 0.0, float("inf"), float("-inf")]
    ).hopping(timedelta(seconds=60), timedelta(seconds=10), expires=KEPT)

    def work(event):
        view = event.value
        table[view.url].apply(add, view.ms)

elif report.workload == "w3":
    table = app.Table("views", key_type=str, value_type=int, default=int)

    def work(event):
        table[event.value.url] += 1

else:
    table = None
    work = read


@app.agent(topic)
async def count(stream):
    async for event in stream.events():
        if is_over:
            # what comes now is nobody's
            return
        report.ready("Faust " + faust.__version__)
        work(event)
        report.consumed[event.message.partition] += 1


is_over = False


def rows():
    if table is None:
        return sums.rows()
    if report.workload == "w3":
        return [(url, 0, views) for url, views in table.items()]
    cells = table.table.items()
    values = lambda value: value if report.workload == "w2" else [value]
    return [
        (url, round(start * 1000), *values(value)) for (url, (start, _)), value in cells
    ]


@app.task
async def follow():
    global is_over
    while not report.is_over():
        await app.sleep(POLL_S)
    is_over = True
    # what was written to the changelog is there, and then the offsets
    await app.producer.flush()
    await app.consumer.commit()
    report.done()
    report.answer(rows())
    sys.stdout.flush()
    # a worker's own end takes seconds
    os._exit(0)


if __name__ == "__main__":
    faust.Worker(app, loglevel="error", quiet=True).execute_from_commandline()
