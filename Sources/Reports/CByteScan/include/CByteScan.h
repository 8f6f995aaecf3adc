/* Finds bytes with SIMD instructions. Swift's SIMD types cannot convert a vector mask to a bit mask. */
#ifndef VALUESTREAM_CBYTESCAN_H
#define VALUESTREAM_CBYTESCAN_H

#include <stddef.h>
#include <stdint.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/* Bit masks of the quotes, separators and line feeds in 64 bytes. The lowest bit stands for the first byte. */
typedef struct {
  uint64_t quotes;
  uint64_t separators;
  uint64_t line_feeds;
} vs_separators;

/* Reads exactly 64 bytes. `separator` is the byte between the values of a row, such as a comma. */
static inline vs_separators vs_find_separators(const uint8_t *bytes, uint8_t separator) {
  vs_separators found = {0, 0, 0};
#if defined(__SSE2__)
  const __m128i quote = _mm_set1_epi8('"'), between = _mm_set1_epi8((char)separator), line_feed = _mm_set1_epi8('\n');
  for (int part = 0; part < 4; part++) {
    const __m128i lanes = _mm_loadu_si128((const __m128i *)bytes + part);
    found.quotes |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(lanes, quote)) << (16 * part);
    found.separators |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(lanes, between)) << (16 * part);
    found.line_feeds |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(lanes, line_feed)) << (16 * part);
  }
#else
  for (int index = 0; index < 64; index++) {
    found.quotes |= (uint64_t)(bytes[index] == '"') << index;
    found.separators |= (uint64_t)(bytes[index] == separator) << index;
    found.line_feeds |= (uint64_t)(bytes[index] == '\n') << index;
  }
#endif
  return found;
}

/* Returns how often `byte` occurs in the first `count` bytes. */
size_t vs_count_byte(const uint8_t *bytes, size_t count, uint8_t byte);

#endif
