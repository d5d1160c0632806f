// Fills a database past its log and memtable: rows become sorted table files, which the database
// takes over at the end. Rows that come in order make files that do not overlap.
#pragma once

#include "database.h"

namespace euphorion {

class Load {
 public:
  explicit Load(std::shared_ptr<Database> database);
  ~Load();

  /** Copies the rows. Within a Use of the database, as Finish. */
  std::string Add(std::string_view rows);
  std::string Finish();
  /** Removes what was not taken over, and forgets its rows. The last call. */
  void Remove();
  Database* database() const { return database_.get(); }

 private:
  std::string WriteSorted();
  std::string PutAll(std::vector<uint32_t>* places);
  std::string Begin();
  std::string EndFile();

  const std::shared_ptr<Database> database_;
  const std::string folder_;
  Owned<rocksdb_envoptions_t, rocksdb_envoptions_destroy> environment_;
  Owned<rocksdb_sstfilewriter_t, rocksdb_sstfilewriter_destroy> file_;
  /** Rows that wait to be sorted. */
  std::string rows_;
  std::string last_key_;
  /** Files in the order in which they count, in groups that do not overlap. */
  std::vector<std::vector<std::string>> files_;
  int named_ = 0;
};

/** Removes what a process has left that ended within a load. */
void RemoveLoads(const std::string& path);

}  // namespace euphorion
