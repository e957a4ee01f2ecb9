#include "bfloat16.h"

#include <string.h>

static inline uint16_t rounded(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    if ((bits & 0x7F800000) == 0) return (uint16_t)(bits >> 16 & 0x8000);
    // A NaN must not become an infinity.
    if ((bits & 0x7FFFFFFF) > 0x7F800000) return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

static void round_portable(const float *source, uint16_t *target, size_t count) {
    for (size_t i = 0; i < count; i++) target[i] = rounded(source[i]);
}

static inline float widened(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

// A product of two bfloat16 values is exact in float32, so it makes no difference whether the compiler fuses it with the sum.
static void multiply_portable(
    const sipat_bf16_rows *rows, size_t runs, size_t length, size_t pitch, const uint32_t *panel, size_t width, float *tile) {
    for (size_t r = 0; r < SIPAT_BF16_ROWS; r++) {
        float sums[2 * SIPAT_BF16_LANES] = {0};
        const uint32_t *filter = panel;
        for (size_t run = 0; run < runs; run++) {
            const uint32_t *source = (const uint32_t *)rows->start[r] + run * pitch;
            for (size_t k = 0; k < length; k++) {
                const float first = widened(source[k] << 16), second = widened(source[k] & 0xFFFF0000);
                for (size_t lane = 0; lane < width; lane++) {
                    sums[lane] += second * widened(filter[lane] & 0xFFFF0000);
                    sums[lane] += first * widened(filter[lane] << 16);
                }
                filter += width;
            }
        }
        memcpy(tile + r * width, sums, width * sizeof *sums);
    }
}

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>

#define WITH_INSTRUCTIONS __attribute__((target("avx512f,avx512bw,avx512vl,avx512bf16")))

int sipat_bf16_has_instructions(void) {
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE)) return 0;
    // XCR0: the system saves SSE, AVX, and the three parts of AVX-512.
    unsigned low, high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    if ((low & 0xE6) != 0xE6) return 0;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return 0;
    const unsigned needed = 1u << 16 /* F */ | 1u << 30 /* BW */ | 1u << 31 /* VL */;
    if ((b & needed) != needed || a < 1) return 0;
    if (!__get_cpuid_count(7, 1, &a, &b, &c, &d)) return 0;
    return (a >> 5 & 1) != 0;
}

WITH_INSTRUCTIONS static void round_wide(const float *source, uint16_t *target, size_t count) {
    size_t i = 0;
    for (; i + 16 <= count; i += 16) {
        _mm256_storeu_si256((__m256i *)(target + i), (__m256i)_mm512_cvtneps_pbh(_mm512_loadu_ps(source + i)));
    }
    round_portable(source + i, target + i, count - i);
}

// `blocks` is a constant where this is inlined, so that the sums stay in registers.
WITH_INSTRUCTIONS static inline __attribute__((always_inline)) void multiply_blocks(
    const sipat_bf16_rows *rows, size_t runs, size_t length, size_t pitch, const uint32_t *panel, int blocks, float *tile) {
    __m512 sums[SIPAT_BF16_ROWS][2];
#pragma clang loop unroll(full)
    for (int r = 0; r < SIPAT_BF16_ROWS; r++) {
#pragma clang loop unroll(full)
        for (int n = 0; n < blocks; n++) sums[r][n] = _mm512_setzero_ps();
    }
    for (size_t run = 0; run < runs; run++) {
        for (size_t k = run * pitch; k < run * pitch + length; k++) {
            __m512bh right[2];
#pragma clang loop unroll(full)
            for (int n = 0; n < blocks; n++) right[n] = (__m512bh)_mm512_loadu_si512(panel + n * SIPAT_BF16_LANES);
#pragma clang loop unroll(full)
            for (int r = 0; r < SIPAT_BF16_ROWS; r++) {
                const __m512bh left = (__m512bh)_mm512_set1_epi32((int)((const uint32_t *)rows->start[r])[k]);
#pragma clang loop unroll(full)
                for (int n = 0; n < blocks; n++) sums[r][n] = _mm512_dpbf16_ps(sums[r][n], left, right[n]);
            }
            panel += blocks * SIPAT_BF16_LANES;
        }
    }
#pragma clang loop unroll(full)
    for (int r = 0; r < SIPAT_BF16_ROWS; r++) {
#pragma clang loop unroll(full)
        for (int n = 0; n < blocks; n++) _mm512_storeu_ps(tile + (r * blocks + n) * SIPAT_BF16_LANES, sums[r][n]);
    }
}

WITH_INSTRUCTIONS static void multiply_wide(
    const sipat_bf16_rows *rows, size_t runs, size_t length, size_t pitch, const uint32_t *panel, int blocks, float *tile) {
    const sipat_bf16_rows own = *rows;
    if (blocks == 2) {
        multiply_blocks(&own, runs, length, pitch, panel, 2, tile);
    } else {
        multiply_blocks(&own, runs, length, pitch, panel, 1, tile);
    }
}
#else
int sipat_bf16_has_instructions(void) { return 0; }
#endif

void sipat_bf16_round(const float *source, uint16_t *target, size_t count, int instructions) {
#if defined(__x86_64__)
    if (instructions) return round_wide(source, target, count);
#endif
    (void)instructions;
    round_portable(source, target, count);
}

void sipat_bf16_multiply(
    const sipat_bf16_rows *rows, size_t runs, size_t length, size_t pitch, const void *panel, int blocks, float *tile,
    int instructions) {
#if defined(__x86_64__)
    if (instructions) return multiply_wide(rows, runs, length, pitch, panel, blocks, tile);
#endif
    (void)instructions;
    multiply_portable(rows, runs, length, pitch, panel, (size_t)blocks * SIPAT_BF16_LANES, tile);
}
