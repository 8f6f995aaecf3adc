/* Finds bytes with SIMD instructions. Swift's SIMD types cannot convert a vector mask to a bit mask. */
#ifndef VALUESTREAM_CBYTESCAN_H
#define VALUESTREAM_CBYTESCAN_H

#include <stddef.h>
#include <stdint.h>

/* The number of bytes that are looked at together. */
#define VS_CHUNK 64

typedef struct {
  size_t quotes;
  size_t line_feeds;
} vs_byte_counts;

/* Returns how often quotes and line feeds occur in the first `count` bytes. */
vs_byte_counts vs_count_bytes(const uint8_t *bytes, size_t count);

/* The indices in the list of ends of a row's first field, and past its last field. */
typedef struct {
  uint32_t first;
  uint32_t end;
} vs_row;

/* A search for fields, which stops in between where the caller has to act. */
typedef struct {
  /* The offset of the chunk to search next. */
  size_t offset;
  /* The number of ends found, including the one before the first field. */
  size_t end_count;
  size_t row_count;
  /* All ones if the next chunk begins within quotes, otherwise 0. */
  uint64_t within;
  /* 1 if the byte before the next chunk allows an opening quote, and 1 if it was a closing quote. Otherwise 0. */
  uint64_t may_open;
  uint64_t has_closed;
  /* The first field of the row that has not ended yet. */
  uint32_t first_of_row;
  /* Bits of the chunk before `offset`: quotes that open where none may, and bytes after a closing quote that do not end the
     field. */
  uint64_t wrong;
  uint64_t unfollowed;
} vs_field_search;

/* The free entries that the lists of ends and rows need to go on. */
#define VS_ROOM 80

/* Returns which instructions this processor has: 0 for those of its whole architecture, 1 for vectors of 256 bits, 2 for those that
   also gather the bytes of a vector by a mask. */
int vs_instruction_level(void);

/* Finds the ends of fields and rows from `search->offset` on. Returns past `end`, after a chunk with a misplaced quote, or if one
   of the lists has less than VS_ROOM free entries. Reads up to VS_CHUNK - 1 bytes past `end`; these must be zero.
   `separator` is the byte between the fields of a row, such as a comma. `level` is at most vs_instruction_level(). */
void vs_find_fields(
    vs_field_search *search, const uint8_t *bytes, size_t end, uint8_t separator, uint32_t *ends, size_t end_capacity, vs_row *rows,
    size_t row_capacity, int level);

#endif
