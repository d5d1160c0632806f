// Messages in the names of Kafka's schemas as the bodies and answers of src/wire/requests, so that
// what Kafka's classes read can be compared with what ours read. Used by the tests of the requests.

/** An object of JSON. */
export type Json = { readonly [name: string]: unknown }

interface Shape {
  /** Other names, at any depth. */
  readonly names?: Readonly<Record<string, string>>
  /** What we neither send as a choice nor read, at any depth. */
  readonly without?: readonly string[]
  /** Rearranges the outermost structure, before all else. */
  readonly change?: (json: Json) => Json
}

const partitions = { name: 'topic', partitionIndex: 'partition' }

const bodies: Readonly<Record<string, Shape>> = {
  Metadata: {
    change: ({ topics, allowAutoTopicCreation }) => ({
      topics: (topics as Json[] | null)?.map(({ name }) => name) ?? null,
      allowAutoTopicCreation,
    }),
  },
  ListOffsets: { names: partitions, without: ['replicaId'] },
  Fetch: {
    names: { forgottenTopicsData: 'forgottenTopics' },
    without: ['replicaId', 'logStartOffset'],
  },
  Produce: {
    names: {
      topicData: 'topics',
      partitionData: 'partitions',
      name: 'topic',
      index: 'partition',
    },
  },
  FindCoordinator: {
    change: ({ key, keyType, coordinatorKeys }) => ({
      key: key ?? (coordinatorKeys as string[])[0],
      keyType,
    }),
  },
  OffsetCommit: { names: { ...partitions, generationIdOrMemberEpoch: 'generationId' } },
  OffsetFetch: {
    names: { name: 'topic', partitionIndexes: 'partitions' },
    change: ({ groups, requireStable, ...group }) => ({
      ...(groups === undefined ? group : (groups as Json[])[0]),
      requireStable,
    }),
  },
  AddPartitionsToTxn: {
    names: {
      v3AndBelowTransactionalId: 'transactionalId',
      v3AndBelowProducerId: 'producerId',
      v3AndBelowProducerEpoch: 'producerEpoch',
      v3AndBelowTopics: 'topics',
      name: 'topic',
    },
  },
  TxnOffsetCommit: { names: partitions },
  OffsetForLeaderEpoch: { without: ['replicaId'] },
}

const answers: Readonly<Record<string, Shape>> = {
  ApiVersions: {
    without: ['zkMigrationReady'],
    change: (json) => ({
      throttleTimeMs: 0,
      finalizedFeaturesEpoch: -1,
      ...json,
      supportedFeatures: ((json.supportedFeatures ?? []) as Json[]).map((each) => ({
        name: each.name,
        min: each.minVersion,
        max: each.maxVersion,
      })),
      finalizedFeatures: ((json.finalizedFeatures ?? []) as Json[]).map((each) => ({
        name: each.name,
        min: each.minVersionLevel,
        max: each.maxVersionLevel,
      })),
    }),
  },
  Metadata: {
    names: partitions,
    without: ['topicAuthorizedOperations', 'clusterAuthorizedOperations'],
    change: (json) => ({
      ...json,
      topics: (json.topics as Json[]).map((topic) => ({
        ...topic,
        topicId: topic.topicId === 'AAAAAAAAAAAAAAAAAAAAAA' ? null : (topic.topicId ?? null),
      })),
    }),
  },
  ListOffsets: { names: partitions },
  Fetch: {
    names: { responses: 'topics', ...partitions },
    without: ['snapshotId'],
    // No records are no bytes here.
    change: (json) => JSON.parse(JSON.stringify(json).replaceAll('"records":null', '"records":""')),
  },
  Produce: {
    names: {
      responses: 'topics',
      partitionResponses: 'partitions',
      name: 'topic',
      index: 'partition',
      batchIndexErrorMessage: 'message',
    },
    change: (json) => ({ nodeEndpoints: [], ...json }),
  },
  FindCoordinator: {
    without: ['key'],
    change: ({ coordinators, ...json }) => ({ ...json, ...(coordinators as Json[])?.[0] }),
  },
  JoinGroup: { change: (json) => ({ skipAssignment: false, ...json }) },
  OffsetCommit: { names: partitions },
  OffsetFetch: {
    names: partitions,
    without: ['groupId'],
    change: ({ groups, ...json }) => ({ ...json, ...(groups as Json[])?.[0] }),
  },
  AddPartitionsToTxn: {
    names: {
      resultsByTopicV3AndBelow: 'topics',
      name: 'topic',
      resultsByPartition: 'partitions',
      partitionIndex: 'partition',
      partitionErrorCode: 'errorCode',
    },
  },
  TxnOffsetCommit: { names: partitions },
  EndTxn: { change: (json) => ({ producerId: -1, producerEpoch: -1, ...json }) },
}

/** Fields that are bytes; JSON has them in base64. */
const bytesFields = ['records', 'metadata', 'assignment', 'authBytes', 'userData']

/** What our encoder takes, for a message of Kafka's. */
export function ourBody(name: string, json: Json): Json {
  // The metadata of a committed offset, and only that, is a text.
  return shaped(bodies[name], json, name !== 'OffsetFetch') as Json
}

/** What our decoder gives, in JSON. */
export function ourAnswer(name: string, json: Json): Json {
  const shape = answers[name]
  return plain(shaped(shape, json, false)) as Json
}

/** Bytes in base64, and nothing that is undefined, so that it can be compared. */
export function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  const fields = Object.entries(value).filter(([, field]) => field !== undefined)
  return Object.fromEntries(fields.map(([name, field]) => [name, plain(field)]))
}

function shaped(shape: Shape = {}, json: Json, bytes: boolean): unknown {
  const { names = {}, without = [], change = (same: Json) => same } = shape
  const visit = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(visit)
    if (typeof value !== 'object' || value === null) return value
    const fields = Object.entries(value).filter(([name]) => !without.includes(name))
    return Object.fromEntries(
      fields.map(([name, field]) => [
        names[name] ?? name,
        bytes && bytesFields.includes(name) && typeof field === 'string'
          ? Buffer.from(field, 'base64')
          : visit(field),
      ]),
    )
  }
  return visit(change(json))
}
