#ifndef SIPAT_ALLOCATION_COUNT_H
#define SIPAT_ALLOCATION_COUNT_H

/// How often this thread has asked for heap memory, in the program and in the libraries it uses; always -1 where
/// allocations cannot be counted (another C library, a sanitizer's allocator).
long sipat_allocation_count(void);

#endif
