// Packed rows: see rows.h.
#include "rows.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace euphorion {

namespace {

constexpr size_t kChunkBytes = 8;
/** So many are sorted in less time by counting than by comparing. */
constexpr ptrdiff_t kMany = 512;

template <typename T>
T Load(const char* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

std::string_view KeyAt(std::string_view rows, uint32_t at) {
  return rows.substr(at + kRowHeaderBytes, Load<uint16_t>(rows.data() + at + 2));
}

/** A row while it is sorted: by eight bytes of its key, then by how many of them it has. */
struct Place {
  uint64_t chunk;
  uint32_t at;
  /** Bytes of the key from the chunk on; kChunkBytes + 1 where more follow. */
  uint32_t rest;

  bool operator<(const Place& other) const {
    if (chunk != other.chunk) return chunk < other.chunk;
    if (rest != other.rest) return rest < other.rest;
    return at < other.at;
  }
  bool Continues() const { return rest > kChunkBytes; }
};

void Fill(std::string_view rows, size_t depth, Place* place) {
  const std::string_view key = KeyAt(rows, place->at);
  const size_t rest = key.size() > depth ? key.size() - depth : 0;
  if (rest >= kChunkBytes) {
    place->chunk = __builtin_bswap64(Load<uint64_t>(key.data() + depth));
  } else {
    uint64_t chunk = 0;
    for (size_t i = 0; i < rest; i++)
      chunk |= uint64_t(uint8_t(key[depth + i])) << (56 - 8 * i);
    place->chunk = chunk;
  }
  place->rest = uint32_t(std::min(rest, kChunkBytes + 1));
}

size_t CommonBytes(std::string_view a, std::string_view b) {
  const size_t most = std::min(a.size(), b.size());
  size_t same = 0;
  while (same < most && a[same] == b[same]) same++;
  return same;
}

/** Orders by the chunks, byte by byte from the last; what is equal keeps its order. */
void SortByChunk(Place* begin, Place* end, std::vector<Place>* spare) {
  const size_t count = size_t(end - begin);
  uint32_t counts[kChunkBytes][256] = {};
  for (const Place* place = begin; place < end; place++)
    for (size_t byte = 0; byte < kChunkBytes; byte++)
      counts[byte][uint8_t(place->chunk >> (8 * byte))]++;
  spare->resize(std::max(spare->size(), count));
  Place* from = begin;
  Place* to = spare->data();
  for (size_t byte = 0; byte < kChunkBytes; byte++) {
    uint32_t* starts = counts[byte];
    const auto of = [byte](const Place& place) { return uint8_t(place.chunk >> (8 * byte)); };
    if (starts[of(*from)] == count) continue;
    uint32_t start = 0;
    for (size_t value = 0; value < 256; value++)
      start += std::exchange(starts[value], start);
    for (const Place* place = from; place < from + count; place++)
      to[starts[of(*place)]++] = *place;
    std::swap(from, to);
  }
  if (from != begin) std::copy(from, from + count, begin);
}

/** Sorts rows by their keys, eight bytes at a time behind what they all begin with. */
void Sort(std::string_view rows, Place* begin, Place* end, std::vector<Place>* spare) {
  const std::string_view key = KeyAt(rows, begin->at);
  size_t depth = key.size();
  for (Place* place = begin + 1; place < end; place++)
    depth = CommonBytes(key.substr(0, depth), KeyAt(rows, place->at));
  for (Place* place = begin; place < end; place++) Fill(rows, depth, place);
  const bool many = end - begin >= kMany;
  if (many) SortByChunk(begin, end, spare);
  else std::sort(begin, end);
  for (Place* first = begin; first < end;) {
    Place* last = first + 1;
    while (last < end && first->chunk == last->chunk) last++;
    if (last - first > 1) {
      if (many) std::sort(first, last);
      // those that go on are behind those that end here
      Place* on = std::find_if(first, last, [](const Place& place) { return place.Continues(); });
      if (last - on > 1) Sort(rows, on, last, spare);
    }
    first = last;
  }
}

}  // namespace

Row RowAt(std::string_view rows, uint32_t at) {
  const char* row = rows.data() + at;
  const size_t key = Load<uint16_t>(row + 2);
  const size_t value = Load<uint32_t>(row + 4);
  const size_t start = at + kRowHeaderBytes;
  return {RowOp(*row), rows.substr(start, key), rows.substr(start + key, value)};
}

void AppendRow(std::string* rows, std::string_view key, std::string_view value) {
  char header[kRowHeaderBytes] = {kRowPut, 0};
  const uint16_t key_bytes = uint16_t(key.size());
  const uint32_t value_bytes = uint32_t(value.size());
  std::memcpy(header + 2, &key_bytes, 2);
  std::memcpy(header + 4, &value_bytes, 4);
  rows->append(header, kRowHeaderBytes).append(key).append(value);
}

bool ReadPlaces(std::string_view rows, std::vector<uint32_t>* places) {
  for (size_t at = 0; at < rows.size();) {
    if (rows.size() - at < kRowHeaderBytes) return false;
    places->push_back(uint32_t(at));
    at += kRowHeaderBytes + size_t(Load<uint16_t>(rows.data() + at + 2)) +
          Load<uint32_t>(rows.data() + at + 4);
    if (at > rows.size()) return false;
  }
  return true;
}

void SortPlaces(std::string_view rows, std::vector<uint32_t>* places) {
  std::string_view before;
  bool sorted = true;
  for (const uint32_t at : *places) {
    const std::string_view key = KeyAt(rows, at);
    sorted = sorted && before <= key;
    before = key;
  }
  if (sorted) return;
  std::vector<Place> sorting;
  sorting.reserve(places->size());
  for (const uint32_t at : *places) sorting.push_back({0, at, 0});
  std::vector<Place> spare;
  Sort(rows, sorting.data(), sorting.data() + sorting.size(), &spare);
  for (size_t i = 0; i < sorting.size(); i++) (*places)[i] = sorting[i].at;
}

}  // namespace euphorion
