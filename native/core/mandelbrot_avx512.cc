// Mandelbrot by AVX-512: eight points a vector.
#include "mandelbrot.h"

#if defined(EUPHORION_X64)
#include <immintrin.h>

namespace euphorion {

namespace {

struct Lanes {
  using Vector = __m512d;
  static constexpr int width = 8;
  static constexpr int vectors = 5;
  static constexpr bool is_fused = true;

  static Vector load(const double* from) { return _mm512_loadu_pd(from); }
  static void store(double* to, Vector from) { _mm512_storeu_pd(to, from); }
  static Vector all(double value) { return _mm512_set1_pd(value); }
  static Vector add(Vector a, Vector b) { return _mm512_add_pd(a, b); }
  static Vector sub(Vector a, Vector b) { return _mm512_sub_pd(a, b); }
  static Vector mul(Vector a, Vector b) { return _mm512_mul_pd(a, b); }

  /** 2·x·y + c. Doubling is exact, so both ways round the same; together they use all units. */
  template <int k>
  static Vector twice_product_plus(Vector x, Vector y, Vector c) {
    if (k % 2 == 0) return _mm512_add_pd(_mm512_mul_pd(_mm512_add_pd(x, x), y), c);
    return _mm512_fmadd_pd(_mm512_set1_pd(2.0), _mm512_mul_pd(x, y), c);
  }

  static unsigned less(Vector a, Vector b) { return _mm512_cmp_pd_mask(a, b, _CMP_LT_OQ); }
  static unsigned not_less(Vector a, Vector b) { return _mm512_cmp_pd_mask(a, b, _CMP_NLT_UQ); }
  static unsigned equal(Vector a, Vector b) { return _mm512_cmp_pd_mask(a, b, _CMP_EQ_OQ); }

  /** first, first + 1, … */
  static Vector ascending(double first) {
    return add(all(first), _mm512_set_pd(7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0, 0.0));
  }

  /** Packing in a register: the store that packs takes a hundred cycles on some processors. */
  static void pack(double* to, Vector from, unsigned mask) {
    store(to, _mm512_maskz_compress_pd(static_cast<__mmask8>(mask), from));
  }

  /** How many tests each lane passed before it failed one. */
  struct Tally {
    __mmask8 mask;
    __m512i count;

    Tally() = default;
    explicit Tally(unsigned alive)
        : mask(static_cast<__mmask8>(alive)), count(_mm512_setzero_si512()) {}
    void test(Vector magnitude) {
      mask = _mm512_mask_cmp_pd_mask(mask, magnitude, _mm512_set1_pd(4.0), _CMP_NGE_UQ);
      count = _mm512_mask_add_epi64(count, mask, count, _mm512_set1_epi64(1));
    }
    unsigned alive() const { return mask; }
    void passed(int32_t* to) const { store(to, 0xff, 0xff, 0); }
    /** Of `lanes`: what was passed, or `otherwise` for those that are not `gone`. */
    void store(int32_t* to, unsigned lanes, unsigned gone, int32_t otherwise) const {
      const __m512i chosen = _mm512_mask_mov_epi64(_mm512_set1_epi64(otherwise),
                                                   static_cast<__mmask8>(gone), count);
      _mm512_mask_cvtepi64_storeu_epi32(to, static_cast<__mmask8>(lanes), chosen);
    }
  };
};

#include "mandelbrot_tiles.h"

}  // namespace

void mandelbrot_points_avx512(int32_t* counts, const MandelbrotSlice& slice) {
  run_points(counts, slice);
}

}  // namespace euphorion

#endif
