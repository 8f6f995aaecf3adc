#ifndef VALUESTREAM_CUNZSTD_H
#define VALUESTREAM_CUNZSTD_H

#include <zstd.h>

#endif
