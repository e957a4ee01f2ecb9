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

#endif
