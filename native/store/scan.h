// A scan over one database: rows of a range in the order of their keys, a chunk of packed rows at a
// time. Its view of the database is that of the first chunk.
#pragma once

#include "database.h"

namespace euphorion {

struct ScanBounds {
  /** Inclusive. */
  std::string from;
  bool has_from = false;
  /** Exclusive. */
  std::string to;
  bool has_to = false;
  bool reverse = false;
  uint64_t limit = UINT64_MAX;
};

class Scan {
 public:
  Scan(std::shared_ptr<Database> database, ScanBounds bounds);
  /** Not while a read is under way. */
  ~Scan();

  /**
   * Appends rows until there are `bytes` of them or more; none when the range is through. Within a
   * Use of the database.
   */
  std::string Read(size_t bytes, std::string* rows);
  /** Lets go of the files and memory that the view holds. */
  void End();
  Database* database() const { return database_.get(); }

 private:
  friend class Database;
  void Begin();
  void Free() { iterator_.reset(); }

  const std::shared_ptr<Database> database_;
  const ScanBounds bounds_;
  OwnedReadOptions options_;
  Owned<rocksdb_iterator_t, rocksdb_iter_destroy> iterator_;
  uint64_t left_;
  bool ended_ = false;
};

}  // namespace euphorion
