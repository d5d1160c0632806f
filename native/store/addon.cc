// The native store as Node sees it: functions over externals, each a promise but for those that
// take no time. Called by src/table/native_rocksdb.ts alone.
#include <node_api.h>
#include <rocksdb/version.h>

#include <cstdlib>

#include "arguments.h"
#include "batch.h"
#include "database.h"
#include "load.h"
#include "rows.h"
#include "scan.h"
#include "task.h"

namespace euphorion {

namespace {

/** src/table/native_rocksdb_addon.ts has the same number. */
constexpr int kInterfaceVersion = 1;
constexpr char kClosed[] = "the store is closed";

/** Work of which nothing is left but whether it went well. */
template <typename Work>
class SimpleTask : public Task {
 public:
  explicit SimpleTask(Work work) : work_(std::move(work)) {}
  void Run() override { error = work_(); }

 private:
  Work work_;
};

/** Work that makes bytes. */
template <typename Work>
class BytesTask : public Task {
 public:
  explicit BytesTask(Work work) : work_(std::move(work)) {}
  void Run() override { error = work_(&bytes_); }
  napi_value Result(napi_env env) override { return ToArrayBuffer(env, std::move(bytes_)); }

 private:
  Work work_;
  std::string bytes_;
};

template <typename Work>
napi_value StartSimple(napi_env env, Work work, std::initializer_list<napi_value> kept = {}) {
  return Start(env, std::make_unique<SimpleTask<Work>>(std::move(work)), kept);
}

template <typename Work>
napi_value StartBytes(napi_env env, Work work, std::initializer_list<napi_value> kept = {}) {
  return Start(env, std::make_unique<BytesTask<Work>>(std::move(work)), kept);
}

class OpenTask : public Task {
 public:
  OpenTask(std::string path, DatabaseSettings settings)
      : path_(std::move(path)), settings_(settings) {}
  void Run() override {
    database_ = Database::Open(path_, settings_, &error);
    if (database_ != nullptr) RemoveLoads(path_);
  }
  napi_value Result(napi_env env) override {
    return ToExternal(env, Handle::kDatabase, std::move(database_));
  }

 private:
  const std::string path_;
  const DatabaseSettings settings_;
  std::shared_ptr<Database> database_;
};

/** (path, writeBufferBytes, cacheBytes, maxOpenFiles) → database */
napi_value Open(napi_env env, napi_callback_info info) {
  Arguments take(env, info);
  std::string path = take.Text(0);
  const DatabaseSettings settings{uint64_t(take.Number(1)), uint64_t(take.Number(2)),
                                  int(take.Number(3))};
  if (!take.ok()) return nullptr;
  return Start(env, std::make_unique<OpenTask>(std::move(path), settings), {});
}

/** (database) */
napi_value Close(napi_env env, napi_callback_info info) {
  Arguments take(env, info);
  auto database = take.Object<Database>(0, Handle::kDatabase);
  if (!take.ok()) return nullptr;
  return StartSimple(env, [database]() -> std::string {
    database->Close();
    return "";
  });
}

/** () → batch */
napi_value MakeBatch(napi_env env, napi_callback_info) {
  return ToExternal(env, Handle::kBatch, std::make_shared<Batch>());
}

/** (batch, rows before these, rows): all are copied. */
napi_value AddRows(napi_env env, napi_callback_info info) {
  Arguments take(env, info);
  auto batch = take.Object<Batch>(0, Handle::kBatch);
  const std::string_view before = take.Bytes(1);
  const std::string_view rows = take.Bytes(2);
  if (!take.ok()) return nullptr;
  return StartSimple(
      env,
      [batch, before, rows] {
        std::string error = batch->Add(before, false);
        return error.empty() ? batch->Add(rows, true) : error;
      },
      {take.raw(1), take.raw(2)});
}

/** (database, batch, rows after those of the batch, sync) */
napi_value Commit(napi_env env, napi_callback_info info) {
  Arguments take(env, info);
  auto database = take.Object<Database>(0, Handle::kDatabase);
  auto batch = take.Object<Batch>(1, Handle::kBatch);
  const std::string_view rows = take.Bytes(2);
  const bool sync = take.Boolean(3);
  if (!take.ok()) return nullptr;
  return StartSimple(
      env,
      [database, batch, rows, sync]() -> std::string {
        Database::Use use(database.get());
        if (!use) return kClosed;
        std::string error = batch->Add(rows, false);
        return error.empty() ? database->Write(batch->Take().get(), sync) : error;
      },
      {take.raw(2)});
}

/** (database, from, to) */
napi_value DeleteRange(napi_env env, napi_callback_info info) {
  Arguments take(env, info);
  auto database = take.Object<Database>(0, Handle::kDatabase);
  const std::string_view from = take.Bytes(1);
  const std::string_view to = take.Bytes(2);
  if (!take.ok()) return nullptr;
  return StartSimple(
      env,
      [database, from, to]() -> std::string {
        Database::Use use(database.get());
        return use ? database->DeleteRange(from, to) : kClosed;
      },
      {take.raw(1), take.raw(2)});
}

/** (database, rows, op) → a value for each row with that op: u32 length, bytes */
napi_value Get(napi_env env, napi_callback_info info) {
  Arguments take(env, info);
  auto database = take.Object<Database>(0, Handle::kDatabase);
  const std::string_view rows = take.Bytes(1);
  const auto op = RowOp(take.Number(2));
  if (!take.ok()) return nullptr;
  return StartBytes(
      env,
      [database, rows, op](std::string* values) -> std::string {
        std::vector<uint32_t> places;
        if (!ReadPlaces(rows, &places)) return "rows are damaged";
        std::vector<std::string_view> keys;
        for (const uint32_t at : places) {
          const Row row = RowAt(rows, at);
          if (row.op == op) keys.push_back(row.key);
        }
        Database::Use use(database.get());
        return use ? database->Get(keys, values) : kClosed;
      },
      {take.raw(1)});
}

/** (database, key) → the value, null for none, undefined when only the disk knows */
napi_value GetCached(napi_env env, napi_callback_info info) {
  Arguments take(env, info);
  auto database = take.Object<Database>(0, Handle::kDatabase);
  const std::string_view key = take.Bytes(1);
  if (!take.ok()) return nullptr;
  Database::Use use(database.get());
  std::string value;
  napi_value result = nullptr;
  switch (use ? database->GetCached(key, &value) : Database::Found::kUnknown) {
    case Database::Found::kYes:
      return ToArrayBuffer(env, std::move(value));
    case Database::Found::kNo:
      napi_get_null(env, &result);
      break;
    case Database::Found::kUnknown:
      napi_get_undefined(env, &result);
      break;
  }
  return result;
}

/** (database, from or undefined, to or undefined, reverse, limit) → scan */
napi_value MakeScan(napi_env env, napi_callback_info info) {
  Arguments take(env, info);
  auto database = take.Object<Database>(0, Handle::kDatabase);
  ScanBounds bounds;
  bounds.has_from = !take.IsUndefined(1);
  if (bounds.has_from) bounds.from = take.Bytes(1);
  bounds.has_to = !take.IsUndefined(2);
  if (bounds.has_to) bounds.to = take.Bytes(2);
  bounds.reverse = take.Boolean(3);
  const double limit = take.Number(4);
  if (limit >= 0 && limit < 1e18) bounds.limit = uint64_t(limit);
  if (!take.ok()) return nullptr;
  return ToExternal(env, Handle::kScan,
                    std::make_shared<Scan>(std::move(database), std::move(bounds)));
}

/** (scan, bytes) → packed rows, none at the end */
napi_value ReadScan(napi_env env, napi_callback_info info) {
  Arguments take(env, info);
  auto scan = take.Object<Scan>(0, Handle::kScan);
  const auto bytes = size_t(take.Number(1));
  if (!take.ok()) return nullptr;
  return StartBytes(env, [scan, bytes](std::string* rows) -> std::string {
    Database::Use use(scan->database());
    return use ? scan->Read(bytes, rows) : kClosed;
  });
}

/** (scan), not while it is read */
napi_value EndScan(napi_env env, napi_callback_info info) {
  Arguments take(env, info);
  auto scan = take.Object<Scan>(0, Handle::kScan);
  if (take.ok()) scan->End();
  return nullptr;
}

/** (database, path) */
napi_value Checkpoint(napi_env env, napi_callback_info info) {
  Arguments take(env, info);
  auto database = take.Object<Database>(0, Handle::kDatabase);
  std::string path = take.Text(1);
  if (!take.ok()) return nullptr;
  return StartSimple(env, [database, path]() -> std::string {
    Database::Use use(database.get());
    return use ? database->Checkpoint(path) : kClosed;
  });
}

/** (database) → load */
napi_value MakeLoad(napi_env env, napi_callback_info info) {
  Arguments take(env, info);
  auto database = take.Object<Database>(0, Handle::kDatabase);
  if (!take.ok()) return nullptr;
  return ToExternal(env, Handle::kLoad, std::make_shared<Load>(std::move(database)));
}

/** (load, rows) */
napi_value LoadRows(napi_env env, napi_callback_info info) {
  Arguments take(env, info);
  auto load = take.Object<Load>(0, Handle::kLoad);
  const std::string_view rows = take.Bytes(1);
  if (!take.ok()) return nullptr;
  return StartSimple(
      env,
      [load, rows]() -> std::string {
        Database::Use use(load->database());
        return use ? load->Add(rows) : kClosed;
      },
      {take.raw(1)});
}

/** (load, keep): takes the rows over, or forgets them. */
napi_value EndLoad(napi_env env, napi_callback_info info) {
  Arguments take(env, info);
  auto load = take.Object<Load>(0, Handle::kLoad);
  const bool keep = take.Boolean(1);
  if (!take.ok()) return nullptr;
  return StartSimple(env, [load, keep]() -> std::string {
    Database::Use use(load->database());
    std::string error = !keep ? "" : use ? load->Finish() : kClosed;
    load->Remove();
    return error;
  });
}

void Define(napi_env env, napi_value exports, const char* name, napi_callback call) {
  napi_value function = nullptr;
  napi_create_function(env, name, NAPI_AUTO_LENGTH, call, nullptr, &function);
  napi_set_named_property(env, exports, name, function);
}

void DefineVersions(napi_env env, napi_value exports) {
  napi_value interface_version = nullptr;
  napi_create_int32(env, kInterfaceVersion, &interface_version);
  napi_set_named_property(env, exports, "interfaceVersion", interface_version);
  napi_value version = nullptr;
  const std::string text = std::to_string(ROCKSDB_MAJOR) + "." + std::to_string(ROCKSDB_MINOR) +
                           "." + std::to_string(ROCKSDB_PATCH);
  napi_create_string_utf8(env, text.data(), text.size(), &version);
  napi_set_named_property(env, exports, "version", version);
}

}  // namespace

}  // namespace euphorion

/** Threads of RocksDB must not outlive what the end of the process takes down. */
NAPI_MODULE_INIT() {
  using namespace euphorion;
  static const int registered = std::atexit(Database::CloseAll);
  (void)registered;
  Define(env, exports, "open", Open);
  Define(env, exports, "close", Close);
  Define(env, exports, "batch", MakeBatch);
  Define(env, exports, "addRows", AddRows);
  Define(env, exports, "commit", Commit);
  Define(env, exports, "deleteRange", DeleteRange);
  Define(env, exports, "get", Get);
  Define(env, exports, "getCached", GetCached);
  Define(env, exports, "scan", MakeScan);
  Define(env, exports, "readScan", ReadScan);
  Define(env, exports, "endScan", EndScan);
  Define(env, exports, "checkpoint", Checkpoint);
  Define(env, exports, "load", MakeLoad);
  Define(env, exports, "loadRows", LoadRows);
  Define(env, exports, "endLoad", EndLoad);
  DefineVersions(env, exports);
  return exports;
}
