// CRC-32C (Castagnoli), the checksum of Kafka's RecordBatches. Called by the addon.
#pragma once
#include <cstddef>
#include <cstdint>

namespace euphorion {

/** The checksum of `length` bytes, by the fastest way that this machine has. */
uint32_t crc32c(const uint8_t* bytes, size_t length);

/** By tables: what machines without the instruction use, and the oracle of the tests. */
uint32_t crc32c_by_tables(const uint8_t* bytes, size_t length);

/** By the processor's instruction, three streams at a time; only where has_crc32c_instruction(). */
uint32_t crc32c_by_instruction(const uint8_t* bytes, size_t length);
bool has_crc32c_instruction();

}  // namespace euphorion
