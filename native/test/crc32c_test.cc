// Checksums by every way against the definition, bit by bit.
#include "../core/crc32c.h"

#include <cstring>
#include <vector>

#include "check.h"

namespace euphorion {

namespace {

uint32_t bit_by_bit(const uint8_t* bytes, size_t length) {
  uint32_t crc = ~0u;
  for (size_t at = 0; at < length; ++at) {
    crc ^= bytes[at];
    for (int bit = 0; bit < 8; ++bit) crc = crc & 1 ? (crc >> 1) ^ 0x82f63b78 : crc >> 1;
  }
  return ~crc;
}

void compare(const uint8_t* bytes, size_t length) {
  const uint32_t expected = bit_by_bit(bytes, length);
  check(crc32c_by_tables(bytes, length) == expected, "crc32c of %zu bytes by tables", length);
  check(crc32c(bytes, length) == expected, "crc32c of %zu bytes", length);
  if (!has_crc32c_instruction()) return;
  check(crc32c_by_instruction(bytes, length) == expected, "crc32c of %zu by instruction", length);
}

}  // namespace

void test_crc32c(Random random) {
  const char* const digits = "123456789";
  check(crc32c(reinterpret_cast<const uint8_t*>(digits), 9) == 0xe3069283, "crc32c of 1…9");
  compare(nullptr, 0);
  // Exactly as long as told: a byte read behind its end is one that a sanitizer sees.
  for (int round = 0; round < 300; ++round) {
    const int64_t most = round % 10 == 0 ? 40'000 : 2'000;
    const size_t offset = static_cast<size_t>(random.below(16));
    std::vector<uint8_t> bytes(offset + static_cast<size_t>(random.below(most)));
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random.next());
    compare(bytes.data() + offset, bytes.size() - offset);
  }
  for (size_t length : {767u, 768u, 769u, 12'287u, 12'288u, 12'289u, 24'576u, 25'344u}) {
    const std::vector<uint8_t> bytes(length, 0xa5);
    compare(bytes.data(), length);
  }
}

}  // namespace euphorion
