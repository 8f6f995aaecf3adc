#ifndef VALUESTREAM_CGUNZIP_H
#define VALUESTREAM_CGUNZIP_H

#include <zlib.h>

/* inflateInit2 is a macro, which Swift does not see. 16 asks for gzip. */
static inline int vs_gunzip_init(z_stream *stream) { return inflateInit2(stream, 15 + 16); }

#endif
