/* Finds bytes many at a time, which Swift's vectors cannot: they have no way from a mask of lanes to a mask of bits. */
#ifndef VALUESTREAM_CBYTESCAN_H
#define VALUESTREAM_CBYTESCAN_H

#include <stddef.h>
#include <stdint.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/* Where, among 64 bytes, what separates values stands; the bit of the first byte is the lowest. */
typedef struct {
  uint64_t quotes;
  uint64_t separators;
  uint64_t line_feeds;
} vs_separators;

/* Reads 64 bytes. `separator` stands between the values of a row. */
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

/* How often a byte stands among others. */
size_t vs_count_byte(const uint8_t *bytes, size_t count, uint8_t byte);

#endif
