// Rows to be written at once, in RocksDB's own form of a batch. Filled and taken by addon.cc.
//
//   sequence u64 │ count u32 │ 1 │ key │ value │ 0 │ key │ …     1: put, 0: delete; key and value
//                                                               with their length before them
#pragma once

#include "database.h"

namespace euphorion {

class Batch {
 public:
  Batch();
  /**
   * Copies packed rows; `by_key`: in the order of their keys, which a memtable takes in less than
   * half the time. Answers what is wrong with them.
   */
  std::string Add(std::string_view rows, bool by_key);
  /** The last call. */
  OwnedBatch Take();

 private:
  std::string form_;
  uint32_t count_ = 0;
};

}  // namespace euphorion
