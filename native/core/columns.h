// The column kernels, by instruction set. Called by the addon, whose functions are those of
// PieceKernels in src/kernel/column/piece_kernels.ts: the same arguments, typed arrays for pointers
// with lengths. The oracle, with the order of additions, is reference*.ts beside it; every set
// gives the same bits.
#pragma once
#include <cstddef>
#include <cstdint>

#include "cpu.h"

namespace euphorion {

/** Elements of a block; a summary writes one record for each begun block. */
constexpr std::size_t column_block_length = 1024;

/** See BucketRule of piece_kernels.ts. */
struct BucketRule {
  double multiplier;
  std::uint32_t buckets;
  double lowest_positive;
  double lowest_negative;
};

/** Over columns of T, float or double. No pointer needs more than its type's alignment. */
template <typename T>
struct ColumnKernels {
  /** Summaries; doubles a record: 1, 1, 2, 2, 5, 7. */
  void (*sum)(const T* x, std::size_t length, double* records);
  void (*dot)(const T* x, const T* y, std::size_t length, double* records);
  void (*min_max)(const T* x, std::size_t length, double* records);
  void (*finite_range)(const T* x, std::size_t length, double* records);
  void (*moments)(const T* x, std::size_t length, double* records);
  void (*comoments)(const T* x, const T* y, std::size_t length, double* records);
  /** Adds to 4 + 2 * rule.buckets counters. */
  void (*log_counts)(const T* x, std::size_t length, const BucketRule& rule,
                    std::uint32_t* counters);
  /** Series: `out` has `length` elements, but for moving_average, which has `length - history`. */
  double (*ewma)(const T* x, std::size_t length, T* out, double alpha, double last);
  void (*z_scores)(const T* x, std::size_t length, T* out, double mean, double scale);
  void (*z_flags)(const T* x, std::size_t length, std::uint8_t* out, double mean, double limit);
  /** `scratch` is 2 * (window + 1) doubles. */
  void (*moving_average)(const T* x, std::size_t length, T* out, std::size_t window,
                        std::size_t history, double* scratch);
};

/** For both types. */
struct ColumnSet {
  ColumnKernels<double> f64;
  ColumnKernels<float> f32;
};

const ColumnSet& column_set(InstructionSet set);

/** What every processor of the architecture has: SSE2, NEON. */
extern const ColumnSet columns_baseline;

#if defined(EUPHORION_X64)
extern const ColumnSet columns_avx2;
/** F, DQ, BW and VL. */
extern const ColumnSet columns_avx512;
#endif

}  // namespace euphorion
