// One RocksDB database: see database.h.
#include "database.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "options.h"
#include "scan.h"

namespace euphorion {

namespace {

/** Keys of one call of RocksDB: it keeps that many values pinned. */
constexpr size_t kKeysAtOnce = 256;
constexpr int kReadTierCached = 1;

std::mutex open_mutex;

/** Never freed: the end of the process may come before that of its last database. */
std::set<Database*>& OpenDatabases() {
  static auto* databases = new std::set<Database*>();
  return *databases;
}

}  // namespace

std::string TakeError(char* error) {
  if (error == nullptr) return "";
  std::string text(error);
  rocksdb_free(error);
  return text.empty() ? "unknown" : text;
}

Database::Database(std::string path, OwnedOptions options, rocksdb_t* db)
    : path_(std::move(path)),
      options_(std::move(options)),
      db_(db),
      reading_(rocksdb_readoptions_create()),
      reading_cached_(rocksdb_readoptions_create()),
      family_(rocksdb_get_default_column_family_handle(db)) {
  rocksdb_readoptions_set_read_tier(reading_cached_.get(), kReadTierCached);
  std::lock_guard<std::mutex> lock(open_mutex);
  OpenDatabases().insert(this);
}

std::shared_ptr<Database> Database::Open(const std::string& path, const DatabaseSettings& settings,
                                         std::string* error) {
  OwnedOptions options = MakeOptions(settings);
  char* message = nullptr;
  rocksdb_t* db = rocksdb_open(options.get(), path.c_str(), &message);
  *error = TakeError(message);
  if (db == nullptr) return nullptr;
  return std::shared_ptr<Database>(new Database(path, std::move(options), db));
}

Database::~Database() { Close(); }

Database::Use::Use(Database* database) : database_(database) {
  std::lock_guard<std::mutex> lock(database->mutex_);
  if (database->closed_) database_ = nullptr;
  else database->uses_++;
}

Database::Use::~Use() {
  if (database_ == nullptr) return;
  std::lock_guard<std::mutex> lock(database_->mutex_);
  if (--database_->uses_ == 0) database_->unused_.notify_all();
}

void Database::Close() {
  rocksdb_t* db;
  {
    std::unique_lock<std::mutex> lock(mutex_);
    closed_ = true;
    unused_.wait(lock, [this] { return uses_ == 0; });
    for (Scan* scan : scans_) scan->Free();
    scans_.clear();
    db = std::exchange(db_, nullptr);
  }
  if (db == nullptr) return;
  {
    std::lock_guard<std::mutex> lock(open_mutex);
    OpenDatabases().erase(this);
  }
  rocksdb_close(db);
}

void Database::CloseAll() {
  std::vector<Database*> databases;
  {
    std::lock_guard<std::mutex> lock(open_mutex);
    databases.assign(OpenDatabases().begin(), OpenDatabases().end());
  }
  for (Database* database : databases) {
    {
      std::lock_guard<std::mutex> lock(database->mutex_);
      if (database->uses_ > 0) continue;
    }
    database->Close();
  }
}

std::string Database::Write(rocksdb_writebatch_t* batch, bool sync) {
  Owned<rocksdb_writeoptions_t, rocksdb_writeoptions_destroy> options(
      rocksdb_writeoptions_create());
  rocksdb_writeoptions_set_sync(options.get(), sync);
  char* error = nullptr;
  rocksdb_write(db_, options.get(), batch, &error);
  return TakeError(error);
}

std::string Database::DeleteRange(std::string_view from, std::string_view to) {
  OwnedBatch batch(rocksdb_writebatch_create());
  rocksdb_writebatch_delete_range(batch.get(), from.data(), from.size(), to.data(), to.size());
  return Write(batch.get(), false);
}

std::string Database::Get(const std::vector<std::string_view>& keys, std::string* values) {
  std::vector<uint32_t> order(keys.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(),
            [&](uint32_t a, uint32_t b) { return keys[a] < keys[b]; });
  // Copied in the order of the keys first, because a value that waits would pin its block.
  std::string copies;
  std::vector<Span> spans(keys.size());
  for (size_t at = 0; at < keys.size(); at += kKeysAtOnce) {
    const size_t count = std::min(kKeysAtOnce, keys.size() - at);
    std::string error = GetSome(keys, order.data() + at, count, &copies, spans.data());
    if (!error.empty()) return error;
  }
  values->reserve(copies.size() + keys.size() * sizeof(uint32_t));
  for (const Span& span : spans) {
    values->append(reinterpret_cast<const char*>(&span.length), sizeof span.length);
    if (span.length != kMissing) values->append(copies, span.start, span.length);
  }
  return "";
}

std::string Database::GetSome(const std::vector<std::string_view>& keys, const uint32_t* order,
                              size_t count, std::string* copies, Span* spans) {
  rocksdb_slice_t asked[kKeysAtOnce] = {};
  rocksdb_pinnableslice_t* answers[kKeysAtOnce];
  char* errors[kKeysAtOnce];
  for (size_t i = 0; i < count; i++) asked[i] = {keys[order[i]].data(), keys[order[i]].size()};
  rocksdb_batched_multi_get_cf_slice(db_, reading_.get(), family_.get(), count, asked, answers,
                                     errors, true);
  std::string failure;
  for (size_t i = 0; i < count; i++) {
    const OwnedValue value(answers[i]);
    std::string error = TakeError(errors[i]);
    if (!error.empty()) failure = std::move(error);
    if (value == nullptr) continue;
    size_t length = 0;
    const char* bytes = rocksdb_pinnableslice_value(value.get(), &length);
    spans[order[i]] = {copies->size(), uint32_t(length)};
    copies->append(bytes, length);
  }
  return failure;
}

Database::Found Database::GetCached(std::string_view key, std::string* value) {
  char* error = nullptr;
  OwnedValue found(
      rocksdb_get_pinned(db_, reading_cached_.get(), key.data(), key.size(), &error));
  if (error != nullptr) {
    rocksdb_free(error);
    return Found::kUnknown;
  }
  if (found == nullptr) return Found::kNo;
  size_t length = 0;
  const char* bytes = rocksdb_pinnableslice_value(found.get(), &length);
  value->assign(bytes, length);
  return Found::kYes;
}

std::string Database::Checkpoint(const std::string& path) {
  char* error = nullptr;
  Owned<rocksdb_checkpoint_t, rocksdb_checkpoint_object_destroy> checkpoint(
      rocksdb_checkpoint_object_create(db_, &error));
  if (checkpoint == nullptr) return TakeError(error);
  rocksdb_checkpoint_create(checkpoint.get(), path.c_str(), 0, &error);
  return TakeError(error);
}

std::string Database::Ingest(const std::vector<std::string>& files) {
  Owned<rocksdb_ingestexternalfileoptions_t, rocksdb_ingestexternalfileoptions_destroy> options(
      rocksdb_ingestexternalfileoptions_create());
  rocksdb_ingestexternalfileoptions_set_move_files(options.get(), 1);
  std::vector<const char*> names;
  for (const std::string& file : files) names.push_back(file.c_str());
  char* error = nullptr;
  rocksdb_ingest_external_file(db_, names.data(), names.size(), options.get(), &error);
  return TakeError(error);
}

}  // namespace euphorion
