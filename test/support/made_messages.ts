// Messages that a test broker does not send by itself: every field set, lists with none and with
// several, null wherever it may be, the largest numbers. In the names of Kafka's schemas; Kafka's
// own classes make the bytes of each version from them. Used by record_requests.ts.

const large = Number.MAX_SAFE_INTEGER
const utf8 = 'Größe 量 🜁'
const base64 = (text: string) => Buffer.from(text).toString('base64')
const none = { epoch: -1, endOffset: -1 }
const nobody = { leaderId: -1, leaderEpoch: -1 }
const noSnapshot = { epoch: -1, endOffset: -1 }
const endpoints = [
  { nodeId: 1, host: 'a.example', port: 9092, rack: null },
  { nodeId: 2_147_483_647, host: 'b.example', port: 65_535, rack: 'r2' },
]
const topicIds = ['AAAAAAAAAAAAAAAAAAAAAA', '-3wVg8XdQtCYkYJiQmqEcQ']

const partitionData = {
  partitionIndex: 0,
  errorCode: 0,
  highWatermark: large,
  lastStableOffset: large - 1,
  logStartOffset: 4_294_967_296,
  divergingEpoch: none,
  currentLeader: nobody,
  snapshotId: noSnapshot,
  abortedTransactions: null,
  preferredReadReplica: -1,
  records: base64('not looked at'),
}

const committed = {
  partitionIndex: 7,
  committedOffset: large,
  committedLeaderEpoch: 3,
  committedMetadata: utf8,
  metadata: utf8,
  errorCode: 0,
}
const uncommitted = { ...committed, partitionIndex: 8, committedOffset: -1, metadata: null }
const committedTopics = [
  { name: 'a', partitions: [committed, { ...uncommitted, committedMetadata: null }] },
  { name: 'b', partitions: [] },
]
const partitionLists = [
  { name: 'a', partitions: [0, 2_147_483_647], partitionIndexes: [0, 2_147_483_647] },
  { name: utf8, partitions: [], partitionIndexes: [] },
]
const errorsByPartition = [
  { name: 'a', partitions: [{ partitionIndex: 1, errorCode: 0 }] },
  { name: 'b', partitions: [{ partitionIndex: 2, errorCode: 25 }] },
]
const txnResults = [
  { name: 'a', resultsByPartition: [{ partitionIndex: 3, partitionErrorCode: 55 }] },
  { name: 'b', resultsByPartition: [] },
]
const coordinator = {
  key: 'g',
  nodeId: 3,
  host: 'c.example',
  port: 9094,
  errorCode: 15,
  errorMessage: utf8,
}
const endTxn = { transactionalId: 't', producerId: large, producerEpoch: 32_767, committed: true }
const transaction = { transactionalId: utf8, producerId: large, producerEpoch: 32_767 }
const member = { memberId: 'm-1', groupInstanceId: 'i-1', errorCode: 0 }

/** First versions of fields that Kafka's classes will not take in older ones. */
export const firstVersions: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  FetchRequest: { lastFetchedEpoch: 12 },
  FindCoordinatorRequest: { coordinatorKeys: 4 },
  FindCoordinatorResponse: { coordinators: 4 },
  OffsetFetchRequest: { groups: 8 },
  OffsetFetchResponse: { groups: 8 },
  ApiVersionsResponse: { supportedFeatures: 3, finalizedFeatures: 3 },
  ConsumerProtocolSubscription: { ownedPartitions: 1, generationId: 2, rackId: 3 },
  JoinGroupResponse: { skipAssignment: 9 },
  EndTxnResponse: { producerId: 5, producerEpoch: 5 },
  FetchResponse: { divergingEpoch: 12, currentLeader: 12, snapshotId: 12 },
  ProduceResponse: { currentLeader: 10, nodeEndpoints: 10 },
}

/** Last versions of fields of the outermost structure, likewise. */
export const lastVersions: typeof firstVersions = {
  FindCoordinatorRequest: { key: 3 },
  FindCoordinatorResponse: { errorCode: 3, errorMessage: 3, nodeId: 3, host: 3, port: 3 },
  OffsetFetchRequest: { groupId: 7, topics: 7 },
  OffsetFetchResponse: { topics: 7, errorCode: 7 },
}

/** Requests and answers by the names of requests; each is made in every version that we speak. */
export const madeRequests: Readonly<Record<string, readonly object[]>> = {
  ApiVersions: [{ clientSoftwareName: 'euphorion', clientSoftwareVersion: '1.2.3-rc.4' }],
  Metadata: [
    ...[true, false].map((allowAutoTopicCreation) => ({
      topics: [{ topicId: topicIds[0], name: 'a' }],
      allowAutoTopicCreation,
      includeClusterAuthorizedOperations: false,
      includeTopicAuthorizedOperations: false,
    })),
    ...[null, []].map((topics) => ({
      topics,
      allowAutoTopicCreation: false,
      includeClusterAuthorizedOperations: false,
      includeTopicAuthorizedOperations: false,
    })),
  ],
  ListOffsets: [
    {
      replicaId: -1,
      isolationLevel: 1,
      topics: [
        {
          name: 'a',
          partitions: [
            { partitionIndex: 0, currentLeaderEpoch: -1, timestamp: -1 },
            { partitionIndex: 1, currentLeaderEpoch: 9, timestamp: 1_700_000_000_000 },
          ],
        },
        { name: 'b', partitions: [] },
      ],
    },
  ],
  Fetch: [
    {
      replicaId: -1,
      maxWaitMs: 500,
      minBytes: 1,
      maxBytes: 52_428_800,
      isolationLevel: 1,
      sessionId: 1_234_567_890,
      sessionEpoch: 17,
      topics: [
        {
          topic: 'a',
          partitions: [
            {
              partition: 5,
              currentLeaderEpoch: 4,
              fetchOffset: large,
              lastFetchedEpoch: 3,
              logStartOffset: -1,
              partitionMaxBytes: 1_048_576,
            },
          ],
        },
        { topic: 'b', partitions: [] },
      ],
      forgottenTopicsData: [{ topic: 'c', partitions: [1, 2] }],
      rackId: 'rack-1',
    },
  ],
  Produce: [
    {
      transactionalId: utf8,
      acks: -1,
      timeoutMs: 30_000,
      topicData: [
        {
          name: 'a',
          partitionData: [
            { index: 0, records: base64('a'.repeat(200)) },
            { index: 1, records: base64('b') },
          ],
        },
        { name: 'b', partitionData: [{ index: 2, records: base64('c') }] },
      ],
    },
    { transactionalId: null, acks: 1, timeoutMs: 1, topicData: [] },
  ],
  FindCoordinator: [
    { key: utf8, keyType: 1, coordinatorKeys: [utf8] },
    { key: 'g', keyType: 0, coordinatorKeys: ['g'] },
  ],
  JoinGroup: [
    {
      groupId: 'g',
      sessionTimeoutMs: 45_000,
      rebalanceTimeoutMs: 300_000,
      memberId: '',
      groupInstanceId: null,
      protocolType: 'consumer',
      protocols: [{ name: 'sticky', metadata: base64('x'.repeat(300)) }],
      reason: null,
    },
    {
      groupId: 'g',
      sessionTimeoutMs: 1,
      rebalanceTimeoutMs: 2,
      memberId: 'm',
      groupInstanceId: 'i',
      protocolType: 'consumer',
      protocols: [
        { name: 'one', metadata: '' },
        { name: 'two', metadata: base64('two') },
      ],
      reason: utf8,
    },
  ],
  SyncGroup: [
    {
      groupId: 'g',
      generationId: 3,
      memberId: 'm',
      groupInstanceId: 'i',
      protocolType: 'consumer',
      protocolName: 'sticky',
      assignments: [
        { memberId: 'm', assignment: base64('one') },
        { memberId: 'n', assignment: '' },
      ],
    },
    {
      groupId: 'g',
      generationId: -1,
      memberId: '',
      groupInstanceId: null,
      protocolType: null,
      protocolName: null,
      assignments: [],
    },
  ],
  Heartbeat: [
    { groupId: 'g', generationId: 4, memberId: 'm', groupInstanceId: 'i' },
    { groupId: 'g', generationId: -1, memberId: '', groupInstanceId: null },
  ],
  LeaveGroup: [
    {
      groupId: 'g',
      members: [
        { ...member, reason: utf8 },
        { memberId: '', groupInstanceId: null, reason: null },
      ],
    },
  ],
  OffsetCommit: [
    {
      groupId: 'g',
      generationIdOrMemberEpoch: 5,
      memberId: 'm',
      groupInstanceId: 'i',
      topics: committedTopics,
    },
    {
      groupId: utf8,
      generationIdOrMemberEpoch: -1,
      memberId: '',
      groupInstanceId: null,
      topics: [],
    },
  ],
  OffsetFetch: [partitionLists, null, []].map((topics) => ({
    groupId: 'g',
    topics,
    groups: [{ groupId: 'g', topics }],
    requireStable: topics === null,
  })),
  InitProducerId: [
    {
      transactionalId: utf8,
      transactionTimeoutMs: 60_000,
      producerId: large,
      producerEpoch: 32_767,
    },
    { transactionalId: null, transactionTimeoutMs: 0, producerId: -1, producerEpoch: -1 },
  ],
  AddPartitionsToTxn: [
    {
      v3AndBelowTransactionalId: utf8,
      v3AndBelowProducerId: large,
      v3AndBelowProducerEpoch: 32_767,
      v3AndBelowTopics: partitionLists,
    },
  ],
  AddOffsetsToTxn: [{ ...transaction, groupId: 'g' }],
  TxnOffsetCommit: [
    {
      ...transaction,
      groupId: 'g',
      generationId: 6,
      memberId: 'm',
      groupInstanceId: 'i',
      topics: committedTopics,
    },
    {
      ...transaction,
      groupId: 'g',
      generationId: -1,
      memberId: '',
      groupInstanceId: null,
      topics: [],
    },
  ],
  EndTxn: [endTxn, { ...endTxn, committed: false }],
  SaslHandshake: [{ mechanism: 'SCRAM-SHA-256' }],
  SaslAuthenticate: [{ authBytes: base64('n,,n=user,r=nonce') }, { authBytes: '' }],
  OffsetForLeaderEpoch: [
    {
      replicaId: -1,
      topics: [
        { topic: 'a', partitions: [{ partition: 1, currentLeaderEpoch: 8, leaderEpoch: 7 }] },
        { topic: 'b', partitions: [] },
      ],
    },
  ],
}

export const madeAnswers: Readonly<Record<string, readonly object[]>> = {
  ApiVersions: [
    {
      errorCode: 0,
      apiKeys: [
        { apiKey: 0, minVersion: 3, maxVersion: 13 },
        { apiKey: 1, minVersion: 4, maxVersion: 18 },
      ],
      throttleTimeMs: 5,
      supportedFeatures: [{ name: 'transaction.version', minVersion: 1, maxVersion: 2 }],
      finalizedFeaturesEpoch: large,
      finalizedFeatures: [
        { name: 'transaction.version', minVersionLevel: 1, maxVersionLevel: 2 },
        { name: 'metadata.version', minVersionLevel: 7, maxVersionLevel: 27 },
      ],
      zkMigrationReady: true,
    },
    { errorCode: 35, apiKeys: [], throttleTimeMs: 0 },
  ],
  Metadata: [
    {
      throttleTimeMs: 1,
      brokers: endpoints,
      clusterId: null,
      controllerId: -1,
      topics: topicIds.map((topicId, index) => ({
        errorCode: 3 * index,
        name: `t${index}`,
        topicId,
        isInternal: index === 1,
        partitions: [
          {
            errorCode: 5,
            partitionIndex: 9,
            leaderId: -1,
            leaderEpoch: 12,
            replicaNodes: [1, 2, 3],
            isrNodes: [],
            offlineReplicas: [2],
          },
        ],
        topicAuthorizedOperations: -2_147_483_648,
      })),
      clusterAuthorizedOperations: -2_147_483_648,
      errorCode: 0,
    },
    {
      throttleTimeMs: 0,
      brokers: [],
      clusterId: utf8,
      controllerId: 7,
      topics: [],
      clusterAuthorizedOperations: -2_147_483_648,
      errorCode: 0,
    },
  ],
  ListOffsets: [
    {
      throttleTimeMs: 3,
      topics: [
        {
          name: 'a',
          partitions: [
            { partitionIndex: 0, errorCode: 0, timestamp: -1, offset: large, leaderEpoch: 4 },
            { partitionIndex: 1, errorCode: 6, timestamp: -1, offset: -1, leaderEpoch: -1 },
          ],
        },
      ],
    },
  ],
  Fetch: [
    {
      throttleTimeMs: 2,
      errorCode: 0,
      sessionId: 1_234_567_890,
      responses: [
        {
          topic: 'a',
          partitions: [
            partitionData,
            {
              ...partitionData,
              partitionIndex: 1,
              abortedTransactions: [
                { producerId: large, firstOffset: 5 },
                { producerId: 1, firstOffset: large },
              ],
              preferredReadReplica: 3,
              records: base64('r'.repeat(300)),
            },
          ],
        },
        {
          topic: utf8,
          partitions: [
            {
              ...partitionData,
              errorCode: 74,
              divergingEpoch: { epoch: 6, endOffset: large },
              currentLeader: { leaderId: 2, leaderEpoch: 7 },
              snapshotId: { epoch: 2, endOffset: 3 },
              abortedTransactions: [],
              records: null,
            },
          ],
        },
      ],
    },
    { throttleTimeMs: 0, errorCode: 70, sessionId: 0, responses: [] },
  ],
  Produce: [
    {
      responses: [
        {
          name: 'a',
          partitionResponses: [
            {
              index: 0,
              errorCode: 0,
              baseOffset: large,
              logAppendTimeMs: 1_700_000_000_000,
              logStartOffset: 1,
              recordErrors: [],
              errorMessage: null,
              currentLeader: nobody,
            },
            {
              index: 1,
              errorCode: 87,
              baseOffset: -1,
              logAppendTimeMs: -1,
              logStartOffset: -1,
              recordErrors: [
                { batchIndex: 2, batchIndexErrorMessage: utf8 },
                { batchIndex: 3, batchIndexErrorMessage: null },
              ],
              errorMessage: utf8,
              currentLeader: { leaderId: 2, leaderEpoch: 9 },
            },
          ],
        },
      ],
      throttleTimeMs: 4,
      nodeEndpoints: endpoints,
    },
  ],
  FindCoordinator: [
    { ...coordinator, throttleTimeMs: 1, coordinators: [coordinator] },
    {
      ...coordinator,
      errorMessage: null,
      throttleTimeMs: 0,
      coordinators: [{ ...coordinator, errorMessage: null }],
    },
  ],
  JoinGroup: [
    {
      throttleTimeMs: 1,
      errorCode: 0,
      generationId: 12,
      protocolType: 'consumer',
      protocolName: 'sticky',
      leader: 'm-1',
      skipAssignment: true,
      memberId: 'm-1',
      members: [
        { ...member, metadata: base64('one') },
        { memberId: 'm-2', groupInstanceId: null, metadata: '' },
      ],
    },
    {
      throttleTimeMs: 0,
      errorCode: 79,
      generationId: -1,
      protocolType: null,
      protocolName: null,
      leader: '',
      skipAssignment: false,
      memberId: 'm-3',
      members: [],
    },
  ],
  SyncGroup: [
    {
      throttleTimeMs: 1,
      errorCode: 0,
      protocolType: 'consumer',
      protocolName: 'sticky',
      assignment: base64('x'.repeat(200)),
    },
    { throttleTimeMs: 0, errorCode: 27, protocolType: null, protocolName: null, assignment: '' },
  ],
  Heartbeat: [{ throttleTimeMs: 9, errorCode: 27 }],
  LeaveGroup: [
    {
      throttleTimeMs: 1,
      errorCode: 0,
      members: [member, { memberId: 'm-2', groupInstanceId: null, errorCode: 25 }],
    },
  ],
  OffsetCommit: [{ throttleTimeMs: 1, topics: errorsByPartition }],
  OffsetFetch: [
    {
      throttleTimeMs: 1,
      topics: committedTopics,
      errorCode: 0,
      groups: [{ groupId: 'g', topics: committedTopics, errorCode: 0 }],
    },
    {
      throttleTimeMs: 0,
      topics: [],
      errorCode: 16,
      groups: [{ groupId: 'g', topics: [], errorCode: 16 }],
    },
  ],
  InitProducerId: [{ throttleTimeMs: 1, errorCode: 0, producerId: large, producerEpoch: 32_767 }],
  AddPartitionsToTxn: [{ throttleTimeMs: 1, resultsByTopicV3AndBelow: txnResults }],
  AddOffsetsToTxn: [{ throttleTimeMs: 1, errorCode: 53 }],
  TxnOffsetCommit: [{ throttleTimeMs: 1, topics: errorsByPartition }],
  EndTxn: [{ throttleTimeMs: 1, errorCode: 0, producerId: large, producerEpoch: 32_767 }],
  SaslHandshake: [
    { errorCode: 33, mechanisms: ['PLAIN', 'SCRAM-SHA-512'] },
    { errorCode: 0, mechanisms: [] },
  ],
  SaslAuthenticate: [
    {
      errorCode: 0,
      errorMessage: null,
      authBytes: base64('r=nonce,s=salt,i=4096'),
      sessionLifetimeMs: 3_600_000,
    },
    { errorCode: 58, errorMessage: utf8, authBytes: '', sessionLifetimeMs: 0 },
  ],
  OffsetForLeaderEpoch: [
    {
      throttleTimeMs: 1,
      topics: [
        {
          topic: 'a',
          partitions: [
            { errorCode: 0, partition: 1, leaderEpoch: 7, endOffset: large },
            { errorCode: 74, partition: 2, leaderEpoch: -1, endOffset: -1 },
          ],
        },
      ],
    },
  ],
}

/** Of the consumer protocol, likewise. */
export const madeSubscriptions: readonly object[] = [
  {
    topics: ['a', utf8],
    userData: base64('of the assignor'),
    ownedPartitions: [
      { topic: 'a', partitions: [0, 3] },
      { topic: 'b', partitions: [] },
    ],
    generationId: 4,
    rackId: 'rack-1',
  },
  { topics: [], userData: null, ownedPartitions: [], generationId: -1, rackId: null },
]

export const madeAssignments: readonly object[] = [
  {
    assignedPartitions: [
      { topic: 'a', partitions: [0, 3] },
      { topic: utf8, partitions: [2_147_483_647] },
    ],
    userData: base64('of the assignor'),
  },
  { assignedPartitions: [], userData: null },
]
