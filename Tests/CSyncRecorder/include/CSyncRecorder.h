#ifndef VALUESTREAM_CSYNCRECORDER_H
#define VALUESTREAM_CSYNCRECORDER_H

#include <stdint.h>

/* A SQLite VFS for tests. It forwards to the system's VFS, records writes and syncs, and simulates failures, also of reads. */
typedef struct vs_recorder vs_recorder;

enum { VS_OPERATION_WRITE = 1, VS_OPERATION_SYNC = 2, VS_OPERATION_TRUNCATE = 3, VS_OPERATION_READ = 4 };

/* Registers a VFS. The name must be unique in the process. Returns NULL on failure. */
vs_recorder *vs_recorder_create(const char *name);

/* Unregisters and frees the VFS. All connections that use it must be closed first. */
void vs_recorder_destroy(vs_recorder *recorder);

/* Returns the number of recorded operations on files whose path has the suffix. */
long vs_recorder_count(vs_recorder *recorder, const char *suffix, int operation);

/* Returns the last operation on any file whose path has the suffix, or 0 if there was none. */
int vs_recorder_last(vs_recorder *recorder, const char *suffix);

/* Makes the next `times` operations of this kind fail with an I/O error, on files whose path has the suffix. */
void vs_recorder_fail(vs_recorder *recorder, const char *suffix, int operation, int times);

/* Sets how many bytes all files together may grow before the disk counts as full; negative means no limit. */
void vs_recorder_set_room(vs_recorder *recorder, int64_t bytes);

#endif
