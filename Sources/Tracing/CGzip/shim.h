#ifndef VALUESTREAM_CGZIP_H
#define VALUESTREAM_CGZIP_H

#include <zlib.h>

/* deflateInit2 is a macro, which Swift does not see. 16 asks for gzip. Spans of a batch repeat each other so much that looking
   longer for the best repetition costs much and saves little. */
static inline int vs_gzip_init(z_stream *stream) {
  return deflateInit2(stream, Z_BEST_SPEED, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
}

#endif
