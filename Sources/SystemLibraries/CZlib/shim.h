#pragma once

#include <zlib.h>

// inflateInit2 and deflateInit2 are macros, which Swift does not see.

// Reads gzip and nothing else: that is what the 16 asks for.
static inline int vs_inflate_init_gzip(z_stream *stream) {
  return inflateInit2(stream, 15 + 16);
}

// Writes gzip. Spans of a batch repeat each other so much that a longer search for the best repetition costs much and saves little.
static inline int vs_gzip_init(z_stream *stream) {
  return deflateInit2(stream, Z_BEST_SPEED, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
}
