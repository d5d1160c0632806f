// Mandelbrot by AVX2: four points a vector.
#include "mandelbrot.h"

#if defined(EUPHORION_X64)
#include <immintrin.h>

namespace euphorion {

namespace {

struct Lanes {
  using Vector = __m256d;
  static constexpr int width = 4;
  static constexpr int vectors = 6;
  static constexpr bool is_fused = true;

  static Vector load(const double* from) { return _mm256_loadu_pd(from); }
  static void store(double* to, Vector from) { _mm256_storeu_pd(to, from); }
  static Vector all(double value) { return _mm256_set1_pd(value); }
  static Vector add(Vector a, Vector b) { return _mm256_add_pd(a, b); }
  static Vector sub(Vector a, Vector b) { return _mm256_sub_pd(a, b); }
  static Vector mul(Vector a, Vector b) { return _mm256_mul_pd(a, b); }

  /** 2·x·y + c. Doubling is exact, so both ways round the same; together they use all units. */
  template <int k>
  static Vector twice_product_plus(Vector x, Vector y, Vector c) {
    if (k % 2 == 0) return _mm256_add_pd(_mm256_mul_pd(_mm256_add_pd(x, x), y), c);
    return _mm256_fmadd_pd(_mm256_set1_pd(2.0), _mm256_mul_pd(x, y), c);
  }

  static unsigned bits(Vector mask) { return static_cast<unsigned>(_mm256_movemask_pd(mask)); }
  static unsigned less(Vector a, Vector b) { return bits(_mm256_cmp_pd(a, b, _CMP_LT_OQ)); }
  static unsigned not_less(Vector a, Vector b) { return bits(_mm256_cmp_pd(a, b, _CMP_NLT_UQ)); }
  static unsigned equal(Vector a, Vector b) { return bits(_mm256_cmp_pd(a, b, _CMP_EQ_OQ)); }

  /** first, first + 1, … */
  static Vector ascending(double first) {
    return add(all(first), _mm256_set_pd(3.0, 2.0, 1.0, 0.0));
  }

  /** The lanes of `mask` to the front. */
  static void pack(double* to, Vector from, unsigned mask) {
    if (mask == 0xf) return store(to, from);
    alignas(32) double lanes[width];
    _mm256_store_pd(lanes, from);
    for (; mask != 0; mask &= mask - 1) *to++ = lanes[__builtin_ctz(mask)];
  }

  /** How many tests each lane passed before it failed one. */
  struct Tally {
    Vector mask;
    __m256i count;

    Tally() = default;
    explicit Tally(unsigned alive) : count(_mm256_setzero_si256()) {
      const __m256i lane = _mm256_set_epi64x(8, 4, 2, 1);
      const __m256i chosen = _mm256_and_si256(_mm256_set1_epi64x(alive), lane);
      mask = _mm256_castsi256_pd(_mm256_cmpeq_epi64(chosen, lane));
    }
    void test(Vector magnitude) {
      const Vector four = _mm256_set1_pd(4.0);
      mask = _mm256_and_pd(mask, _mm256_cmp_pd(magnitude, four, _CMP_NGE_UQ));
      count = _mm256_sub_epi64(count, _mm256_castpd_si256(mask));
    }
    unsigned alive() const { return bits(mask); }
    void passed(int32_t* to) const { store(to, 0xf, 0xf, 0); }
    /** Of `lanes`: what was passed, or `otherwise` for those that are not `gone`. */
    void store(int32_t* to, unsigned lanes, unsigned gone, int32_t otherwise) const {
      const __m256i lane = _mm256_set_epi64x(8, 4, 2, 1);
      const __m256i is_gone =
          _mm256_cmpeq_epi64(_mm256_and_si256(_mm256_set1_epi64x(gone), lane), lane);
      const __m256i wide = _mm256_blendv_epi8(_mm256_set1_epi64x(otherwise), count, is_gone);
      const __m256i packed =
          _mm256_permutevar8x32_epi32(wide, _mm256_set_epi32(7, 5, 3, 1, 6, 4, 2, 0));
      const __m128i narrow = _mm256_castsi256_si128(packed);
      if (lanes == 0xf) return _mm_storeu_si128(reinterpret_cast<__m128i*>(to), narrow);
      alignas(16) int32_t each[width];
      _mm_store_si128(reinterpret_cast<__m128i*>(each), narrow);
      for (; lanes != 0; lanes &= lanes - 1) {
        to[__builtin_ctz(lanes)] = each[__builtin_ctz(lanes)];
      }
    }
  };
};

#include "mandelbrot_tiles.h"

}  // namespace

void mandelbrot_points_avx2(int32_t* counts, const MandelbrotSlice& slice) {
  run_points(counts, slice);
}

}  // namespace euphorion

#endif
