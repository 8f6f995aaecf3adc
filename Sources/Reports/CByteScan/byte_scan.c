#include "CByteScan.h"

size_t vs_count_byte(const uint8_t *bytes, size_t count, uint8_t byte) {
  size_t found = 0;
  size_t index = 0;
#if defined(__SSE2__)
  const __m128i wanted = _mm_set1_epi8((char)byte);
  while (count - index >= 16) {
    /* An 8-bit counter reaches at most 255, so add the counters up after 255 vectors. */
    size_t vectors = (count - index) / 16;
    if (vectors > 255) vectors = 255;
    __m128i lanes = _mm_setzero_si128();
    for (size_t vector = 0; vector < vectors; vector++, index += 16) {
      lanes = _mm_sub_epi8(lanes, _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(bytes + index)), wanted));
    }
    const __m128i sums = _mm_sad_epu8(lanes, _mm_setzero_si128());
    found += (size_t)_mm_cvtsi128_si64(sums) + (size_t)_mm_cvtsi128_si64(_mm_unpackhi_epi64(sums, sums));
  }
#endif
  for (; index < count; index++) found += bytes[index] == byte;
  return found;
}
