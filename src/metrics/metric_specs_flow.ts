// Metrics of records on their way: what is read, sent, waits, lags, and is left out.
import { counter, gauge, type MetricSpec } from './metric_spec.ts'

export const flowMetrics = {
  fetchedRecords: counter('euphorion_fetched_records_total', ['topic', 'partition'], {
    help: 'Records read. What is read again after a failure counts again.',
    worry: 'the rate falls to 0 while the lag grows',
  }),
  fetchedBytes: counter('euphorion_fetched_bytes_total', ['topic', 'partition'], {
    help: 'Bytes read, as the log has them (compressed).',
  }),
  fetchedBatches: counter('euphorion_fetched_batches_total', ['topic', 'partition'], {
    help: 'Answers to fetches. Bytes by batches say how full they are: see batchBytes.',
  }),
  sentRecords: counter('euphorion_sent_records_total', ['topic', 'partition'], {
    help: 'Records that the program, its agents and sinks sent, and the log has stored.',
  }),
  sentBytes: counter('euphorion_sent_bytes_total', ['topic', 'partition'], {
    help: 'Bytes of these, as they are stored (compressed).',
  }),
  sendFailures: counter('euphorion_send_failures_total', ['topic'], {
    help: 'Batches that the log refused.',
    worry: 'it grows: who sent has got the error',
  }),
  lag: gauge('euphorion_lag_records', ['topic', 'partition'], {
    help: 'Offsets between the end of the partition and what the slowest reader here has done.',
    worry: 'it grows for minutes: more threads, workers or partitions; or something stands still',
  }),
  assigned: gauge('euphorion_assigned_partitions', ['topic'], {
    help: 'Partitions that are open on this worker.',
    worry: 'the sum over all workers is less than the topic has, for longer than a rebalance',
  }),
  fetchesInFlight: gauge('euphorion_fetches_in_flight', [], {
    help: 'Fetches that wait for the log.',
  }),
  regions: gauge('euphorion_fetch_regions', ['state'], {
    help: 'Regions of fetchesInFlight: free, or used by a fetch or by a batch in work.',
    worry: 'free is 0 all the time: kernels or agents are the bound, not the log',
    closed: ['state'],
  }),
  fetchBytes: gauge('euphorion_fetch_bytes', [], {
    help: 'Most bytes of the next fetches: batchBytes, or what adaptFetches has made of it.',
  }),
  fetchesMax: gauge('euphorion_fetches_max', [], {
    help: 'Fetches and batches in work that there may be: fetchesInFlight, or more by adaptFetches.',
  }),
  fetchChanges: counter('euphorion_fetch_changes_total', ['what', 'direction', 'reason'], {
    help: 'Changes of the two by adaptFetches. What: bytes, fetches; why: overhead, starved, too_small, waiting.',
    worry: 'it grows all the time: tell us, and set adaptFetches to false',
    closed: ['what', 'direction', 'reason'],
  }),
  senderRecords: gauge('euphorion_sender_queue_records', [], {
    help: 'Records of send() that are not yet stored.',
    worry: 'it comes near sendBufferRecords: then send() is refused',
  }),
  senderBytes: gauge('euphorion_sender_queue_bytes', [], {
    help: 'Bytes that are not yet stored.',
    worry: 'it stays at sendBufferBytes: who sends waits',
  }),
  kernelQueue: gauge('euphorion_kernel_queue_tasks', [], {
    help: 'Tasks of lanes that wait for a kernel thread.',
    worry: 'it is above 0 all the time: the threads are the bound',
  }),
  agentLag: gauge('euphorion_agent_lag_records', ['agent', 'topic', 'partition'], {
    help: 'Offsets between the end of the partition and what the agent has acknowledged.',
    worry: 'it grows while that of other partitions does not: a slow event, or a hot key',
  }),
  agentFailures: counter('euphorion_agent_failures_total', ['agent'], {
    help: 'Times that a function of the agent threw.',
    worry: 'it grows',
  }),
  agentRestarts: counter('euphorion_agent_restarts_total', ['agent'], {
    help: 'Functions that were begun again.',
    worry: 'it grows all the time: the same event fails again and again',
  }),
  agentSkipped: counter('euphorion_agent_skipped_events_total', ['agent'], {
    help: "Events that were left out by policy 'skip'.",
    worry: 'it grows: they are gone',
  }),
  agentDeadLettered: counter('euphorion_agent_dead_lettered_events_total', ['agent'], {
    help: "Events that went to the dead letters by policy 'dead-letter'.",
    worry: 'it grows',
  }),
  agentStopped: counter('euphorion_agent_stopped_partitions_total', ['agent'], {
    help: 'Partitions on which the agent has stopped.',
    worry: 'it is not 0: nothing of them is read until a restart',
  }),
  badRecords: counter('euphorion_bad_records_total', ['topic', 'reason', 'policy'], {
    help: "Records that could not be read, by agents, and by lanes whose policy is not 'skip'.",
    worry: 'it grows: a producer sends what does not fit the declared type',
    closed: ['policy'],
  }),
  deadLetters: counter('euphorion_dead_letters_total', ['topic', 'partition'], {
    help: 'Records that were sent to the dead-letter topic, by where they came from.',
    worry: 'it grows: look at euphorion.reason in their headers',
  }),
  asksWaiting: gauge('euphorion_asks_waiting', [], {
    help: 'Calls of ask() that wait for their reply.',
    worry: 'it comes near replyWaitersMax',
  }),
  asks: counter('euphorion_asks_total', ['outcome'], {
    help: 'Calls of ask() that are over: answered, failed, timed-out, cancelled.',
    worry: 'timed-out grows: the agent is behind, or nobody runs it',
    closed: ['outcome'],
  }),
} as const satisfies Record<string, MetricSpec>
