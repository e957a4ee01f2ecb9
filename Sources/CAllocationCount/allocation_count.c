// Stands in front of the C library's allocator, counts, and passes every call on. For test programs: a program that links
// this counts all allocations of its process, by thread.

#include "allocation_count.h"
#include <errno.h>
#include <stddef.h>

// A sanitizer stands there itself, and would see none of the heap through this one.
#ifdef __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SIPAT_SANITIZED
#endif
#endif

#if defined(__GLIBC__) && !defined(SIPAT_SANITIZED)

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

static _Thread_local long count;

void *malloc(size_t size) {
    count++;
    return __libc_malloc(size);
}

void *calloc(size_t n, size_t size) {
    count++;
    return __libc_calloc(n, size);
}

void *realloc(void *pointer, size_t size) {
    count++;
    return __libc_realloc(pointer, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    count++;
    return __libc_memalign(alignment, size);
}

void *memalign(size_t alignment, size_t size) {
    count++;
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **result, size_t alignment, size_t size) {
    count++;
    void *pointer = __libc_memalign(alignment, size);
    if (!pointer) return ENOMEM;
    *result = pointer;
    return 0;
}

long sipat_allocation_count(void) { return count; }

#else

long sipat_allocation_count(void) { return -1; }

#endif
