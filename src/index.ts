// The public surface of `euphorion`.

export { App } from './app/app.ts'
export type { AppContext } from './app/app_context.ts'
export type { AppOptions } from './app/app_options.ts'
export type {
  TimerContext,
  TimerDefinition,
  TimerFunction,
  TimerOptions,
} from './app/background_declarations.ts'
export type {
  ArgumentsOf,
  CommandFunction,
  CommandSpec,
  OptionsOf,
  UserCommandContext,
} from './app/commands.ts'
export type { CrontabOptions } from './app/crontab.ts'
export type { Topology } from './app/declarations.ts'
export type { AgentTopicOptions } from './app/declaring_app.ts'
export type { Health, WorkerStatus } from './app/health.ts'
export type { HookEvents, HookListener, HookName } from './app/hooks.ts'
export type { LaneStatistics } from './app/lane_statistics.ts'
export type { LiveCheck, LiveCheckOptions, LiveTest } from './app/live_check.ts'
export type {
  LiveCheckContext,
  LiveCheckFunction,
  LiveCheckReport,
  LiveCheckSignal,
  LiveCheckState,
} from './app/live_check_run.ts'
export {
  type Page,
  type PageAnswer,
  type PageContext,
  type PageHandler,
  type PageMethods,
  readBody,
  type TableRoute,
} from './app/page_declarations.ts'
export type { RecoveryFacts } from './app/recovery_progress.ts'
export type { ReplyStatistics } from './app/reply_waiters.ts'
export type {
  BatchSensed,
  CutSensed,
  RequestSensed,
  SendSensed,
  Sensor,
} from './app/sensors.ts'
export type { Service, ServiceOptions } from './app/services.ts'
export type { TaskFunction, TaskOptions } from './app/tasks.ts'
export { WebError, type WebStatus } from './app/web_error.ts'
export { type Clock, type Random, seededRandom, systemClock, systemRandom } from './clock.ts'
export { describeError, type ErrorCode, type ErrorPlace, EuphorionError } from './errors.ts'
export type { ManyStored, PartitionStored, RecordMetadata } from './ingest/receipt.ts'
export type { BadRecordPolicy } from './kernel/lane.ts'
export type { WindowPlan } from './kernel/plan.ts'
export type { Log, LogHeader, TopicConfig } from './log/log.ts'
export type { Logger } from './logger.ts'
export { Bad } from './record/bad.ts'
export { type Codec, type CodecLike, json, raw, text, type ValueOf } from './record/codec.ts'
export {
  array,
  boolean,
  bytes,
  date,
  decimal,
  type Field,
  type FieldKind,
  type FieldMap,
  float32,
  float64,
  type Infer,
  int64,
  integer,
  literal,
  map,
  nullable,
  optional,
  string,
  timestamp,
  union,
} from './record/fields.ts'
export { type RecordType, record } from './record/record.ts'
export type { Settings, SettingsInput } from './settings.ts'
export type { Agent, AgentOptions } from './stream/agent.ts'
export type { AgentFunction, Yielded } from './stream/agent_definition.ts'
export type { AgentStatistics } from './stream/agent_statistics.ts'
export { type Aggregate, count, max, mean, min, sum } from './stream/aggregates.ts'
export type { DeclaredStream, Row } from './stream/aggregation.ts'
export type { BatchOptions } from './stream/batch_options.ts'
export type { ColumnAt, ColumnNames, NoFields } from './stream/batch_types.ts'
export type { Channel, ChannelOptions } from './stream/channel.ts'
export type { ChannelAgent, ChannelAgentOptions, ChannelFunction } from './stream/channel_agent.ts'
export type { ColumnBatch } from './stream/column_batch.ts'
export type { ColumnOf, MessageColumns, ValueColumns } from './stream/column_rows.ts'
export {
  and,
  type ColumnRef,
  type ColumnsOf,
  type Condition,
  eq,
  ge,
  gt,
  le,
  lt,
  ne,
  not,
  or,
  present,
} from './stream/columns.ts'
export type { EventStream } from './stream/event_stream.ts'
export type { Event } from './stream/events.ts'
export { type StreamOfOptions, streamOf } from './stream/iterable_stream.ts'
export type { MapBatchArguments, MapBatchOptions } from './stream/kernel_runs.ts'
export type { MappedBatch } from './stream/mapped_batches.ts'
export type { Message } from './stream/message.ts'
export type { RawTarget } from './stream/operators/forward.ts'
export type { TakeOptions } from './stream/operators/take.ts'
export type { Target, TargetFunction } from './stream/operators/target.ts'
export type { ProducedMessage } from './stream/produced.ts'
export type { GroupByOptions, KeyFunction } from './stream/repartition.ts'
export type { AgentMessage, AskOptions, CastOptions, MapOptions } from './stream/request.ts'
export type {
  LateStream,
  ResultHandle,
  ResultKey,
  ResultStream,
  ResultTable,
} from './stream/results.ts'
export type { SetTable, SetTableOptions } from './stream/set_table.ts'
export type { Sink } from './stream/sink.ts'
export type { Stream } from './stream/stream.ts'
export type {
  AgentFailure,
  FailureFunction,
  FailurePolicy,
  RetryOptions,
} from './stream/supervision.ts'
export type { Table, TableDefault, TableOptions } from './stream/table.ts'
export type { Topic, TopicOptions } from './stream/topic.ts'
export type { TopicNames, TopicSet } from './stream/topic_set.ts'
export type { TableWindowOptions, WindowedTable } from './stream/windowed_table.ts'
export type { TableChange } from './table/agent_definition.ts'
export type { TableSnapshot } from './table/table_snapshot.ts'
export type { LateWrite, WindowRange, WindowRow } from './table/windowed_definition.ts'
export type { Duration } from './units.ts'
export { hopping, tumbling } from './window/windows.ts'
export type { OAuthToken, TokenLogin } from './wire/login.ts'
