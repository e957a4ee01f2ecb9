#include "cpng.h"

#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Where an error goes: libpng calls `failed`, which jumps back into the function that was called from outside.
typedef struct {
    jmp_buf jump;
    char *message;
} errors;

struct cpng_reader {
    png_structp png;
    png_infop info;
    const uint8_t *data;
    size_t size, position;
    errors errors;
};

typedef struct {
    uint8_t *bytes;
    size_t size, capacity;
} growing;

static void say(char *message, const char *text) { snprintf(message, CPNG_MESSAGE_SIZE, "%s", text); }

static void failed(png_structp png, png_const_charp text) {
    errors *e = png_get_error_ptr(png);
    say(e->message, text);
    longjmp(e->jump, 1);
}

static void warned(png_structp png, png_const_charp text) {
    (void)png;
    (void)text;
}

static void take(png_structp png, png_bytep target, size_t count) {
    cpng_reader *reader = png_get_io_ptr(png);
    if (count > reader->size - reader->position) png_error(png, "the file ends too early");
    memcpy(target, reader->data + reader->position, count);
    reader->position += count;
}

cpng_reader *cpng_open(const uint8_t *data, size_t size, int expanded, uint32_t max_width, uint32_t max_height,
                       cpng_layout *layout, char message[CPNG_MESSAGE_SIZE]) {
    cpng_reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL) {
        say(message, "out of memory");
        return NULL;
    }
    reader->data = data;
    reader->size = size;
    reader->errors.message = message;
    reader->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &reader->errors, failed, warned);
    reader->info = reader->png == NULL ? NULL : png_create_info_struct(reader->png);
    if (reader->info == NULL) {
        say(message, "libpng does not start");
        cpng_close(reader);
        return NULL;
    }
    if (setjmp(reader->errors.jump)) {
        cpng_close(reader);
        return NULL;
    }
    png_structp png = reader->png;
    png_set_read_fn(png, reader, take);
    png_set_user_limits(png, max_width, max_height);
    png_set_chunk_malloc_max(png, 16 << 20);
    png_set_chunk_cache_max(png, 256);
    png_read_info(png, reader->info);
    int depth = png_get_bit_depth(png, reader->info);
    if (expanded) {
        png_set_expand(png);
        if (depth == 16) png_set_scale_16(png);
    } else {
        if (depth < 8) png_set_packing(png);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
        if (depth == 16) png_set_swap(png);
#endif
    }
    png_set_interlace_handling(png);
    png_read_update_info(png, reader->info);
    layout->width = png_get_image_width(png, reader->info);
    layout->height = png_get_image_height(png, reader->info);
    layout->channels = png_get_channels(png, reader->info);
    layout->bytes_per_sample = png_get_bit_depth(png, reader->info) / 8;
    size_t row = (size_t)layout->width * (size_t)layout->channels * (size_t)layout->bytes_per_sample;
    if (layout->bytes_per_sample < 1 || png_get_rowbytes(png, reader->info) != row) png_error(png, "unexpected row size");
    return reader;
}

int cpng_palette(cpng_reader *reader, uint8_t palette[768]) {
    png_colorp colours = NULL;
    int count = 0;
    if (png_get_PLTE(reader->png, reader->info, &colours, &count) != PNG_INFO_PLTE || count > 256) return 0;
    for (int i = 0; i < count; i++) {
        palette[3 * i] = colours[i].red;
        palette[3 * i + 1] = colours[i].green;
        palette[3 * i + 2] = colours[i].blue;
    }
    return count;
}

int cpng_read(cpng_reader *reader, uint8_t *pixels, char message[CPNG_MESSAGE_SIZE]) {
    png_structp png = reader->png;
    png_uint_32 height = png_get_image_height(png, reader->info);
    size_t row = png_get_rowbytes(png, reader->info);
    png_bytepp rows = malloc(height * sizeof *rows);
    reader->errors.message = message;
    if (rows == NULL) {
        say(message, "out of memory");
        return -1;
    }
    for (png_uint_32 y = 0; y < height; y++) rows[y] = pixels + y * row;
    if (setjmp(reader->errors.jump)) {
        free(rows);
        return -1;
    }
    png_read_image(png, rows);
    png_read_end(png, NULL);
    free(rows);
    return 0;
}

void cpng_close(cpng_reader *reader) {
    if (reader == NULL) return;
    if (reader->png != NULL) png_destroy_read_struct(&reader->png, &reader->info, NULL);
    free(reader);
}

static void append(png_structp png, png_bytep bytes, size_t count) {
    growing *target = png_get_io_ptr(png);
    if (count > target->capacity - target->size) {
        size_t capacity = 2 * target->capacity + count + 4096;
        uint8_t *larger = realloc(target->bytes, capacity);
        if (larger == NULL) png_error(png, "out of memory");
        target->bytes = larger;
        target->capacity = capacity;
    }
    memcpy(target->bytes + target->size, bytes, count);
    target->size += count;
}

static void flush(png_structp png) { (void)png; }

// What changes while rows are written lives in the caller's frame: a jump leaves this function's own variables undefined.
static int write_rows(const uint8_t *pixels, uint32_t width, uint32_t height, int channels, growing *target, errors *errors) {
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, errors, failed, warned);
    png_infop info = png == NULL ? NULL : png_create_info_struct(png);
    if (info == NULL) {
        png_destroy_write_struct(&png, NULL);
        say(errors->message, "libpng does not start");
        return -1;
    }
    if (setjmp(errors->jump)) {
        png_destroy_write_struct(&png, &info);
        return -1;
    }
    png_set_write_fn(png, target, append, flush);
    png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_set_IHDR(png, info, width, height, 8, channels == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, info);
    for (uint32_t y = 0; y < height; y++) png_write_row(png, pixels + (size_t)y * width * (size_t)channels);
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    return 0;
}

int cpng_write(const uint8_t *pixels, uint32_t width, uint32_t height, int channels, uint8_t **bytes, size_t *size,
               char message[CPNG_MESSAGE_SIZE]) {
    growing target = {NULL, 0, 0};
    errors errors = {.message = message};
    if (write_rows(pixels, width, height, channels, &target, &errors) != 0) {
        free(target.bytes);
        return -1;
    }
    *bytes = target.bytes;
    *size = target.size;
    return 0;
}
