#include "crc32c.h"

#include <cstring>

#include "crc32c_tables.h"

namespace euphorion {

uint32_t crc32c_by_tables(const uint8_t* bytes, size_t length) {
  const auto& table = crc32c_slices.slices;
  const uint8_t* const end = bytes + length;
  uint32_t crc = ~0u;
  for (; end - bytes >= 8; bytes += 8) {
    uint32_t low;
    uint32_t high;
    memcpy(&low, bytes, 4);
    memcpy(&high, bytes + 4, 4);
    low ^= crc;
    crc = table[7][low & 0xff] ^ table[6][(low >> 8) & 0xff] ^ table[5][(low >> 16) & 0xff] ^
          table[4][low >> 24] ^ table[3][high & 0xff] ^ table[2][(high >> 8) & 0xff] ^
          table[1][(high >> 16) & 0xff] ^ table[0][high >> 24];
  }
  for (; bytes != end; ++bytes) crc = (crc >> 8) ^ table[0][(crc ^ *bytes) & 0xff];
  return ~crc;
}

static const bool by_instruction = has_crc32c_instruction();

uint32_t crc32c(const uint8_t* bytes, size_t length) {
  return by_instruction ? crc32c_by_instruction(bytes, length) : crc32c_by_tables(bytes, length);
}

}  // namespace euphorion
