// What one assigned partition has to be given to: lanes and sinks. The fetch loop offers batches,
// and asks first whether there is room; a lane that went back to an earlier offset rewinds the
// partition.
import type { SharedBatch } from '../batch/region.ts'
import type { LaneFeed } from './lane_feed.ts'
import type { SinkFeed } from './sink_feed.ts'

/** Places in Intake.fetched. */
export const fetchedAt = { batches: 0, records: 1, bytes: 2 } as const

export class Intake {
  readonly topic: string
  readonly partition: number
  readonly lanes: LaneFeed[] = []
  readonly sinks: SinkFeed[] = []
  /** Offset behind what was offered. */
  position = 0
  /** Where the log ended when it was last heard of. */
  end = 0
  /** Offset to read from next, where a lane asked for it; the loop seeks before its next fetch. */
  rewoundTo: number | undefined
  closing = false
  /** Opened while a cut takes what agents have sent: it begins when that is over. */
  held = false
  /** The log cannot be read any more (its topic was deleted). */
  failed = false
  /** Batches, records and bytes (`fetchedAt`), for metrics. */
  readonly fetched = new Float64Array(3)

  constructor(topic: string, partition: number) {
    this.topic = topic
    this.partition = partition
  }

  /** May the loop fetch for this partition? Stopped feeds do not hold the others up. */
  wants(): boolean {
    if (this.closing || this.held || this.failed || this.rewoundTo !== undefined) return false
    const { lanes, sinks } = this
    for (const lane of lanes) if (!lane.hasRoom) return false
    for (const sink of sinks) if (!sink.hasRoom) return false
    return this.runs()
  }

  /** Is there anyone left who takes batches? */
  runs(): boolean {
    if (this.failed) return false
    return this.lanes.some((lane) => !lane.stopped) || this.sinks.some((feed) => !feed.sink.stopped)
  }

  /** Hands the batch to everyone; `release` is called once by each of the `readers()`. */
  offer(batch: SharedBatch, release: () => void): void {
    this.position = batch.nextOffset
    for (const lane of this.lanes) lane.offer(batch, release)
    for (const sink of this.sinks) sink.offer(batch, release)
  }

  /** No feed has a batch. */
  isIdle(): boolean {
    for (const lane of this.lanes) if (lane.waiting > 0) return false
    for (const sink of this.sinks) if (sink.waitingBytes > 0) return false
    return true
  }

  /** Bytes of the batches that feeds have, of all of them. */
  waitingBytes(): number {
    let bytes = 0
    for (const lane of this.lanes) bytes += lane.waitingBytes
    for (const sink of this.sinks) bytes += sink.waitingBytes
    return bytes
  }

  readers(): number {
    return this.lanes.length + this.sinks.length
  }

  /** Never forward: another lane may be behind, on its way up from a rewind of its own. */
  rewind(offset: number): void {
    if (offset >= this.position) return
    this.position = offset
    this.rewoundTo = offset
  }

  /** Takes nothing more; resolves when lanes have no task and agents no event in hand. */
  async quiesce(): Promise<void> {
    this.closing = true
    for (const sink of this.sinks) sink.clear()
    for (const lane of this.lanes) lane.clear()
    await Promise.all([
      // one that was abandoned rests for ever
      ...this.lanes.map((lane) => lane.hold().catch(() => undefined)),
      ...this.sinks.map((feed) => feed.sink.close()),
    ])
    for (const lane of this.lanes) {
      if (lane.isAbandoned) continue
      // a lane that is full still has the batch that it would go on with after a cut
      lane.clear()
      lane.release()
    }
  }

  /** Offset below which every sink has acknowledged; Infinity without sinks. */
  acknowledged(): number {
    return Math.min(...this.sinks.map((feed) => feed.sink.acknowledged()))
  }
}
