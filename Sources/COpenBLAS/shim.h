#include <cblas.h>

// Whether the compiler may use AVX-512: sixteen floats are then one register of 32, and kernels block their loops for that.
#ifdef __AVX512F__
#define SIPAT_AVX512 1
#else
#define SIPAT_AVX512 0
#endif

// Whether the compiler may use the vectors, and the fused multiplications and additions, that our loops were tuned for.
#if defined(__AVX2__) && defined(__FMA__)
#define SIPAT_TUNED 1
#else
#define SIPAT_TUNED 0
#endif
