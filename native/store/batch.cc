// Rows to be written at once: see batch.h.
#include "batch.h"

#include <cstring>

#include "rows.h"

namespace euphorion {

namespace {

constexpr size_t kSequenceBytes = 8;
constexpr size_t kHeaderBytes = kSequenceBytes + sizeof(uint32_t);
constexpr char kPut = 1;
constexpr char kDelete = 0;
constexpr size_t kLengthBytesMax = 5;
/** Rows lie anywhere when they are read by their keys. */
constexpr size_t kRowsAhead = 8;

char* WriteBytes(char* to, std::string_view bytes) {
  size_t length = bytes.size();
  for (; length >= 128; length >>= 7) *to++ = char(length | 128);
  *to++ = char(length);
  std::memcpy(to, bytes.data(), bytes.size());
  return to + bytes.size();
}

}  // namespace

Batch::Batch() : form_(kHeaderBytes, '\0') {}

std::string Batch::Add(std::string_view rows, bool by_key) {
  if (rows.empty()) return "";
  std::vector<uint32_t> places;
  if (!ReadPlaces(rows, &places)) return "rows are damaged";
  if (by_key) SortPlaces(rows, &places);
  const size_t before = form_.size();
  // a row is no longer here than it is there, but for lengths of more than one byte
  form_.resize(before + rows.size() + places.size() * (1 + 2 * kLengthBytesMax - kRowHeaderBytes));
  char* to = form_.data() + before;
  for (size_t i = 0; i < places.size(); i++) {
    if (i + kRowsAhead < places.size())
      __builtin_prefetch(rows.data() + places[i + kRowsAhead]);
    const Row row = RowAt(rows, places[i]);
    *to++ = row.op == kRowDelete ? kDelete : kPut;
    to = WriteBytes(to, row.key);
    if (row.op != kRowDelete) to = WriteBytes(to, row.value);
  }
  form_.resize(size_t(to - form_.data()));
  count_ += uint32_t(places.size());
  return "";
}

OwnedBatch Batch::Take() {
  std::memcpy(form_.data() + kSequenceBytes, &count_, sizeof count_);
  OwnedBatch batch(rocksdb_writebatch_create_from(form_.data(), form_.size()));
  std::string().swap(form_);
  return batch;
}

}  // namespace euphorion
