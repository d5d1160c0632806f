// Packed rows (their layout: src/batch/rows.ts), read where they lie and put in the order of their
// keys. Used by everything of the store that takes rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace euphorion {

constexpr size_t kRowHeaderBytes = 8;

enum RowOp : uint8_t { kRowPut = 1, kRowDelete = 2, kRowDelta = 3 };

struct Row {
  RowOp op;
  std::string_view key;
  std::string_view value;
};

/** The row at an offset that ReadPlaces has found. */
Row RowAt(std::string_view rows, uint32_t at);

/** Appends a row to put. */
void AppendRow(std::string* rows, std::string_view key, std::string_view value);

/** Offsets of all rows, in their order; false when a row ends behind the buffer. */
bool ReadPlaces(std::string_view rows, std::vector<uint32_t>* places);

/**
 * Puts the offsets in the order of the rows' keys; rows of the same key keep their order.
 */
void SortPlaces(std::string_view rows, std::vector<uint32_t>* places);

}  // namespace euphorion
