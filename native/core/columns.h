// The column kernels: what the addon calls, by instruction set. The oracle, with the order of
// additions and what the records mean, is src/kernel/column/{piece_kernels,reference}*.ts; every set
// gives the same bits. Compiled without contraction (-ffp-contract=off).
#ifndef EUPHORION_CORE_COLUMNS_H_
#define EUPHORION_CORE_COLUMNS_H_

#include <cstddef>
#include <cstdint>

namespace euphorion {

/** Elements of a block; a summary writes one record for each begun block. */
constexpr std::size_t columnBlockLength = 1024;

/** See BucketRule of piece_kernels.ts. */
struct BucketRule {
  double multiplier;
  std::uint32_t buckets;
  double lowestPositive;
  double lowestNegative;
};

/** Over columns of T, float or double. No pointer needs more than its type's alignment. */
template <typename T>
struct ColumnKernels {
  /** Summaries; doubles a record: 1, 1, 2, 2, 5, 7. */
  void (*sum)(const T* x, std::size_t length, double* records);
  void (*dot)(const T* x, const T* y, std::size_t length, double* records);
  void (*minMax)(const T* x, std::size_t length, double* records);
  void (*finiteRange)(const T* x, std::size_t length, double* records);
  void (*moments)(const T* x, std::size_t length, double* records);
  void (*comoments)(const T* x, const T* y, std::size_t length, double* records);
  /** Adds to 4 + 2 * rule.buckets counters. */
  void (*logCounts)(const T* x, std::size_t length, const BucketRule& rule,
                    std::uint32_t* counters);
  /** Series: `out` has `length` elements, but for movingAverage, which has `length - history`. */
  double (*ewma)(const T* x, std::size_t length, T* out, double alpha, double last);
  void (*zScores)(const T* x, std::size_t length, T* out, double mean, double stddev);
  void (*zFlags)(const T* x, std::size_t length, std::uint8_t* out, double mean, double limit);
  /** `scratch` is 2 * (window + 1) doubles. */
  void (*movingAverage)(const T* x, std::size_t length, T* out, std::size_t window,
                        std::size_t history, double* scratch);
};

struct ColumnSet {
  ColumnKernels<double> f64;
  ColumnKernels<float> f32;
};

/** What every processor of the architecture has: SSE2, NEON. */
extern const ColumnSet columnsBaseline;

#if defined(__x86_64__) || defined(_M_X64)
/** AVX2. */
extern const ColumnSet columnsAvx2;
/** AVX-512 F, DQ, BW and VL. */
extern const ColumnSet columnsAvx512;
#endif

}  // namespace euphorion

#endif
