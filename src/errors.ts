// The closed list of error codes and the one class that carries them. Whoever throws says what
// happened and where; the code says whether a retry can help and what a person can do about it.

interface CodeFacts {
  /** The same call may succeed later without anything being changed. */
  readonly retriable: boolean
  /** What a person can do, as a sentence. */
  readonly advice: string
}

const codes = {
  SETTING_INVALID: {
    retriable: false,
    advice: 'Correct the setting; `euphorion worker --help` lists every setting with its bounds.',
  },
  BROKER_MISSING: {
    retriable: false,
    advice:
      "Give a broker in code (new App(id, { broker })), in euphorion.config.json or as EUPHORION_BROKER: 'kafka://host:9092' for Kafka, or 'embedded:./data' for the log inside the process.",
  },
  BROKER_UNREACHABLE: {
    retriable: true,
    advice:
      "Check that the broker runs and that host and port are right. Without Kafka, 'embedded:./data' is a log inside the process.",
  },
  AUTHENTICATION_FAILED: {
    retriable: false,
    advice: 'Check the user, the password or token, and which SASL mechanism the listener offers.',
  },
  ACCESS_DENIED: {
    retriable: false,
    advice: 'Give the user of this connection the right (kafka-acls.sh), or connect as another.',
  },
  CAPABILITY_MISSING: {
    retriable: false,
    advice: 'Choose a driver or a setting that this log supports.',
  },
  TOPIC_UNKNOWN: {
    retriable: false,
    advice: 'Create the topic first, or allow it to be created with { partitions }.',
  },
  TOPIC_INVALID: {
    retriable: false,
    advice: 'Topic names have 1 to 249 of the characters a-z A-Z 0-9 . _ -.',
  },
  TOPIC_UNFIT: {
    retriable: false,
    advice:
      'Change the settings of the topic as the message says, or delete it where nothing of it is needed: it is made anew.',
  },
  TOPIC_DELETED: {
    retriable: false,
    advice: 'The topic was deleted while it was read. Create it again and restart the worker.',
  },
  PARTITIONS_MISMATCH: {
    retriable: false,
    advice: 'Create the topic with the number of partitions that the program expects.',
  },
  PARTITIONING_UNKNOWN: {
    retriable: false,
    advice:
      "Say how the topic is partitioned, topic(name, { keyedBy: 'field' }), or key its records by the fields of keyBy.",
  },
  TABLE_DUPLICATE: {
    retriable: false,
    advice: 'Give each table and each aggregation its own name.',
  },
  TABLE_UNKNOWN: {
    retriable: false,
    advice: 'Check the name; the message lists the tables that exist.',
  },
  TABLE_CHANGED: {
    retriable: false,
    advice:
      'Give the changed table a new name, or run `euphorion reset`: its tables are counted anew from what the topics have.',
  },
  STORE_LOCKED: {
    retriable: true,
    advice: 'Another process has this state open. Stop it, or choose another data directory.',
  },
  STORE_INCOMPATIBLE: {
    retriable: false,
    advice:
      'Open it with the store that wrote it (setting store), or delete the folder of the app in dataDir: its tables are counted anew from what the topics have.',
  },
  STORE_FAILED: {
    retriable: false,
    advice:
      'See the cause. The state on disk is that of the last cut; without its directory it is made anew from what the topic still holds.',
  },
  STORE_UNAVAILABLE: {
    retriable: false,
    advice:
      "Install the optional package rocksdb for this platform, build the native store (npm run build:native:store), or use { store: 'memory' }.",
  },
  DISK_FULL: {
    retriable: true,
    advice: 'Free space on the disk and start again; nothing after the last cut was kept.',
  },
  LOG_LOCKED: {
    retriable: true,
    advice: 'Another process writes this embedded log. Stop it, or choose another directory.',
  },
  LOG_CORRUPT: {
    retriable: false,
    advice:
      'A segment of the log is damaged before its tail. Restore it from a copy, or delete the topic.',
  },
  LOG_FAILED: {
    retriable: true,
    advice: 'See the message and its cause; the same may succeed when it is tried again.',
  },
  REQUEST_REFUSED: {
    retriable: false,
    advice: 'The message says what the broker refused and why; it would refuse the same again.',
  },
  FENCED: {
    retriable: false,
    advice:
      'Another process runs with the same id and came later. Stop one of them, or give each its own id.',
  },
  TRANSACTION_ABORTED: {
    retriable: true,
    advice: 'Nothing of the transaction counts; the worker goes on from its last cut by itself.',
  },
  STATE_LOST: {
    retriable: false,
    advice:
      'The changelog has less than was committed to it: it was deleted, lost by its brokers, or is of another broker than the state in dataDir. `euphorion reset` builds the state anew from the topic; onStateLost says what workers do by themselves.',
  },
  PARTITION_STALLED: {
    retriable: true,
    advice:
      'Look at the agent or lane that is named: nothing of its partition was processed although records wait.',
  },
  TABLE_MOVING: {
    retriable: true,
    advice: 'The partition of this key is on its way to another worker: ask again in a moment.',
  },
  KEY_ELSEWHERE: {
    retriable: false,
    advice:
      'An agent writes keys of the partition whose event it has in hand. Key the topic by the same value as the table.',
  },
  TIME_UNKNOWN: {
    retriable: false,
    advice:
      'Give the event, as the last argument; or read with get(key, { at }), now(key) or relativeToNow().',
  },
  OFFSET_OUT_OF_RANGE: {
    retriable: false,
    advice:
      'The topic was made anew, or has let those records go. Delete the folder of the app in dataDir, or give the app another id: it begins at what the topic has.',
  },
  RECORD_TOO_LARGE: {
    retriable: false,
    advice: 'Send smaller records, or raise the limit on the topic and in the settings.',
  },
  RECORD_BAD: {
    retriable: false,
    advice:
      "The policy of the topic is onBadRecord: 'stop'. Mend the producer, or choose 'dead-letter' or 'skip'.",
  },
  RECORD_INVALID: { retriable: false, advice: 'Send an event that fits the declared record.' },
  BATCH_CORRUPT: {
    retriable: false,
    advice:
      "The batch was damaged on disk or on the way, also when read a second time. Check the broker's disk.",
  },
  CODEC_UNAVAILABLE: {
    retriable: false,
    advice: 'Install the package that the message names, or use another compression.',
  },
  PROTOCOL_VIOLATED: {
    retriable: true,
    advice:
      'What answered does not speak the protocol of a Kafka broker 2.5 or newer: check the port, and whether it wants TLS (kafka+ssl://).',
  },
  KERNEL_TRAPPED: {
    retriable: true,
    advice:
      'The lane failed again after it went back to its last cut. Report it, with the topic, partition and offset.',
  },
  MEMORY_EXHAUSTED: {
    retriable: false,
    advice:
      'Raise memoryMib, or lower batchBytes or the number of partitions per worker. For kernels: raise kernelMemoryMib, or run them on fewer rows at once.',
  },
  KERNEL_INVALID: {
    retriable: false,
    advice: 'Correct the kernel, or what it is given, as the message says.',
  },
  KERNEL_FAILED: {
    retriable: false,
    advice: 'The kernel threw or trapped; the message and its cause say where.',
  },
  KERNEL_TIMEOUT: {
    retriable: false,
    advice: 'Give the kernel less to do, or raise timeoutMs (kernelTimeoutMs).',
  },
  KERNEL_CANCELLED: {
    retriable: true,
    advice: 'The signal that was given to the call ended it, or the pool was closed.',
  },
  KERNEL_QUEUE_FULL: {
    retriable: true,
    advice: 'Await the kernels that were started, or raise kernelQueueTasks.',
  },
  NATIVE_UNAVAILABLE: {
    retriable: false,
    advice:
      "Use backend 'auto' or 'wasm', or build the native addon: it needs a C++ compiler (npm run build:native).",
  },
  QUERY_UNAVAILABLE: {
    retriable: true,
    advice:
      'Start the worker (or app.start()) first, or read the store on disk with `euphorion table`.',
  },
  HANDLER_FAILED: {
    retriable: false,
    advice:
      "The agent's function threw, or ended by itself. Its partition stops at this offset; the others go on.",
  },
  CALLBACK_FAILED: {
    retriable: false,
    advice:
      'What the program gave to be called (a task, a service, a hook, a page, a command) threw; the message names it, the cause says where.',
  },
  ASK_TIMEOUT: {
    retriable: true,
    advice:
      'Check that a worker with this agent runs and gets on (its lag, its log), or raise timeout (replyTimeoutMs). The request may still be worked on.',
  },
  ASK_CANCELLED: {
    retriable: true,
    advice: 'The signal that was given to the call ended it, or the app was stopped.',
  },
  ASK_FAILED: {
    retriable: false,
    advice: 'The agent has no answer to this request; the message and its cause say why.',
  },
  ASK_QUEUE_FULL: {
    retriable: true,
    advice: 'Await the requests that were made (map and join do so), or raise replyWaitersMax.',
  },
  APP_INVALID: {
    retriable: false,
    advice: 'Correct in the program what the message names.',
  },
  USAGE: { retriable: false, advice: 'Add --help to see how the command is used.' },
} as const satisfies Record<string, CodeFacts>

export type ErrorCode = keyof typeof codes

/** Of what came from another process. */
export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(codes, text)
}

/** Where something happened; only what is known is set. */
export interface ErrorPlace {
  readonly topic?: string
  readonly partition?: number
  readonly offset?: bigint | number
  readonly table?: string
  readonly path?: string
}

/** The same in every copy of this module that a process has. */
const brand = Symbol.for('euphorion.error')

/**
 * Every error that Euphorion throws on purpose. `code` is stable, `advice` says what to do,
 * `retriable` whether the same call can succeed later, `place` where it happened.
 */
export class EuphorionError extends Error {
  /**
   * Errors of another copy of this module are of this class too: a loader of TypeScript may load
   * one beside that of Node.
   */
  static override [Symbol.hasInstance](value: unknown): boolean {
    // biome-ignore lint/complexity/noThisInStatic: a subclass has only its own
    if (this !== EuphorionError) return Function.prototype[Symbol.hasInstance].call(this, value)
    return typeof value === 'object' && value !== null && brand in value
  }

  readonly code: ErrorCode
  readonly retriable: boolean
  readonly advice: string
  readonly place: ErrorPlace

  constructor(
    code: ErrorCode,
    message: string,
    details: { cause?: unknown; place?: ErrorPlace } = {},
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = 'EuphorionError'
    this.code = code
    this.retriable = codes[code].retriable
    this.advice = codes[code].advice
    this.place = details.place ?? {}
  }

  get [brand](): true {
    return true
  }
}

/** One paragraph for a person: message, place, cause, advice. */
export function describeError(error: unknown): string {
  if (!(error instanceof EuphorionError))
    return error instanceof Error ? (error.stack ?? error.message) : String(error)
  const place = Object.entries(error.place).filter(([, value]) => value !== undefined)
  const where = place.length
    ? ` (${place.map(([name, value]) => `${name} ${value}`).join(', ')})`
    : ''
  const cause = error.cause instanceof Error ? `\n  cause: ${error.cause.message}` : ''
  return `${error.code}: ${error.message}${where}${cause}\n  ${error.advice}`
}
