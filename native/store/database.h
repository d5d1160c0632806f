// One RocksDB database without anything of Node: what the tasks of addon.cc call, on any thread.
// Errors are RocksDB's own words; an empty text is none. Through RocksDB's C interface alone, so
// that the library may come from another compiler than the addon.
#pragma once

#include <rocksdb/c.h>

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace euphorion {

struct DatabaseSettings {
  uint64_t write_buffer_bytes;
  uint64_t cache_bytes;
  int max_open_files;
};

/** Takes over the message of a call of the C interface. */
std::string TakeError(char* error);

template <typename T, void (*Destroy)(T*)>
struct Destroyer {
  void operator()(T* it) const { Destroy(it); }
};
template <typename T, void (*Destroy)(T*)>
using Owned = std::unique_ptr<T, Destroyer<T, Destroy>>;

using OwnedBatch = Owned<rocksdb_writebatch_t, rocksdb_writebatch_destroy>;
using OwnedOptions = Owned<rocksdb_options_t, rocksdb_options_destroy>;
using OwnedReadOptions = Owned<rocksdb_readoptions_t, rocksdb_readoptions_destroy>;
using OwnedValue = Owned<rocksdb_pinnableslice_t, rocksdb_pinnableslice_destroy>;

class Scan;

class Database {
 public:
  static std::shared_ptr<Database> Open(const std::string& path, const DatabaseSettings& settings,
                                        std::string* error);
  ~Database();

  /**
   * Whoever calls RocksDB holds one: closing waits for it. Converts to false when the database is
   * closed.
   */
  class Use {
   public:
    explicit Use(Database* database);
    ~Use();
    explicit operator bool() const { return database_ != nullptr; }

   private:
    Database* database_;
  };

  /** Waits for calls under way, frees scans. May be called again. */
  void Close();
  /** For the end of the process: closes unless a call is under way, which would be for ever. */
  static void CloseAll();

  std::string Write(rocksdb_writebatch_t* batch, bool sync);
  std::string DeleteRange(std::string_view from, std::string_view to);
  /**
   * Appends the value of each key, in their order, as its length (u32, kMissing for none) and its
   * bytes.
   */
  std::string Get(const std::vector<std::string_view>& keys, std::string* values);
  enum class Found { kYes, kNo, kUnknown };
  /** What can be told without the disk. */
  Found GetCached(std::string_view key, std::string* value);
  std::string Checkpoint(const std::string& path);
  std::string Ingest(const std::vector<std::string>& files);

  rocksdb_t* native() const { return db_; }
  const rocksdb_options_t* options() const { return options_.get(); }
  const std::string& path() const { return path_; }

  static constexpr uint32_t kMissing = UINT32_MAX;

 private:
  friend class Scan;
  /** Where a value lies among the copies. */
  struct Span {
    size_t start = 0;
    uint32_t length = kMissing;
  };
  std::string GetSome(const std::vector<std::string_view>& keys, const uint32_t* order,
                      size_t count, std::string* copies, Span* spans);
  Database(std::string path, OwnedOptions options, rocksdb_t* db);

  const std::string path_;
  const OwnedOptions options_;
  rocksdb_t* db_;
  OwnedReadOptions reading_;
  OwnedReadOptions reading_cached_;
  Owned<rocksdb_column_family_handle_t, rocksdb_column_family_handle_destroy> family_;
  std::mutex mutex_;
  std::condition_variable unused_;
  int uses_ = 0;
  bool closed_ = false;
  std::set<Scan*> scans_;
};

}  // namespace euphorion
