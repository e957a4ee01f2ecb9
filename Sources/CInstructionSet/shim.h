#ifndef SIPAT_INSTRUCTION_SET_H
#define SIPAT_INSTRUCTION_SET_H

// The extensions that whoever imports this header is compiled for, under the names that /proc/cpuinfo uses.
static inline const char *sipat_instruction_set(void) {
    return ""
#ifdef __AVX__
        "avx "
#endif
#ifdef __AVX2__
        "avx2 "
#endif
#ifdef __FMA__
        "fma "
#endif
#ifdef __F16C__
        "f16c "
#endif
#ifdef __BMI2__
        "bmi2 "
#endif
#ifdef __AVX512F__
        "avx512f "
#endif
#ifdef __AVX512DQ__
        "avx512dq "
#endif
#ifdef __AVX512BW__
        "avx512bw "
#endif
#ifdef __AVX512VL__
        "avx512vl "
#endif
        ;
}

// Asks for the cache line at `address`, which will be read soon. Any address may be asked for.
static inline void sipat_prefetch(const void *address) { __builtin_prefetch(address, 0, 3); }

// The same of a line that will be written.
static inline void sipat_prefetch_to_write(const void *address) { __builtin_prefetch(address, 1, 3); }

#endif
