#ifndef VALUESTREAM_CSYNCRECORDER_H
#define VALUESTREAM_CSYNCRECORDER_H

#include <stdint.h>

/* A SQLite file layer over the system's that records what is written and synced, and fails when told to. For tests. */
typedef struct vs_recorder vs_recorder;

enum { VS_OPERATION_WRITE = 1, VS_OPERATION_SYNC = 2, VS_OPERATION_TRUNCATE = 3 };

/* Registers a layer under a name nobody else uses; NULL when that fails. */
vs_recorder *vs_recorder_create(const char *name);

/* Every connection that used the layer must be closed. */
void vs_recorder_destroy(vs_recorder *recorder);

/* How many operations were recorded of files whose path ends so. */
long vs_recorder_count(vs_recorder *recorder, const char *suffix, int operation);

/* The last operation on any file whose path ends so; 0 when there was none. */
int vs_recorder_last(vs_recorder *recorder, const char *suffix);

/* The next `times` operations of this kind on files whose path ends so fail as a broken disk would. */
void vs_recorder_fail(vs_recorder *recorder, const char *suffix, int operation, int times);

/* Files may grow by so many bytes altogether, then the disk is full; negative for without end. */
void vs_recorder_set_room(vs_recorder *recorder, int64_t bytes);

#endif
