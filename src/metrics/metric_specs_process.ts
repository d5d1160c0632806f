// Metrics of the process and its memory. Those that any Prometheus client has go by the names that
// they have there.
import { counter, gauge, type MetricSpec } from './metric_spec.ts'

export const processMetrics = {
  build: gauge('euphorion_build_info', ['version', 'node', 'driver', 'store', 'backend'], {
    help: 'Always 1; its labels say what runs.',
    closed: ['version', 'node', 'driver', 'store', 'backend'],
  }),
  ready: gauge('euphorion_ready', [], {
    help: '1 while /health/ready answers 200, else 0.',
    worry: 'it is 0 for longer than a restore takes',
  }),
  sharedMemory: gauge('euphorion_shared_memory_bytes', ['memory', 'state'], {
    help: 'Shared WebAssembly memory of lanes (memoryMib) and of numeric kernels: used and free.',
    worry: 'free of lanes comes near 0: lanes evict at every cut; raise memoryMib',
    closed: ['memory', 'state'],
  }),
  numericTasks: gauge('euphorion_numeric_kernel_tasks', ['state'], {
    help: 'Calls of numeric kernels: running, or queued for a thread.',
    worry: 'queued comes near kernelQueueTasks: then calls are refused',
    closed: ['state'],
  }),
  numericCalls: counter('euphorion_numeric_kernel_calls_total', [], {
    help: 'Calls that the pool of numeric kernels has taken.',
  }),
  numericSeconds: counter('euphorion_numeric_kernel_seconds_total', [], {
    help: 'Time that its threads spent on them.',
    worry: 'the rate comes near kernelThreads',
  }),
  numericFailures: counter('euphorion_numeric_kernel_failures_total', ['code'], {
    help: 'Those that failed, by code.',
    worry: 'it grows',
    closed: ['code'],
  }),
  activeSeconds: counter('euphorion_event_loop_active_seconds_total', [], {
    help: 'Time in which the main thread had something to do.',
    worry: 'the rate is above 0.9: the main thread is the bound',
  }),
  loopMean: gauge('nodejs_eventloop_lag_mean_seconds', [], {
    help: 'How late timers of the main thread were, on average over the last 10 s or more.',
  }),
  loopP50: gauge('nodejs_eventloop_lag_p50_seconds', [], { help: 'Half of them were later.' }),
  loopP99: gauge('nodejs_eventloop_lag_p99_seconds', [], {
    help: 'One in a hundred was later.',
    worry: 'it is above 0.1: an agent computes for long; offload it to a kernel',
  }),
  loopMax: gauge('nodejs_eventloop_lag_max_seconds', [], {
    help: 'The latest.',
    worry: 'it is a part of sessionTimeoutMs that you can see',
  }),
  heapUsed: gauge('nodejs_heap_size_used_bytes', [], { help: "V8's heap: in use." }),
  heapTotal: gauge('nodejs_heap_size_total_bytes', [], { help: "V8's heap: set aside." }),
  external: gauge('nodejs_external_memory_bytes', [], {
    help: 'Memory that objects of the heap hold outside of it.',
  }),
  resident: gauge('process_resident_memory_bytes', [], {
    help: 'Memory of the process.',
    worry: 'it grows for hours at a steady load',
  }),
  cpuSeconds: counter('process_cpu_seconds_total', [], {
    help: 'User and system time of all threads of the process.',
  }),
  startTime: gauge('process_start_time_seconds', [], { help: 'When the process began.' }),
} as const satisfies Record<string, MetricSpec>
