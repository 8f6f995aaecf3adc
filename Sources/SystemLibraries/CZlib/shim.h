#pragma once

#include <zlib.h>

// inflateInit2 is a macro, which Swift does not see. 16 asks for gzip and nothing else.
static inline int vs_inflate_init_gzip(z_stream *stream) {
  return inflateInit2(stream, 15 + 16);
}
