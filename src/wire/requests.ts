// All requests that are spoken here. What a broker offers is compared with this table when a
// connection begins.
import type { RequestType } from './request.ts'
import { addOffsetsToTxnRequest } from './requests/add_offsets_to_txn.ts'
import { addPartitionsToTxnRequest } from './requests/add_partitions_to_txn.ts'
import { apiVersionsRequest } from './requests/api_versions.ts'
import { endTxnRaisingRequest, endTxnRequest } from './requests/end_txn.ts'
import { fetchRequest } from './requests/fetch.ts'
import { findCoordinatorRequest } from './requests/find_coordinator.ts'
import { heartbeatRequest } from './requests/heartbeat.ts'
import { initProducerIdRequest } from './requests/init_producer_id.ts'
import { joinGroupRequest } from './requests/join_group.ts'
import { leaveGroupRequest } from './requests/leave_group.ts'
import { listOffsetsRequest } from './requests/list_offsets.ts'
import { metadataRequest } from './requests/metadata.ts'
import { offsetCommitRequest } from './requests/offset_commit.ts'
import { offsetFetchRequest } from './requests/offset_fetch.ts'
import { offsetForLeaderEpochRequest } from './requests/offset_for_leader_epoch.ts'
import { produceAddingRequest, produceRequest } from './requests/produce.ts'
import { saslAuthenticateRequest } from './requests/sasl_authenticate.ts'
import { saslHandshakeRequest } from './requests/sasl_handshake.ts'
import { syncGroupRequest } from './requests/sync_group.ts'
import {
  txnOffsetCommitAddingRequest,
  txnOffsetCommitRequest,
} from './requests/txn_offset_commit.ts'

/** By Kafka's names. */
export const requests = {
  Produce: produceRequest,
  ProduceAdding: produceAddingRequest,
  Fetch: fetchRequest,
  ListOffsets: listOffsetsRequest,
  Metadata: metadataRequest,
  OffsetCommit: offsetCommitRequest,
  OffsetFetch: offsetFetchRequest,
  FindCoordinator: findCoordinatorRequest,
  JoinGroup: joinGroupRequest,
  Heartbeat: heartbeatRequest,
  LeaveGroup: leaveGroupRequest,
  SyncGroup: syncGroupRequest,
  SaslHandshake: saslHandshakeRequest,
  ApiVersions: apiVersionsRequest,
  InitProducerId: initProducerIdRequest,
  OffsetForLeaderEpoch: offsetForLeaderEpochRequest,
  AddPartitionsToTxn: addPartitionsToTxnRequest,
  AddOffsetsToTxn: addOffsetsToTxnRequest,
  EndTxn: endTxnRequest,
  EndTxnRaising: endTxnRaisingRequest,
  TxnOffsetCommit: txnOffsetCommitRequest,
  TxnOffsetCommitAdding: txnOffsetCommitAddingRequest,
  SaslAuthenticate: saslAuthenticateRequest,
} as const satisfies Readonly<Record<string, RequestType<never, unknown>>>
