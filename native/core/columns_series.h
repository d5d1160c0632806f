// The column kernels that write an element for each element, the histogram, and the table of all.
// Included by columns_*.cc.
#pragma once
#include "columns_kernels.h"

namespace euphorion {
namespace {

template <typename T>
double ewma(const T* x, size_t length, T* out, double alpha, double last) {
  const double keep = 1 - alpha;
  double y = last;
  for (size_t i = 0; i < length; i++) {
    y = alpha * double(x[i]) + keep * y;
    out[i] = T(y);
  }
  return y;
}

template <typename T>
void z_scores(const T* x, size_t length, T* out, double mean, double scale) {
  size_t i = 0;
  for (; i + width <= length; i += width) store(out + i, (load(x + i) - mean) * scale);
  for (; i < length; i++) out[i] = T((double(x[i]) - mean) * scale);
}

/** Sixteen bytes, 1 where the element is beyond the limit. */
template <typename T>
inline void flag_row(const T* x, std::uint8_t* out, double mean, double limit) {
#if COLUMN_WIDTH == 8
  const Vector low = magnitude(load(x) - mean), high = magnitude(load(x + 8) - mean);
  const __m512d bound = _mm512_set1_pd(limit);
  const __mmask8 first = _mm512_cmp_pd_mask((__m512d)low, bound, _CMP_GT_OQ);
  const __mmask8 second = _mm512_cmp_pd_mask((__m512d)high, bound, _CMP_GT_OQ);
  const __m128i flags = _mm_maskz_set1_epi8(__mmask16(first | second << 8), 1);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(out), flags);
#else
  for (size_t k = 0; k < stripe_count; k += width) {
    const Words is_beyond = (Words)(magnitude(load(x + k) - mean) > limit);
    for (size_t lane = 0; lane < width; lane++) out[k + lane] = is_beyond[lane] & 1;
  }
#endif
}

template <typename T>
void z_flags(const T* x, size_t length, std::uint8_t* out, double mean, double limit) {
  size_t i = 0;
  for (; i + stripe_count <= length; i += stripe_count) flag_row(x + i, out + i, mean, limit);
  for (; i < length; i++) out[i] = magnitude(double(x[i]) - mean) > limit;
}

/** suffixes[k] = x[window - 1] + … + x[k] */
template <typename T>
inline void sum_from_right(const T* x, size_t window, double* suffixes) {
  double sum = suffixes[window] = 0;
  for (size_t k = window; k > 0; k--) suffixes[k - 1] = sum += double(x[k - 1]);
}

/** Sums on their way to means: added up one after the other, divided many at a time. */
constexpr size_t mean_count = 256;

template <typename T>
inline void divide(const double* sums, size_t length, double divisor, T* out) {
  size_t k = 0;
  for (; k + width <= length; k += width) store(out + k, load(sums + k) / divisor);
  for (; k < length; k++) out[k] = T(sums[k] / divisor);
}

/**
 * Windows that end among the first `count` elements of a group. Of a whole group the suffixes are
 * summed beside the prefixes: each sum waits for the one before, and two wait no longer than one.
 */
template <typename T>
inline void average_group(const T* x, size_t count, T* out, size_t window, const double* before,
                         double* suffixes) {
  double sums[mean_count];
  double prefix = 0, suffix = suffixes[window] = 0;
  for (size_t from = 0; from < count; from += mean_count) {
    const size_t length = count - from < mean_count ? count - from : mean_count;
    for (size_t k = 0; k < length; k++) {
      const size_t at = from + k;
      sums[k] = before[at + 1] + (prefix += double(x[at]));
      if (count == window) suffixes[window - 1 - at] = suffix += double(x[window - 1 - at]);
    }
    divide(sums, length, double(window), out + from);
  }
}

template <typename T>
void moving_average(const T* x, size_t length, T* out, size_t window, size_t history,
                   double* scratch) {
  double* before = scratch;
  double* suffixes = scratch + window + 1;
  size_t from = history;
  if (history == 0) {
    from = length < window ? length : window;
    double prefix = 0;
    for (size_t k = 0; k < from; k++) out[k] = T((prefix += double(x[k])) / double(k + 1));
  }
  if (from < length) sum_from_right(x, window, before);
  for (; from < length; from += window) {
    const size_t count = length - from < window ? length - from : window;
    average_group(x + from, count, out + (from - history), window, before, suffixes);
    double* const used = before;
    before = suffixes;
    suffixes = used;
  }
}

constexpr double smallest = 0x1p-1022;
/** 2^52: a whole number below it, added, stands in the low bits of the sum. */
constexpr double magic = 0x1p52;
constexpr std::uint64_t magic_bits = 0x4330000000000000;
constexpr std::uint64_t one_bits = 0x3ff0000000000000;
constexpr std::uint64_t mantissa_bits = 0x000fffffffffffff;

/** A rule in vectors. */
struct BucketVectors {
  Vector multiplier, lowest_positive, lowest_negative, first_negative, last;

  explicit BucketVectors(const BucketRule& rule)
      : multiplier(spread(rule.multiplier)),
        lowest_positive(spread(rule.lowest_positive)),
        lowest_negative(spread(rule.lowest_negative)),
        first_negative(spread(4.0 + rule.buckets)),
        last(spread(rule.buckets - 1.0)) {}
};

/** The counters of `width` elements; those that are not finite are counted as NaN. */
inline Words slots_of(Vector x, const BucketVectors& rule) {
  const Vector size = magnitude(x);
  const Vector exponent = (Vector)(((Words)size >> 52) | magic_bits) - magic;
  const Vector s = (Vector)(((Words)size & mantissa_bits) | one_bits) - 1.0;
  const Vector log = ((6.0 / 35 * s + -3.0 / 5) * s + 10.0 / 7) * s + exponent;
  const Vector exact = rule.multiplier * log;
  const Vector nearest = (exact + magic) - magic;
  const Vector bucket = nearest - choose((Words)(nearest > exact), spread(1), Vector{});
  const Words is_negative = (Words)(x < 0.0);
  const Vector lowest = choose(is_negative, rule.lowest_negative, rule.lowest_positive);
  const Vector first = choose(is_negative, rule.first_negative, spread(4));
  // Shared memory may change between two passes: what lies above all buckets stays in bounds too.
  const Vector slot = smaller(larger(bucket - lowest, Vector{}), rule.last) + first;
  const Words is_zero = (Words)(size < smallest);
  const Words is_finite = (Words)(size < infinity);
  const Vector special = choose(is_zero, Vector{}, spread(1));
  return (Words)(choose(~is_zero & is_finite, slot, special) + magic);
}

/** Moves the infinities from the counter of NaN to their own. */
template <typename T>
inline void tell_infinities(const T* x, size_t length, std::uint32_t* counters) {
  for (size_t i = 0; i < length; i++) {
    const bool is_negative = double(x[i]) == -infinity;
    if (!is_negative && double(x[i]) != infinity) continue;
    counters[1]--;
    counters[is_negative ? 2 : 3]++;
  }
}

template <typename T>
void log_counts(const T* x, size_t length, const BucketRule& rule, std::uint32_t* counters) {
  const BucketVectors vectors(rule);
  const std::uint32_t nans_before = counters[1];
  size_t i = 0;
  for (; i + width <= length; i += width) {
    std::uint64_t slots[width];
    const Words found = slots_of(load(x + i), vectors);
    std::memcpy(slots, &found, sizeof slots);
    for (size_t lane = 0; lane < width; lane++) counters[std::uint32_t(slots[lane])]++;
  }
  for (; i < length; i++) counters[std::uint32_t(slots_of(spread(double(x[i])), vectors)[0])]++;
  if (counters[1] != nans_before) tell_infinities(x, length, counters);
}

template <typename T>
constexpr ColumnKernels<T> kernels_of() {
  return {sum<T>,       dot<T>,  min_max<T>,  finite_range<T>, moments<T>,      comoments<T>,
          log_counts<T>, ewma<T>, z_scores<T>, z_flags<T>,      moving_average<T>};
}

}  // namespace
}  // namespace euphorion
