// libpng's low-level interface without its setjmp: every function returns, and says in words what went wrong.
#ifndef CPNG_H
#define CPNG_H

#include <stddef.h>
#include <stdint.h>

// Room for the message of an error, its terminating zero included.
#define CPNG_MESSAGE_SIZE 256

// A picture that is being read.
typedef struct cpng_reader cpng_reader;

// What the rows will look like.
typedef struct {
    uint32_t width, height;
    // 1 grey or palette index, 2 grey and alpha, 3 RGB, 4 RGB and alpha.
    int channels;
    // 1, or 2 for 16-bit samples in the machine's byte order.
    int bytes_per_sample;
} cpng_layout;

// Reads everything before the pixels. `size` bytes at `data` must outlive the reader.
// `expanded`: 8-bit samples, palette turned into RGB, 1, 2 and 4 bits into 8, 16 bits scaled to 8, tRNS into alpha; gamma
// is never touched. Otherwise samples as they are stored, one or two bytes each.
// A picture that is larger than the two limits is refused before anything is allocated for it. NULL on an error.
cpng_reader *cpng_open(const uint8_t *data, size_t size, int expanded, uint32_t max_width, uint32_t max_height,
                       cpng_layout *layout, char message[CPNG_MESSAGE_SIZE]);

// Colours of the palette as RGB triples into `palette` (room for 256); returns how many, 0 where there is none.
int cpng_palette(cpng_reader *reader, uint8_t palette[768]);

// Reads all rows, interlaced or not, and what follows them, into height * width * channels * bytes_per_sample bytes.
// Returns 0, or -1 on an error.
int cpng_read(cpng_reader *reader, uint8_t *pixels, char message[CPNG_MESSAGE_SIZE]);

void cpng_close(cpng_reader *reader);

// Writes 8-bit grey (channels 1) or RGB (3) to memory that the caller gives back with free(). Returns 0, or -1.
int cpng_write(const uint8_t *pixels, uint32_t width, uint32_t height, int channels, uint8_t **bytes, size_t *size,
               char message[CPNG_MESSAGE_SIZE]);

#endif
