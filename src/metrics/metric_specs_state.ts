// Metrics of what is kept: lanes and their kernels, tables, cuts, restores and copies.
import { counter, gauge, histogram, type MetricSpec } from './metric_spec.ts'

const lane = ['table', 'topic', 'partition'] as const

/** Seconds: from a cut of an idle worker to one that waits for a transaction to time out. */
const cutBounds = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

export const stateMetrics = {
  laneRecords: counter('euphorion_lane_records_total', [...lane, 'outcome'], {
    help: 'Records that an aggregation has consumed: counted, late, bad, filtered (by where).',
    worry: 'late grows: raise the grace, or look for a producer whose clock is behind',
    closed: ['outcome'],
  }),
  laneLag: gauge('euphorion_lane_lag_records', lane, {
    help: 'Offsets between the end of the partition and what the aggregation has consumed.',
    worry: 'it grows for minutes',
  }),
  lanes: gauge('euphorion_lanes', ['state'], {
    help: 'Aggregations by partition: running, stalled (see stallTimeoutMs), stopped.',
    worry: 'stalled or stopped is not 0',
    closed: ['state'],
  }),
  kernelSeconds: counter('euphorion_kernel_seconds_total', [...lane, 'backend', 'task'], {
    help: 'Time that threads spent in the kernels: consume, or other (drains, merges, eviction).',
    worry: 'the rate over all comes near the number of threads',
    closed: ['backend', 'task'],
  }),
  kernelBatches: counter('euphorion_kernel_batches_total', [...lane, 'backend'], {
    help: 'Calls of the kernel that consumes; one for each batch, more where it had to stop.',
    closed: ['backend'],
  }),
  laneQueue: gauge('euphorion_lane_queue_batches', lane, {
    help: 'Batches that wait for the lane.',
    worry: 'it stays at laneQueueBatches on one partition: a hot partition',
  }),
  laneCells: gauge('euphorion_lane_cells', lane, {
    help: 'Cells (a key in a slice of time) that are in memory.',
  }),
  laneBytes: gauge('euphorion_lane_memory_bytes', lane, {
    help: 'Memory that is set aside for these cells.',
    worry: 'it has stopped growing and cuts come early: raise memoryMib',
  }),
  laneDirty: gauge('euphorion_lane_dirty_bytes', lane, {
    help: 'Rows that the next cut would write, about.',
  }),
  tableRows: gauge('euphorion_table_cached_rows', ['table'], {
    help: "Rows of an agents' table that are in memory; at most tableCacheEntries, or what is dirty.",
  }),
  tableDirty: gauge('euphorion_table_dirty_rows', ['table', 'partition'], {
    help: 'Rows that have changed since the last cut.',
  }),
  storeBytes: gauge('euphorion_store_bytes', ['topic', 'partition'], {
    help: 'Files of the store on the disk; looked at every 30 s. Absent for stores in memory.',
    worry: 'it grows without end: no retention, or keys that never end',
  }),
  cutSeconds: histogram('euphorion_cut_seconds', [], {
    help: 'How long cuts took, those that failed too.',
    worry: 'the 99th percentile is above commitIntervalMs: the disk, the brokers, or long events',
    bounds: cutBounds,
  }),
  cutTransactionSeconds: histogram('euphorion_cut_transaction_seconds', [], {
    help: 'The part of a cut that its transaction took.',
    worry: 'it is most of euphorion_cut_seconds, and much: the brokers are slow',
    bounds: cutBounds,
  }),
  cutFailures: counter('euphorion_cut_failures_total', [], {
    help: 'Cuts of which nothing counts: their partitions went back to the cut before.',
    worry: 'it grows',
  }),
  restoreRecords: gauge('euphorion_restore_records', lane, {
    help: 'Records copied by a restore that is under way.',
  }),
  restoreRemaining: gauge('euphorion_restore_remaining_records', lane, {
    help: 'Offsets that the restore has still to go through.',
    worry: 'it does not fall',
  }),
  standbyLag: gauge('euphorion_standby_lag_records', ['topic', 'partition'], {
    help: "Records that this worker's copy of another's state lacks.",
    worry: 'it is above acceptableLag for minutes: a failover would have to copy them first',
  }),
} as const satisfies Record<string, MetricSpec>
