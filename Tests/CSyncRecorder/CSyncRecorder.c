#include "CSyncRecorder.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

struct operation {
  int kind;
  char *path;
};

struct vs_recorder {
  sqlite3_vfs vfs;
  sqlite3_vfs *real;
  pthread_mutex_t lock;
  struct operation *operations;
  long count, capacity;
  char *fail_suffix;
  int fail_operation, fail_times;
  int64_t room;
};

/* The file of the system's VFS follows this struct in the same allocation. */
struct file {
  sqlite3_file base;
  vs_recorder *recorder;
  const char *path;
  sqlite3_file *real;
};

static int ends_with(const char *text, const char *suffix) {
  size_t length = strlen(text), end = strlen(suffix);
  return length >= end && strcmp(text + length - end, suffix) == 0;
}

/* Records an operation, unless it reads. Returns true if it must fail. */
static int note(struct file *file, int kind) {
  vs_recorder *recorder = file->recorder;
  const char *path = file->path ? file->path : "";
  pthread_mutex_lock(&recorder->lock);
  int fails = recorder->fail_times > 0 && recorder->fail_operation == kind && ends_with(path, recorder->fail_suffix);
  if (fails) recorder->fail_times -= 1;
  if (kind == VS_OPERATION_READ) {
    pthread_mutex_unlock(&recorder->lock);
    return fails;
  }
  if (recorder->count == recorder->capacity) {
    recorder->capacity = recorder->capacity ? recorder->capacity * 2 : 1024;
    recorder->operations = realloc(recorder->operations, (size_t)recorder->capacity * sizeof(struct operation));
  }
  recorder->operations[recorder->count++] = (struct operation){kind, strdup(path)};
  pthread_mutex_unlock(&recorder->lock);
  return fails;
}

static int has_room(struct file *file, int64_t end) {
  vs_recorder *recorder = file->recorder;
  sqlite3_int64 size = 0;
  if (file->real->pMethods->xFileSize(file->real, &size) != SQLITE_OK || end <= size) return 1;
  pthread_mutex_lock(&recorder->lock);
  int result = recorder->room < 0 || recorder->room >= end - size;
  if (result && recorder->room >= 0) recorder->room -= end - size;
  pthread_mutex_unlock(&recorder->lock);
  return result;
}

#define REAL(f) (((struct file *)(f))->real)
#define CALL(f, method, ...) REAL(f)->pMethods->method(REAL(f), ##__VA_ARGS__)

static int file_close(sqlite3_file *f) { return CALL(f, xClose); }
static int file_read(sqlite3_file *f, void *to, int n, sqlite3_int64 at) {
  if (note((struct file *)f, VS_OPERATION_READ)) return SQLITE_IOERR_READ;
  return CALL(f, xRead, to, n, at);
}
static int file_write(sqlite3_file *f, const void *from, int n, sqlite3_int64 at) {
  if (note((struct file *)f, VS_OPERATION_WRITE)) return SQLITE_IOERR_WRITE;
  if (!has_room((struct file *)f, at + n)) return SQLITE_FULL;
  return CALL(f, xWrite, from, n, at);
}
static int file_truncate(sqlite3_file *f, sqlite3_int64 size) {
  if (note((struct file *)f, VS_OPERATION_TRUNCATE)) return SQLITE_IOERR_TRUNCATE;
  return CALL(f, xTruncate, size);
}
static int file_sync(sqlite3_file *f, int flags) {
  if (note((struct file *)f, VS_OPERATION_SYNC)) return SQLITE_IOERR_FSYNC;
  return CALL(f, xSync, flags);
}
static int file_size(sqlite3_file *f, sqlite3_int64 *size) { return CALL(f, xFileSize, size); }
static int file_lock(sqlite3_file *f, int level) { return CALL(f, xLock, level); }
static int file_unlock(sqlite3_file *f, int level) { return CALL(f, xUnlock, level); }
static int file_check_lock(sqlite3_file *f, int *result) { return CALL(f, xCheckReservedLock, result); }
static int file_control(sqlite3_file *f, int operation, void *argument) { return CALL(f, xFileControl, operation, argument); }
static int file_sector_size(sqlite3_file *f) { return CALL(f, xSectorSize); }
static int file_device(sqlite3_file *f) { return CALL(f, xDeviceCharacteristics); }
static int file_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **to) {
  return CALL(f, xShmMap, page, size, extend, to);
}
static int file_shm_lock(sqlite3_file *f, int offset, int n, int flags) { return CALL(f, xShmLock, offset, n, flags); }
static void file_shm_barrier(sqlite3_file *f) { CALL(f, xShmBarrier); }
static int file_shm_unmap(sqlite3_file *f, int remove) { return CALL(f, xShmUnmap, remove); }

static const sqlite3_io_methods methods = {
    2,           file_close,   file_read,       file_write,   file_truncate,    file_sync,
    file_size,   file_lock,    file_unlock,     file_check_lock, file_control,  file_sector_size,
    file_device, file_shm_map, file_shm_lock,   file_shm_barrier, file_shm_unmap, 0, 0};

#define VFS(v) ((vs_recorder *)(v)->pAppData)->real

static int vfs_open(sqlite3_vfs *v, const char *name, sqlite3_file *f, int flags, int *out) {
  struct file *file = (struct file *)f;
  file->recorder = v->pAppData;
  file->path = name;
  file->real = (sqlite3_file *)(file + 1);
  file->base.pMethods = NULL;
  int code = VFS(v)->xOpen(VFS(v), name, file->real, flags, out);
  if (file->real->pMethods) file->base.pMethods = &methods;
  return code;
}
static int vfs_delete(sqlite3_vfs *v, const char *name, int sync) { return VFS(v)->xDelete(VFS(v), name, sync); }
static int vfs_access(sqlite3_vfs *v, const char *name, int flags, int *result) {
  return VFS(v)->xAccess(VFS(v), name, flags, result);
}
static int vfs_full_path(sqlite3_vfs *v, const char *name, int n, char *out) {
  return VFS(v)->xFullPathname(VFS(v), name, n, out);
}
static int vfs_randomness(sqlite3_vfs *v, int n, char *out) { return VFS(v)->xRandomness(VFS(v), n, out); }
static int vfs_sleep(sqlite3_vfs *v, int microseconds) { return VFS(v)->xSleep(VFS(v), microseconds); }
static int vfs_time(sqlite3_vfs *v, double *out) { return VFS(v)->xCurrentTime(VFS(v), out); }
static int vfs_last_error(sqlite3_vfs *v, int n, char *out) { return VFS(v)->xGetLastError(VFS(v), n, out); }
static int vfs_time64(sqlite3_vfs *v, sqlite3_int64 *out) { return VFS(v)->xCurrentTimeInt64(VFS(v), out); }

vs_recorder *vs_recorder_create(const char *name) {
  sqlite3_vfs *real = sqlite3_vfs_find(NULL);
  vs_recorder *recorder = calloc(1, sizeof(vs_recorder));
  if (!real || !recorder) return NULL;
  pthread_mutex_init(&recorder->lock, NULL);
  recorder->real = real;
  recorder->room = -1;
  recorder->vfs = (sqlite3_vfs){
      .iVersion = 2,
      .szOsFile = (int)sizeof(struct file) + real->szOsFile,
      .mxPathname = real->mxPathname,
      .zName = strdup(name),
      .pAppData = recorder,
      .xOpen = vfs_open,
      .xDelete = vfs_delete,
      .xAccess = vfs_access,
      .xFullPathname = vfs_full_path,
      .xRandomness = vfs_randomness,
      .xSleep = vfs_sleep,
      .xCurrentTime = vfs_time,
      .xGetLastError = vfs_last_error,
      .xCurrentTimeInt64 = vfs_time64,
  };
  if (sqlite3_vfs_register(&recorder->vfs, 0) == SQLITE_OK) return recorder;
  free(recorder);
  return NULL;
}

void vs_recorder_destroy(vs_recorder *recorder) {
  sqlite3_vfs_unregister(&recorder->vfs);
  for (long i = 0; i < recorder->count; i++) free(recorder->operations[i].path);
  free(recorder->operations);
  free(recorder->fail_suffix);
  free((char *)recorder->vfs.zName);
  pthread_mutex_destroy(&recorder->lock);
  free(recorder);
}

long vs_recorder_count(vs_recorder *recorder, const char *suffix, int operation) {
  long result = 0;
  pthread_mutex_lock(&recorder->lock);
  for (long i = 0; i < recorder->count; i++)
    result += recorder->operations[i].kind == operation && ends_with(recorder->operations[i].path, suffix);
  pthread_mutex_unlock(&recorder->lock);
  return result;
}

int vs_recorder_last(vs_recorder *recorder, const char *suffix) {
  int result = 0;
  pthread_mutex_lock(&recorder->lock);
  for (long i = recorder->count - 1; i >= 0 && result == 0; i--)
    if (ends_with(recorder->operations[i].path, suffix)) result = recorder->operations[i].kind;
  pthread_mutex_unlock(&recorder->lock);
  return result;
}

void vs_recorder_fail(vs_recorder *recorder, const char *suffix, int operation, int times) {
  pthread_mutex_lock(&recorder->lock);
  free(recorder->fail_suffix);
  recorder->fail_suffix = strdup(suffix);
  recorder->fail_operation = operation;
  recorder->fail_times = times;
  pthread_mutex_unlock(&recorder->lock);
}

void vs_recorder_set_room(vs_recorder *recorder, int64_t bytes) {
  pthread_mutex_lock(&recorder->lock);
  recorder->room = bytes;
  pthread_mutex_unlock(&recorder->lock);
}
