// Tables of CRC-32C: for eight bytes at a time, and for moving a checksum over a run of zero bytes,
// by which the sums of neighbouring stretches are joined. Made by the compiler.
#pragma once
#include <cstddef>
#include <cstdint>

namespace euphorion {

constexpr uint32_t crc32c_polynomial = 0x82f63b78;

/** slices[k][b]: byte b followed by k zero bytes. */
struct Crc32cSlices {
  uint32_t slices[8][256];
};

constexpr Crc32cSlices make_crc32c_slices() {
  Crc32cSlices made{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 1) ? (crc >> 1) ^ crc32c_polynomial : crc >> 1;
    made.slices[0][byte] = crc;
  }
  for (int slice = 1; slice < 8; ++slice) {
    for (int byte = 0; byte < 256; ++byte) {
      const uint32_t before = made.slices[slice - 1][byte];
      made.slices[slice][byte] = (before >> 8) ^ made.slices[0][before & 0xff];
    }
  }
  return made;
}

inline constexpr Crc32cSlices crc32c_slices = make_crc32c_slices();

/** bytes[k][b]: what byte k of a checksum becomes after `length` zero bytes. */
struct Crc32cShift {
  uint32_t bytes[4][256];
};

/** A linear map over GF(2): the image of each of the 32 bits. */
struct Crc32cMap {
  uint32_t images[32];

  constexpr uint32_t of(uint32_t crc) const {
    uint32_t image = 0;
    for (int bit = 0; bit < 32; ++bit) {
      if ((crc >> bit) & 1) image ^= images[bit];
    }
    return image;
  }
};

constexpr Crc32cShift make_crc32c_shift(size_t length) {
  Crc32cMap step{};
  Crc32cMap whole{};
  for (int bit = 0; bit < 32; ++bit) {
    const uint32_t crc = 1u << bit;
    step.images[bit] = (crc >> 8) ^ crc32c_slices.slices[0][crc & 0xff];
    whole.images[bit] = crc;
  }
  for (; length != 0; length >>= 1) {
    Crc32cMap twice{};
    for (int bit = 0; bit < 32; ++bit) {
      if (length & 1) whole.images[bit] = step.of(whole.images[bit]);
      twice.images[bit] = step.of(step.images[bit]);
    }
    step = twice;
  }
  Crc32cShift shift{};
  for (int byte = 0; byte < 4; ++byte) {
    for (uint32_t value = 0; value < 256; ++value) {
      shift.bytes[byte][value] = whole.of(value << (8 * byte));
    }
  }
  return shift;
}

static inline uint32_t crc32c_shifted(uint32_t crc, const Crc32cShift& shift) {
  return shift.bytes[0][crc & 0xff] ^ shift.bytes[1][(crc >> 8) & 0xff] ^
         shift.bytes[2][(crc >> 16) & 0xff] ^ shift.bytes[3][crc >> 24];
}

}  // namespace euphorion
