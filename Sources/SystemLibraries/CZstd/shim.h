#ifndef VALUESTREAM_CZSTD_H
#define VALUESTREAM_CZSTD_H

#include <zstd.h>

#endif
