#ifndef SIPAT_BFLOAT16_H
#define SIPAT_BFLOAT16_H

// Products of bfloat16 values, summed in float32.
//
// Two neighbouring values make a pair of 32 bits, the first in the lower half. A sum takes a pair's second product, then its
// first, and is rounded to float32 after each: what the instruction VDPBF16PS of AVX512-BF16 does. The portable code does the
// same on any CPU, so results are equal bit for bit, but for sums and products below 2^-126, which the instruction takes for zero.

#include <stddef.h>
#include <stdint.h>

// Results that a call sums together, and channels of a block.
enum { SIPAT_BF16_ROWS = 8, SIPAT_BF16_LANES = 16 };

// Where the pairs of each result begin.
typedef struct {
    const void *start[SIPAT_BF16_ROWS];
} sipat_bf16_rows;

// Whether this CPU has the instructions, and the operating system saves their registers.
int sipat_bf16_has_instructions(void);

// Rounds `count` values to the nearest bfloat16, to even where two are as near. Subnormal numbers become zero.
void sipat_bf16_round(const float *source, uint16_t *target, size_t count, int instructions);

// Sums the products of eight results, to [8, 16 · blocks] values at `tile`.
//
// rows:     pairs of each result: `runs` contiguous stretches of `length` pairs, `pitch` pairs apart.
// panel:    pairs [runs · length, 16 · blocks].
// blocks:   1 or 2.
// instructions: whether to use those of AVX512-BF16.
void sipat_bf16_multiply(
    const sipat_bf16_rows *rows, size_t runs, size_t length, size_t pitch, const void *panel, int blocks, float *tile,
    int instructions);

#endif
