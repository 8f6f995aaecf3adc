#include "CByteScan.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* Compilers translate these vectors into the best instructions of the target. */
typedef uint8_t chunk __attribute__((vector_size(VS_CHUNK)));
typedef _Bool lanes __attribute__((ext_vector_type(VS_CHUNK)));

#define INLINE static inline __attribute__((always_inline))

/* Returns a bit for each byte of a chunk, the lowest for the first byte: 1 where it is `byte`. */
INLINE uint64_t positions(const uint8_t *bytes, uint8_t byte) {
  chunk loaded;
  memcpy(&loaded, bytes, sizeof loaded);
  const lanes found = __builtin_convertvector(loaded == byte, lanes);
  uint64_t bits;
  memcpy(&bits, &found, sizeof bits);
  return bits;
}

INLINE vs_byte_counts count_bytes(const uint8_t *bytes, size_t count) {
  vs_byte_counts counts = {0, 0};
  size_t index = 0;
  for (; count - index >= VS_CHUNK; index += VS_CHUNK) {
    counts.quotes += (size_t)__builtin_popcountll(positions(bytes + index, '"'));
    counts.line_feeds += (size_t)__builtin_popcountll(positions(bytes + index, '\n'));
  }
  for (; index < count; index++) {
    counts.quotes += bytes[index] == '"';
    counts.line_feeds += bytes[index] == '\n';
  }
  return counts;
}

/* Returns, for each bit, 1 if the number of set bits up to and including it is odd. */
INLINE uint64_t parity(uint64_t bits) {
  bits ^= bits << 1;
  bits ^= bits << 2;
  bits ^= bits << 4;
  bits ^= bits << 8;
  bits ^= bits << 16;
  return bits ^ bits << 32;
}

/* Writes the offsets of the set bits to `ends`, and maybe meaningless ones after them, at most VS_ROOM in all. */
typedef void writer(uint32_t *ends, uint32_t offset, uint64_t bits, size_t count);

static inline void write_ends(uint32_t *ends, uint32_t offset, uint64_t bits, size_t count) {
  /* Eight at a time: branches by the number of bits would often be predicted wrong. */
  for (size_t written = 0; written < count; written += 8) {
    for (int one = 0; one < 8; one++) {
      /* The added bit keeps the count of zeros defined if no bit is left. */
      ends[written + (size_t)one] = offset + (uint32_t)__builtin_ctzll(bits | (uint64_t)1 << 63);
      bits &= bits - 1;
      /* Keeps the compiler from counting zeros in vectors, for which processors have no instruction. */
      __asm__("" : "+r"(bits));
    }
  }
}

INLINE void find_fields(
    vs_field_search *search, const uint8_t *bytes, size_t end, uint8_t separator, uint32_t *ends, size_t end_capacity, vs_row *rows,
    size_t row_capacity, writer *write) {
  vs_field_search now = *search;
  now.wrong = 0;
  now.unfollowed = 0;
  while (now.offset < end && now.end_count + VS_ROOM <= end_capacity && now.row_count + VS_ROOM <= row_capacity &&
         !(now.wrong | now.unfollowed)) {
    const uint8_t *start = bytes + now.offset;
    const uint64_t quotes = positions(start, '"');
    uint64_t line_feeds = positions(start, '\n');
    uint64_t separators = positions(start, separator) | line_feeds;
    if (quotes | now.within | now.has_closed) {
      const uint64_t quoted = parity(quotes) ^ now.within;
      separators &= ~quoted;
      line_feeds &= ~quoted;
      const uint64_t opening = quotes & quoted;
      const uint64_t closing = quotes & ~quoted;
      now.wrong = opening & ~((separators | closing) << 1 | now.may_open);
      now.unfollowed = (closing << 1 | now.has_closed) & ~(separators | opening);
      now.within = quoted >> 63 ? ~(uint64_t)0 : 0;
      now.has_closed = closing >> 63;
      now.may_open = (separators | closing) >> 63;
    } else {
      now.may_open = separators >> 63;
    }
    for (; line_feeds; line_feeds &= line_feeds - 1) {
      const uint64_t before = (line_feeds & (0 - line_feeds)) - 1;
      const uint32_t past = (uint32_t)now.end_count + (uint32_t)__builtin_popcountll(separators & before) + 1;
      rows[now.row_count++] = (vs_row){now.first_of_row, past};
      now.first_of_row = past;
    }
    const size_t found = (size_t)__builtin_popcountll(separators);
    write(ends + now.end_count, (uint32_t)now.offset, separators, found);
    now.end_count += found;
    now.offset += VS_CHUNK;
  }
  *search = now;
}

#if defined(__x86_64__)

/* The same, for processors with 256-bit vectors and instructions that count bits: those since about 2013. */
#define WIDE __attribute__((target("avx2,bmi,bmi2,popcnt")))

WIDE static vs_byte_counts count_bytes_wide(const uint8_t *bytes, size_t count) { return count_bytes(bytes, count); }

WIDE static void find_fields_wide(
    vs_field_search *search, const uint8_t *bytes, size_t end, uint8_t separator, uint32_t *ends, size_t end_capacity, vs_row *rows,
    size_t row_capacity) {
  find_fields(search, bytes, end, separator, ends, end_capacity, rows, row_capacity, write_ends);
}

/* The same, for processors that gather the bytes of a vector by a mask: those since about 2020. */
#define WIDEST __attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi2,bmi,bmi2,popcnt")))

WIDEST static inline void write_ends_widest(uint32_t *ends, uint32_t offset, uint64_t bits, size_t count) {
  static const uint8_t places[VS_CHUNK] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
                                           22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43,
                                           44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63};
  const __m512i start = _mm512_set1_epi32((int)offset);
  const __m512i found = _mm512_maskz_compress_epi8(bits, _mm512_loadu_si512(places));
  _mm512_storeu_si512(ends, _mm512_add_epi32(_mm512_cvtepu8_epi32(_mm512_castsi512_si128(found)), start));
  if (count <= 16) return;
  uint8_t rest[VS_CHUNK];
  _mm512_storeu_si512(rest, found);
  for (size_t written = 16; written < count; written += 16) {
    const __m128i next = _mm_loadu_si128((const __m128i *)(rest + written));
    _mm512_storeu_si512(ends + written, _mm512_add_epi32(_mm512_cvtepu8_epi32(next), start));
  }
}

WIDEST static void find_fields_widest(
    vs_field_search *search, const uint8_t *bytes, size_t end, uint8_t separator, uint32_t *ends, size_t end_capacity, vs_row *rows,
    size_t row_capacity) {
  find_fields(search, bytes, end, separator, ends, end_capacity, rows, row_capacity, write_ends_widest);
}

#endif

int vs_instruction_level(void) {
#if defined(__x86_64__)
  const int is_wide = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") &&
                      __builtin_cpu_supports("popcnt");
  const int is_widest = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vbmi2");
  return is_wide ? is_widest ? 2 : 1 : 0;
#else
  return 0;
#endif
}

vs_byte_counts vs_count_bytes(const uint8_t *bytes, size_t count) {
#if defined(__x86_64__)
  if (vs_instruction_level() > 0) return count_bytes_wide(bytes, count);
#endif
  return count_bytes(bytes, count);
}

void vs_find_fields(
    vs_field_search *search, const uint8_t *bytes, size_t end, uint8_t separator, uint32_t *ends, size_t end_capacity, vs_row *rows,
    size_t row_capacity, int level) {
#if defined(__x86_64__)
  if (level == 2) {
    find_fields_widest(search, bytes, end, separator, ends, end_capacity, rows, row_capacity);
    return;
  }
  if (level == 1) {
    find_fields_wide(search, bytes, end, separator, ends, end_capacity, rows, row_capacity);
    return;
  }
#endif
  (void)level;
  find_fields(search, bytes, end, separator, ends, end_capacity, rows, row_capacity, write_ends);
}
