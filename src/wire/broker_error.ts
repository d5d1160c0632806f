// What the errors of Kafka's protocol mean: whether the same request can succeed later, what is to
// be looked up again before, and what a person is told. Called wherever an answer has an error
// code.
import { type ErrorCode, type ErrorPlace, EuphorionError } from '../errors.ts'
import { brokerCode } from './broker_code.ts'

type BrokerErrorName = keyof typeof brokerCode

/** What an error asks for before the same request is sent again. */
export type LookUp = 'nothing' | 'metadata' | 'coordinator'

export interface BrokerError {
  /** As Kafka calls it. */
  readonly name: string
  /** The same request can succeed a little later, once `lookUp` was done. */
  readonly retriable: boolean
  readonly lookUp: LookUp
  /** For a person, once it is not retried. */
  readonly code: ErrorCode
  /** What happened, as half a sentence. */
  readonly sentence: string
}

/** Undefined for 0, which is no error. */
export function brokerError(errorCode: number): BrokerError | undefined {
  return errorCode === brokerCode.NONE ? undefined : (errors.get(errorCode) ?? unknown(errorCode))
}

/**
 * The error to throw for an error code of an answer; undefined for 0. `what` was asked for, as the
 * beginning of a sentence: "committing offsets of group 'a'". `said` are the broker's own words,
 * where the answer has some.
 */
export function brokerFailure(
  errorCode: number,
  what: string,
  place: ErrorPlace = {},
  said: string | null = null,
): EuphorionError | undefined {
  const error = brokerError(errorCode)
  if (error === undefined) return undefined
  const words = said === null || said === '' ? '' : `; the broker says: ${said}`
  const message = `${what}: ${error.sentence} (${error.name})${words}`
  return new EuphorionError(error.code, message, { place })
}

/** A leader changed, or is about to: these are over when the metadata is new. */
const metadataErrors: readonly BrokerErrorName[] = [
  'UNKNOWN_TOPIC_OR_PARTITION',
  'LEADER_NOT_AVAILABLE',
  'NOT_LEADER_OR_FOLLOWER',
  'BROKER_NOT_AVAILABLE',
  'REPLICA_NOT_AVAILABLE',
  'STALE_CONTROLLER_EPOCH',
  'NETWORK_EXCEPTION',
  'NOT_CONTROLLER',
  'KAFKA_STORAGE_ERROR',
  'LISTENER_NOT_FOUND',
  'FENCED_LEADER_EPOCH',
  'PREFERRED_LEADER_NOT_AVAILABLE',
  'ELIGIBLE_LEADERS_NOT_AVAILABLE',
  'ELECTION_NOT_NEEDED',
  'UNKNOWN_TOPIC_ID',
  'INCONSISTENT_TOPIC_ID',
  'REBOOTSTRAP_REQUIRED',
]

const coordinatorErrors: readonly BrokerErrorName[] = [
  'COORDINATOR_NOT_AVAILABLE',
  'NOT_COORDINATOR',
]

const passingErrors: readonly BrokerErrorName[] = [
  'CORRUPT_MESSAGE',
  'REQUEST_TIMED_OUT',
  'COORDINATOR_LOAD_IN_PROGRESS',
  'NOT_ENOUGH_REPLICAS',
  'NOT_ENOUGH_REPLICAS_AFTER_APPEND',
  'CONCURRENT_TRANSACTIONS',
  'FETCH_SESSION_ID_NOT_FOUND',
  'INVALID_FETCH_SESSION_EPOCH',
  'UNKNOWN_LEADER_EPOCH',
  'OFFSET_NOT_AVAILABLE',
  'UNSTABLE_OFFSET_COMMIT',
  'THROTTLING_QUOTA_EXCEEDED',
  'FETCH_SESSION_TOPIC_ID_ERROR',
  'SHARE_SESSION_NOT_FOUND',
  'INVALID_SHARE_SESSION_EPOCH',
  'SHARE_SESSION_LIMIT_REACHED',
]

/** The others are LOG_FAILED where they pass, else REQUEST_REFUSED. */
const codes: Partial<Record<BrokerErrorName, ErrorCode>> = {
  OFFSET_OUT_OF_RANGE: 'OFFSET_OUT_OF_RANGE',
  CORRUPT_MESSAGE: 'BATCH_CORRUPT',
  UNKNOWN_TOPIC_OR_PARTITION: 'TOPIC_UNKNOWN',
  MESSAGE_TOO_LARGE: 'RECORD_TOO_LARGE',
  INVALID_TOPIC_EXCEPTION: 'TOPIC_INVALID',
  RECORD_LIST_TOO_LARGE: 'RECORD_TOO_LARGE',
  INVALID_GROUP_ID: 'SETTING_INVALID',
  INVALID_SESSION_TIMEOUT: 'SETTING_INVALID',
  TOPIC_AUTHORIZATION_FAILED: 'ACCESS_DENIED',
  GROUP_AUTHORIZATION_FAILED: 'ACCESS_DENIED',
  CLUSTER_AUTHORIZATION_FAILED: 'ACCESS_DENIED',
  INVALID_TIMESTAMP: 'RECORD_INVALID',
  UNSUPPORTED_SASL_MECHANISM: 'AUTHENTICATION_FAILED',
  ILLEGAL_SASL_STATE: 'AUTHENTICATION_FAILED',
  UNSUPPORTED_VERSION: 'CAPABILITY_MISSING',
  INVALID_PARTITIONS: 'SETTING_INVALID',
  INVALID_REPLICATION_FACTOR: 'SETTING_INVALID',
  INVALID_REPLICA_ASSIGNMENT: 'SETTING_INVALID',
  INVALID_CONFIG: 'SETTING_INVALID',
  UNSUPPORTED_FOR_MESSAGE_FORMAT: 'CAPABILITY_MISSING',
  INVALID_PRODUCER_EPOCH: 'FENCED',
  INVALID_TRANSACTION_TIMEOUT: 'SETTING_INVALID',
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: 'ACCESS_DENIED',
  SECURITY_DISABLED: 'CAPABILITY_MISSING',
  SASL_AUTHENTICATION_FAILED: 'AUTHENTICATION_FAILED',
  DELEGATION_TOKEN_AUTHORIZATION_FAILED: 'ACCESS_DENIED',
  UNSUPPORTED_COMPRESSION_TYPE: 'CAPABILITY_MISSING',
  FENCED_INSTANCE_ID: 'FENCED',
  INVALID_RECORD: 'RECORD_INVALID',
  PRODUCER_FENCED: 'FENCED',
  INVALID_PRODUCER_ID_MAPPING: 'FENCED',
  UNKNOWN_TOPIC_ID: 'TOPIC_UNKNOWN',
}

/** The others come from requests that are not sent here; their names say enough. */
const sentences: Partial<Record<BrokerErrorName, string>> = {
  UNKNOWN_SERVER_ERROR: 'the broker met an error that it did not expect; its log says which',
  OFFSET_OUT_OF_RANGE: 'the log of the partition does not have this offset',
  CORRUPT_MESSAGE:
    'the checksum of a batch is wrong, or a compacted topic got a record without key',
  UNKNOWN_TOPIC_OR_PARTITION: 'the broker does not have this topic or partition',
  INVALID_FETCH_SIZE: 'the number of bytes to fetch is not valid',
  LEADER_NOT_AVAILABLE: 'the partition has no leader now; one is being elected',
  NOT_LEADER_OR_FOLLOWER: 'the broker is not the leader of this partition any more',
  REQUEST_TIMED_OUT: 'the broker did not finish in time, for example because followers are slow',
  BROKER_NOT_AVAILABLE: 'a broker that is needed is down',
  REPLICA_NOT_AVAILABLE: 'the broker does not have a replica of this partition now',
  MESSAGE_TOO_LARGE: 'a batch is larger than max.message.bytes of the topic',
  STALE_CONTROLLER_EPOCH: 'the controller moved to another broker',
  OFFSET_METADATA_TOO_LARGE:
    'the metadata of a committed offset is larger than offset.metadata.max.bytes',
  NETWORK_EXCEPTION: 'a broker lost its connection to another',
  COORDINATOR_LOAD_IN_PROGRESS: 'the coordinator is loading its state',
  COORDINATOR_NOT_AVAILABLE: 'there is no coordinator now',
  NOT_COORDINATOR: 'the coordinator moved to another broker',
  INVALID_TOPIC_EXCEPTION: 'the name or the kind of the topic does not allow this',
  RECORD_LIST_TOO_LARGE: 'a batch is larger than segment.bytes of the topic',
  NOT_ENOUGH_REPLICAS: 'fewer replicas are in sync than min.insync.replicas of the topic',
  NOT_ENOUGH_REPLICAS_AFTER_APPEND:
    'the batch was written, but to fewer replicas than min.insync.replicas',
  INVALID_REQUIRED_ACKS: 'the broker does not allow these acks',
  ILLEGAL_GENERATION: 'the group has gone on to another generation',
  INCONSISTENT_GROUP_PROTOCOL: 'the other members of the group use another assignor or protocol',
  INVALID_GROUP_ID: 'the id of the group is not valid',
  UNKNOWN_MEMBER_ID: 'the group does not know this member',
  INVALID_SESSION_TIMEOUT:
    'the session time-out is outside group.min.session.timeout.ms to group.max.session.timeout.ms of the broker',
  REBALANCE_IN_PROGRESS: 'the group is rebalancing',
  INVALID_COMMIT_OFFSET_SIZE:
    'more offsets are to be committed than fit into one record of the broker',
  TOPIC_AUTHORIZATION_FAILED: 'the user may not do this with the topic',
  GROUP_AUTHORIZATION_FAILED: 'the user may not do this with the group',
  CLUSTER_AUTHORIZATION_FAILED: 'the user may not do this with the cluster',
  INVALID_TIMESTAMP: 'the time of a record is outside what the topic allows',
  UNSUPPORTED_SASL_MECHANISM: 'the broker does not offer this SASL mechanism',
  ILLEGAL_SASL_STATE: 'the broker wants another step of authentication, or none',
  UNSUPPORTED_VERSION: 'the broker does not speak this version of the request',
  TOPIC_ALREADY_EXISTS: 'a topic of this name exists',
  INVALID_PARTITIONS: 'the number of partitions is not valid',
  INVALID_REPLICATION_FACTOR: 'the replication factor is below 1 or above the number of brokers',
  INVALID_REPLICA_ASSIGNMENT: 'the assignment of replicas is not valid',
  INVALID_CONFIG: 'a setting of the topic is not valid',
  NOT_CONTROLLER: 'the broker is not the controller any more',
  INVALID_REQUEST: 'the broker calls the request invalid; its log says why',
  UNSUPPORTED_FOR_MESSAGE_FORMAT: 'the topic keeps records in a format that is too old for this',
  POLICY_VIOLATION: 'a policy of the cluster forbids this',
  OUT_OF_ORDER_SEQUENCE_NUMBER: 'a batch before this one is missing in the partition',
  DUPLICATE_SEQUENCE_NUMBER: 'the partition has this batch already',
  INVALID_PRODUCER_EPOCH: 'a newer producer took over its id',
  INVALID_TXN_STATE: 'the transaction is not in a state that allows this',
  INVALID_PRODUCER_ID_MAPPING: 'the transactional id belongs to another producer id by now',
  INVALID_TRANSACTION_TIMEOUT:
    'the transaction time-out is above transaction.max.timeout.ms of the broker',
  CONCURRENT_TRANSACTIONS: 'the transaction before this one is not finished yet',
  TRANSACTION_COORDINATOR_FENCED: 'the coordinator of the transaction was replaced',
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: 'the user may not use this transactional id',
  SECURITY_DISABLED: 'the broker has its security features switched off',
  OPERATION_NOT_ATTEMPTED: 'the broker did not try this part because another failed',
  KAFKA_STORAGE_ERROR: 'the disk of the broker failed',
  SASL_AUTHENTICATION_FAILED: 'the broker does not accept these credentials',
  UNKNOWN_PRODUCER_ID:
    'the partition has let go all that this producer wrote, and does not know it any more',
  NON_EMPTY_GROUP: 'the group has members',
  GROUP_ID_NOT_FOUND: 'there is no such group',
  FETCH_SESSION_ID_NOT_FOUND: 'the broker has let go of the fetch session',
  INVALID_FETCH_SESSION_EPOCH:
    'the broker and the reader are at different steps of the fetch session',
  LISTENER_NOT_FOUND: 'the leader has no listener of the name that this connection uses',
  TOPIC_DELETION_DISABLED: 'delete.topic.enable is off on the broker',
  FENCED_LEADER_EPOCH: 'the partition has a newer leader',
  UNKNOWN_LEADER_EPOCH: 'the broker has not heard of the newest leader yet',
  UNSUPPORTED_COMPRESSION_TYPE:
    'the topic uses a compression that this version of the request cannot carry',
  OFFSET_NOT_AVAILABLE: 'a new leader does not know its last offset yet',
  MEMBER_ID_REQUIRED: 'the member has to join again with the id that it was given',
  GROUP_MAX_SIZE_REACHED: 'the group has group.max.size members',
  FENCED_INSTANCE_ID: 'another member has joined with the same group instance id',
  GROUP_SUBSCRIBED_TO_TOPIC: 'the group reads this topic now',
  INVALID_RECORD: 'the broker refuses a record: its topic wants a key, or another time',
  UNSTABLE_OFFSET_COMMIT: 'a transaction that commits offsets of the group is not finished yet',
  THROTTLING_QUOTA_EXCEEDED: 'a quota of the cluster is used up for now',
  PRODUCER_FENCED: 'a newer producer uses the same transactional id',
  UNKNOWN_TOPIC_ID: 'the topic was deleted, or made anew',
  INCONSISTENT_TOPIC_ID: 'the topic was made anew',
  INCONSISTENT_CLUSTER_ID: 'the broker belongs to another cluster',
  TRANSACTIONAL_ID_NOT_FOUND: 'the coordinator does not know the transactional id',
  FETCH_SESSION_TOPIC_ID_ERROR: 'the fetch session mixes topics with and without ids',
  FENCED_MEMBER_EPOCH: 'the group has taken the member out',
  UNRELEASED_INSTANCE_ID: 'another member has this group instance id and has not left',
  STALE_MEMBER_EPOCH: 'the group has gone on to another epoch',
  MISMATCHED_ENDPOINT_TYPE: 'this is a port for controllers, not for clients',
  TRANSACTION_ABORTABLE: 'the transaction failed and can only be aborted',
  REBOOTSTRAP_REQUIRED: 'the client is to look for the cluster anew',
}

const errors = new Map<number, BrokerError>()
for (const [key, errorCode] of Object.entries(brokerCode)) {
  const name = key as BrokerErrorName
  const lookUp = lookUpAfter(name)
  const retriable = lookUp !== 'nothing' || passingErrors.includes(name)
  errors.set(errorCode, {
    name,
    retriable,
    lookUp,
    code: codes[name] ?? (retriable ? 'LOG_FAILED' : 'REQUEST_REFUSED'),
    sentence: sentences[name] ?? name.toLowerCase().replaceAll('_', ' '),
  })
}

function lookUpAfter(name: BrokerErrorName): LookUp {
  if (metadataErrors.includes(name)) return 'metadata'
  return coordinatorErrors.includes(name) ? 'coordinator' : 'nothing'
}

function unknown(errorCode: number): BrokerError {
  return {
    name: `error code ${errorCode}`,
    retriable: false,
    lookUp: 'nothing',
    code: 'REQUEST_REFUSED',
    sentence: 'the broker answered with an error that only newer programs know',
  }
}
