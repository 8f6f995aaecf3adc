#pragma once

#include <zlib.h>

// Wrappers for the macros inflateInit2 and deflateInit2, which Swift does not import.

// Prepares to read gzip, and no other format because of the 16.
static inline int vs_inflate_init_gzip(z_stream *stream) {
  return inflateInit2(stream, 15 + 16);
}

// Prepares to write gzip at the fastest level. Spans of a batch are so similar that higher levels cost much and save little.
static inline int vs_gzip_init(z_stream *stream) {
  return deflateInit2(stream, Z_BEST_SPEED, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
}

// Prepares to write gzip at a level from 1 (fastest) to 9 (smallest).
static inline int vs_gzip_init_level(z_stream *stream, int level) {
  return deflateInit2(stream, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
}
