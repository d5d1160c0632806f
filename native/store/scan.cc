// A scan over one database: see scan.h.
#include "scan.h"

#include "rows.h"

namespace euphorion {

Scan::Scan(std::shared_ptr<Database> database, ScanBounds bounds)
    : database_(std::move(database)), bounds_(std::move(bounds)), left_(bounds_.limit) {}

Scan::~Scan() { End(); }

void Scan::End() {
  ended_ = true;
  std::lock_guard<std::mutex> lock(database_->mutex_);
  if (database_->scans_.erase(this) > 0) Free();
}

/** The bounds are held by the options: they stay where they are as long as the scan. */
void Scan::Begin() {
  options_.reset(rocksdb_readoptions_create());
  if (bounds_.has_from)
    rocksdb_readoptions_set_iterate_lower_bound(options_.get(), bounds_.from.data(),
                                                bounds_.from.size());
  if (bounds_.has_to)
    rocksdb_readoptions_set_iterate_upper_bound(options_.get(), bounds_.to.data(),
                                                bounds_.to.size());
  // Its end comes on the thread that runs JavaScript.
  rocksdb_readoptions_set_background_purge_on_iterator_cleanup(options_.get(), 1);
  iterator_.reset(rocksdb_create_iterator(database_->native(), options_.get()));
  {
    std::lock_guard<std::mutex> lock(database_->mutex_);
    database_->scans_.insert(this);
  }
  if (bounds_.reverse) rocksdb_iter_seek_to_last(iterator_.get());
  else rocksdb_iter_seek_to_first(iterator_.get());
}

std::string Scan::Read(size_t bytes, std::string* rows) {
  if (ended_) return "";
  if (iterator_ == nullptr) Begin();
  rocksdb_iterator_t* at = iterator_.get();
  while (left_ > 0 && rows->size() < bytes && rocksdb_iter_valid(at)) {
    const rocksdb_slice_t key = rocksdb_iter_key_slice(at);
    const rocksdb_slice_t value = rocksdb_iter_value_slice(at);
    if (key.size > UINT16_MAX || value.size > UINT32_MAX) return "a row is too long to be read";
    AppendRow(rows, {key.data, key.size}, {value.data, value.size});
    left_--;
    if (bounds_.reverse) rocksdb_iter_prev(at);
    else rocksdb_iter_next(at);
  }
  char* error = nullptr;
  rocksdb_iter_get_error(at, &error);
  return TakeError(error);
}

}  // namespace euphorion
